"""E-mail: the sink that writes to people.

The door is `components.Email`. The package imports `connectors.base`, `connectors.runtime` and
`operators`, and nothing beyond the standard library.
"""
