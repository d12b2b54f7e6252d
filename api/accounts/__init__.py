"""Who may log in: accounts, their roles and passwords, login sessions and the tokens they issue.

The door is `api.accounts.accounts.Accounts`. Imports `api.database` and nothing else of the api.
"""
