"""Every component there is: plain dicts from the name in a definition to the class."""

from pydantic import BaseModel

from connectors.base import PushSource, Sink, Source
from connectors.binlog import MariadbBinlog
from connectors.camera import Rtsp
from connectors.clickhouse import ClickHouse
from connectors.clip import Clip
from connectors.email import Email
from connectors.http import Http
from connectors.influxdb import InfluxDB
from connectors.mqtt import Mqtt, MqttSink
from connectors.objects import Objects
from connectors.simulate import Simulate
from connectors.snapshot import Snapshot
from connectors.topic import Topic, TopicSink
from connectors.webhook import Webhook
from connectors.websocket import WebSocket
from operators.alarm import Alarm
from operators.combine import Combine
from operators.component import Component, Operator
from operators.convert import Convert
from operators.correlate import Correlate
from operators.counter import Counter
from operators.debounce import Debounce
from operators.decode import Decode
from operators.deduplicate import Deduplicate
from operators.detect import Detect
from operators.enrich import Enrich
from operators.label import Label
from operators.lookup import Lookup
from operators.mode import Mode
from operators.motion_gate import MotionGate
from operators.notify import Notify
from operators.pick import Pick
from operators.rate import Rate
from operators.rename import Rename
from operators.scale import Scale
from operators.selector import Drop, Only
from operators.severity import Severity
from operators.shape import ShapeStep
from operators.silence import Silence
from operators.stale import Stale
from operators.threshold import Threshold
from operators.track import Track
from operators.translate import Translate
from operators.use import Use
from operators.vote import Vote
from operators.window import Window
from operators.zones import Zones

SOURCES: dict[str, type[Source] | type[PushSource]] = {
    "mariadb_binlog": MariadbBinlog,
    "mqtt": Mqtt,
    "rtsp": Rtsp,
    "http": Http,
    "simulate": Simulate,
    "topic": Topic,
}
"""What a source may be."""

OPERATORS: dict[str, type[Operator]] = {
    "decode": Decode,
    "only": Only,
    "drop": Drop,
    "label": Label,
    "rename": Rename,
    "convert": Convert,
    "shape": ShapeStep,
    "translate": Translate,
    "scale": Scale,
    "pick": Pick,
    "lookup": Lookup,
    "enrich": Enrich,
    "severity": Severity,
    "deduplicate": Deduplicate,
    "threshold": Threshold,
    "debounce": Debounce,
    "window": Window,
    "rate": Rate,
    "counter": Counter,
    "silence": Silence,
    "stale": Stale,
    "vote": Vote,
    "combine": Combine,
    "correlate": Correlate,
    "mode": Mode,
    "notify": Notify,
    "motion_gate": MotionGate,
    "detect": Detect,
    "track": Track,
    "zones": Zones,
    "use": Use,
}
"""What a step may be."""

SINKS: dict[str, type[Sink]] = {
    "topic": TopicSink,
    "clickhouse": ClickHouse,
    "influxdb": InfluxDB,
    "objects": Objects,
    "snapshot": Snapshot,
    "clip": Clip,
    "websocket": WebSocket,
    "webhook": Webhook,
    "mqtt": MqttSink,
    "email": Email,
}
"""What a sink may be."""


def kinds() -> list[tuple[str, str, type[Component]]]:
    """Every component as (what it is, its name, its class), in the order of the documentation."""
    sources: list[tuple[str, str, type[Component]]] = [
        ("source", name, cls) for name, cls in SOURCES.items()
    ]
    steps: list[tuple[str, str, type[Component]]] = [
        ("step", name, cls) for name, cls in OPERATORS.items()
    ]
    sinks: list[tuple[str, str, type[Component]]] = [
        ("sink", name, cls) for name, cls in SINKS.items()
    ]
    return [*sources, *steps, ("alarm", "alarm", Alarm), *sinks]


def connection_models() -> dict[str, type[BaseModel]]:
    """The settings of each connection that a site file may hold under the name connectors use by
    default.
    """
    models: dict[str, type[BaseModel]] = {}
    for component in (*SOURCES.values(), *SINKS.values()):
        field = component.model_fields.get("connection")
        if (
            component.CONNECTION is not None
            and field is not None
            and isinstance(field.default, str)
        ):
            models[field.default] = component.CONNECTION
    return models
