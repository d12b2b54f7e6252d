"""ClickHouse's HTTP interface over its embedded engine, chDB.

`python -m infra.embedded.clickhouse_http` serves it. The official clients (clickhouse-connect,
Grafana, curl) speak to it as to a server. It has no sessions and temporary tables, no external
data, no block compression of ClickHouse's own (`compress=1`), and one user.
"""
