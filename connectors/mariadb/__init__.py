"""MariaDB: the source that follows a server's binary log.

The door is `components.MariadbBinlog`. `binlog` decodes the log's packets; `session` holds one
connection after another, and `reader` the queue between its thread and the flow. The package
imports `connectors.base`, `connectors.runtime` and `operators`; `components`, `connection` and
`row_mapping` do without the MariaDB client, which is loaded when a source is opened.
"""
