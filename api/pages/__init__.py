"""Pages of alarms that people write: stored, shared, written to the topic of rules.

The doors are `service.PageService` and `group_service.GroupService`. May import `push` and what
stands below, but not `site`.
"""
