"""A site in one file, and a site from one: saved states, accounts, pages, rules, definitions.

`archive` is the file, `accounts` are those of a PostgreSQL, `tables` are what lies in topics,
`positions` tells what is no longer there.
It imports `flows.runtime.saved_state` and what lies below.
"""
