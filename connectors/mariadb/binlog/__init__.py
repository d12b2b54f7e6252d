"""MariaDB's binary log as bytes: packets, the tables they describe, and their rows.

`stream` receives packets, `transactions` makes events of them with the help of `table_map`,
`row_decoder` and `row_events`; `definitions` holds what the log leaves out of tables. The formats
are those of MariaDB's documentation, "Replication Protocol"; each value is checked against what the
server itself reads from the table. The package imports `connectors.base`, the parent's `values` and
`homeassistant_recorder`, and `operators.events`.
"""
