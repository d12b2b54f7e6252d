"""Panels, variables and dashboards in Grafana's JSON (schema 39: Grafana 10.4 and later)."""

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]

CLICKHOUSE: Json = {"type": "grafana-clickhouse-datasource", "uid": "vigie-clickhouse"}
INFLUXDB: Json = {"type": "influxdb", "uid": "vigie-influxdb"}
PROMETHEUS: Json = {"type": "prometheus", "uid": "vigie-prometheus"}
PLUGIN = "4.20.0"
COLUMNS = 24
TIME_SERIES, TABLE = 0, 1
"""`format` of a query of the ClickHouse plugin."""


def sql(text: str, format: int = TABLE, ref: str = "A") -> Json:
    """A query of ClickHouse, as its plugin keeps it."""
    return {
        "datasource": CLICKHOUSE,
        "editorType": "sql",
        "pluginVersion": PLUGIN,
        "rawSql": " ".join(text.split()),
        "format": format,
        "queryType": "timeseries" if format == TIME_SERIES else "table",
        "refId": ref,
    }


def series(text: str) -> Json:
    """A query of ClickHouse whose rows are times, names and numbers."""
    return sql(text, TIME_SERIES)


def influxql(text: str, alias: str = "$tag_subject") -> Json:
    """A query in InfluxQL, which InfluxDB 1, 2 and 3 answer."""
    return {
        "datasource": INFLUXDB,
        "query": " ".join(text.split()),
        "rawQuery": True,
        "resultFormat": "time_series",
        "alias": alias,
        "refId": "A",
    }


def promql(text: str, legend: str) -> Json:
    """A query of Prometheus."""
    return {
        "datasource": PROMETHEUS,
        "expr": " ".join(text.split()),
        "legendFormat": legend,
        "refId": "A",
    }


def panel(
    kind: str,
    title: str,
    target: Json,
    about: str = "",
    width: int = 12,
    height: int = 8,
    unit: str = "short",
    limits: Sequence[tuple[float | None, str]] = ((None, "green"),),
    options: Json | None = None,
) -> Json:
    """A panel of a type of Grafana; `limits` are values from which a colour counts."""
    steps = [{"value": value, "color": color} for value, color in limits]
    defaults: Json = {"unit": unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if kind == "timeseries":
        line = "area" if len(limits) > 1 else "off"
        defaults["custom"] = {"spanNulls": False, "thresholdsStyle": {"mode": line}}
    found: Json = {
        "type": kind,
        "title": title,
        "datasource": target["datasource"],
        "targets": [target],
        "gridPos": {"x": 0, "y": 0, "w": width, "h": height},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options or {},
    }
    return {**found, "description": about} if about else found


def stat(title: str, target: Json, about: str = "", **more: Any) -> Json:
    """One number."""
    settings: Json = {"width": 4, "height": 4, **more}
    options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    return panel("stat", title, target, about, options=options, **settings)


def table(title: str, target: Json, about: str = "", **more: Any) -> Json:
    """Rows."""
    return panel("table", title, target, about, **more)


def lines(title: str, target: Json, about: str = "", **more: Any) -> Json:
    """A course in time."""
    return panel("timeseries", title, target, about, **more)


def query_variable(name: str, label: str, source: Json, query: str) -> Json:
    """A choice of what a query finds: all, one or several."""
    asked: str | Json = query
    if source == CLICKHOUSE:
        asked = {**sql(query), "refId": "variable"}
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": source,
        "query": asked,
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def text_variable(name: str, label: str, value: str) -> Json:
    """A value that a person may change."""
    chosen = {"text": value, "value": value}
    return {
        "type": "textbox",
        "name": name,
        "label": label,
        "query": value,
        "current": chosen,
        "options": [{**chosen, "selected": True}],
    }


TIMEZONE = text_variable("timezone", "Time zone of days", "Europe/Paris")


def board(
    uid: str, title: str, about: str, panels: Sequence[Json], variables: Sequence[Json] = (),
    span: str = "now-24h",
) -> Json:  # fmt: skip
    """A dashboard; its panels stand in their order, row by row."""
    x = y = tallest = 0
    placed = []
    for number, one in enumerate(panels, 1):
        place = one["gridPos"]
        if x + place["w"] > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        placed.append({"id": number, **one, "gridPos": {**place, "x": x, "y": y}})
        x += place["w"]
        tallest = max(tallest, place["h"])
    links = {"type": "dashboards", "tags": ["vigie"], "asDropdown": True, "title": "Vigie"}
    return {
        "id": None,
        "uid": f"vigie-{uid}",
        "title": title,
        "description": about,
        "tags": ["vigie"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "time": {"from": span, "to": "now"},
        "refresh": "1m",
        "timezone": "browser",
        "links": [{**links, "includeVars": False, "keepTime": True}],
        "templating": {"list": list(variables)},
        "annotations": {"list": []},
        "panels": placed,
    }
