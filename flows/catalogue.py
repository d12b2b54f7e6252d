"""Every component there is: plain dicts from the name in a definition to the class."""

from connectors.base import PushSource, Sink, Source
from connectors.binlog import MariadbBinlog
from connectors.clickhouse import ClickHouse
from connectors.email import Email
from connectors.http import Http
from connectors.influxdb import InfluxDB
from connectors.simulate import Simulate
from connectors.topic import Topic, TopicSink
from connectors.webhook import Webhook
from connectors.websocket import WebSocket
from operators.alarm import Alarm
from operators.component import Component, Operator

SOURCES: dict[str, type[Source] | type[PushSource]] = {
    "mariadb_binlog": MariadbBinlog,
    "http": Http,
    "simulate": Simulate,
    "topic": Topic,
}
"""What a source may be."""

OPERATORS: dict[str, type[Operator]] = {}
"""What a step may be."""

SINKS: dict[str, type[Sink]] = {
    "topic": TopicSink,
    "clickhouse": ClickHouse,
    "influxdb": InfluxDB,
    "websocket": WebSocket,
    "webhook": Webhook,
    "email": Email,
}
"""What a sink may be."""


def kinds() -> list[tuple[str, str, type[Component]]]:
    """Every component as (what it is, its name, its class), in the order of the documentation."""
    sources: list[tuple[str, str, type[Component]]] = [("source", name, cls) for name, cls in SOURCES.items()]
    steps: list[tuple[str, str, type[Component]]] = [("step", name, cls) for name, cls in OPERATORS.items()]
    sinks: list[tuple[str, str, type[Component]]] = [("sink", name, cls) for name, cls in SINKS.items()]
    return [*sources, *steps, ("alarm", "alarm", Alarm), *sinks]
