"""Who may see and do what: permissions on pages, and the visibility that follows from them.

`page_permissions` reads the database; `visibility` is the value that the rest of the api asks.
Imports `database` and nothing else of the api.
"""
