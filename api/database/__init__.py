"""The api's own database: accounts, pages, alarms on pages, cameras, the audit log, the outbox.

`database.open_database` is the door, `models` has the tables. Imports nothing else of the api.
"""
