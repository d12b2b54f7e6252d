"""ClickHouse: the sink that keeps history, and the schema of its tables.

The door is `components.ClickHouse`; `columns` says what a table of a kind holds, `schema` makes
tables and brings them up to date, `client` opens clients for all who read history. `connection`,
`components` and `table` do without the ClickHouse client, the other modules need it. The package
imports `connectors.base`, `connectors.runtime` and `operators`.
"""
