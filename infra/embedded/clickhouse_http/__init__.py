"""ClickHouse's HTTP interface over its embedded engine (chDB): `python -m
infra.embedded.clickhouse_http`.

The official clients (clickhouse-connect, Grafana, curl) speak to it as to a server. What it does
not do: sessions and temporary tables, external data, ClickHouse's own block compression
(`compress=1`), several users.
"""
