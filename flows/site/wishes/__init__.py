"""What people ask of the supervisor: deploys, removals, and work beside what runs.

Its doors are `deploys`, `removals` and `errands`. May import what `flows.site` may, but not its
`supervisor`.
"""
