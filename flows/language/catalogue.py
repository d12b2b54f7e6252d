"""Every component there is: plain dicts from the name in a definition to the class."""

from pydantic import BaseModel

from connectors.base import PushSource, Sink, Source
from connectors.camera.components import Rtsp
from connectors.clickhouse.components import ClickHouse
from connectors.email.components import Email
from connectors.http.components import Http
from connectors.influxdb.components import InfluxDB
from connectors.kafka.components import Topic, TopicSink
from connectors.kafka.push_sink import WebSocket
from connectors.mariadb.components import MariadbBinlog
from connectors.mqtt.components import Mqtt, MqttSink
from connectors.s3.clip import Clip
from connectors.s3.components import Objects
from connectors.s3.snapshot import Snapshot
from connectors.simulate.components import Simulate
from connectors.webhook.components import Webhook
from operators.alarms.settings import Alarm
from operators.component import Component, Operator
from operators.decoding.step import Decode
from operators.model.selector import Drop, Only
from operators.notifications.notify import Notify
from operators.stateful.combine import Combine
from operators.stateful.correlate import Correlate
from operators.stateful.counter import Counter
from operators.stateful.debounce import Debounce
from operators.stateful.deduplicate import Deduplicate
from operators.stateful.mode import Mode
from operators.stateful.rate import Rate
from operators.stateful.silence import Silence
from operators.stateful.stale import Stale
from operators.stateful.vote import Vote
from operators.threshold.step import Threshold
from operators.transforms.convert import Convert
from operators.transforms.enrich import Enrich
from operators.transforms.label import Label
from operators.transforms.lookup import Lookup
from operators.transforms.pick import Pick
from operators.transforms.rename import Rename
from operators.transforms.scale import Scale
from operators.transforms.severity import Severity
from operators.transforms.shape import ShapeStep
from operators.transforms.translate import Translate
from operators.transforms.use import Use
from operators.vision.detect import Detect
from operators.vision.motion_gate import MotionGate
from operators.vision.track import Track
from operators.vision.zones import Zones
from operators.windows.step import Window

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
