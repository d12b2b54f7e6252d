"""Dashboards of Grafana as code: `python -m infra.grafana` writes them into `dashboards/`.

`boards` says what each shows, `panels` how a panel is written down. Vigie alarms, Grafana shows.
"""
