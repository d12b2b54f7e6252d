"""MariaDB's binary log as bytes: packets, the tables they describe, and their rows.

`stream` receives packets, `transactions` makes events of them with the help of `table_map` and
`row_decoder`. The formats are those of MariaDB's documentation, "Replication Protocol"; the decoder
is checked packet for packet against mysql-replication. The package imports `connectors.base`,
`connectors.mariadb.homeassistant_recorder` and `operators.events`.
"""
