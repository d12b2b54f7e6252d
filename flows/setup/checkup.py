"""Every connection of a site, inspected as its flows use it."""

import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from connectors.base import ConnectorError, NoAnswer
from connectors.config.redaction import redacted
from connectors.config.site import Site
from connectors.runtime.finding import Finding
from flows.language.catalogue import connection_models
from flows.language.model import Flow
from flows.setup import machine

RECORDER = ["states", "states_meta", "state_attributes"]
INSPECTED = {
    "TopicConnection": "kafka",
    "MqttConnection": "mqtt",
    "MariadbConnection": "mariadb",
    "ClickHouseConnection": "clickhouse",
    "InfluxConnection": "influxdb",
    "ObjectStoreConnection": "s3",
    "EmailConnection": "email",
}
"""Model of a connection: the connector whose `inspection` looks at it."""


def checkup(site: Site, flows: Iterable[Flow], data: Path) -> Iterator[tuple[str, Finding]]:
    """Findings about the machine, then about each connection, as (where, what)."""
    for finding in machine.inspect(site, data):
        yield "machine", finding
    models, used = _models(flows)
    for name, written in site.connections.items():
        model = models.get(name)
        if model is None:
            yield name, Finding("use", "warning", "no flow here uses it", "", "remove it, or not")
            continue
        try:
            for finding in _inspect(site, name, model, used.get(name, [])):
                yield name, _without_secrets(finding, written)
        except (ConnectorError, NoAnswer) as error:
            words, _, remedy = redacted(str(error), written).partition("; ")
            yield name, Finding("answers", "fault", words, "an answer", remedy)
    if "redpanda" not in site.connections:
        yield "redpanda", Finding(
            "use", "fault", "no such connection", "every flow needs it",
            "add  redpanda: {brokers: [HOST:9092]}  under connections",
        )  # fmt: skip


def _without_secrets(finding: Finding, written: Any) -> Finding:
    return finding._replace(
        came=redacted(finding.came, written), remedy=redacted(finding.remedy, written)
    )


def _models(flows: Iterable[Flow]) -> tuple[dict[str, type[BaseModel]], dict[str, list[Any]]]:
    """The model of each connection, and the settings of the components that use it."""
    models = connection_models()
    used: dict[str, list[Any]] = {}
    for flow in flows:
        entries: list[Any] = [*flow.sources.values(), *flow.sinks.values()]
        for component in (entry.settings for entry in entries):
            name = getattr(component, "connection", None)
            if name is not None and component.CONNECTION is not None:
                models.setdefault(name, component.CONNECTION)
                used.setdefault(name, []).append(component)
    return models, used


def _inspect(site: Site, name: str, model: type[BaseModel], used: list[Any]) -> Iterator[Finding]:
    connection = site.connection(name, model)
    kind = INSPECTED.get(model.__name__)
    if kind is None:
        yield Finding("settings", "ok", "valid; what it reaches is tried by vigie test-send")
        return
    try:
        inspect: Any = importlib.import_module(f"connectors.{kind}.inspection").inspect
    except ModuleNotFoundError as error:
        yield Finding("package", "fault", f"{error.name} is not installed", "", "see machine")
        return
    if kind == "mqtt":
        yield from inspect(connection, _all(used, "topics") or ["#"])
    elif kind == "mariadb":
        yield from inspect(connection, _all(used, "tables") or RECORDER)
    elif kind == "s3":
        yield from inspect(connection, name, _all(used, "bucket"))
    elif kind == "email":
        yield from inspect(connection, name)
    else:
        yield from inspect(connection)


def _all(used: list[Any], key: str) -> list[str]:
    found: list[str] = []
    for component in used:
        value = getattr(component, key, None)
        found += [value] if isinstance(value, str) else list(value or ())
    return list(dict.fromkeys(found))
