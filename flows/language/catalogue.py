"""Every component there is: maps from the name in a definition to the class.

A class is imported when it is looked up, so that a definition costs only what it uses.
"""

from collections.abc import Mapping

from pydantic import BaseModel

from connectors.base import PictureSource, PushSource, Sink, Source
from connectors.config.late_model import LateModels
from operators.alarms.settings import Alarm
from operators.component import Component, Operator

SOURCES: Mapping[str, type[Source] | type[PushSource] | type[PictureSource]] = LateModels(
    {
        "mariadb_binlog": "connectors.mariadb.components:MariadbBinlog",
        "mqtt": "connectors.mqtt.components:Mqtt",
        "rtsp": "connectors.camera.components:Rtsp",
        "http": "connectors.http.components:Http",
        "simulate": "connectors.simulate.components:Simulate",
        "topic": "connectors.kafka.components:Topic",
        "announcements": "connectors.kafka.announcements.components:Announcements",
    }
)
"""What a source may be."""

OPERATORS: Mapping[str, type[Operator]] = LateModels(
    {
        "decode": "operators.decoding.step:Decode",
        "only": "operators.transforms.only:Only",
        "drop": "operators.transforms.drop:Drop",
        "label": "operators.transforms.label:Label",
        "rename": "operators.transforms.rename:Rename",
        "convert": "operators.transforms.convert:Convert",
        "shape": "operators.transforms.shape:ShapeStep",
        "translate": "operators.transforms.translate:Translate",
        "scale": "operators.transforms.scale:Scale",
        "pick": "operators.transforms.pick:Pick",
        "lookup": "operators.transforms.lookup:Lookup",
        "enrich": "operators.transforms.enrich:Enrich",
        "severity": "operators.transforms.severity:Severity",
        "deduplicate": "operators.stateful.deduplicate:Deduplicate",
        "threshold": "operators.threshold.step:Threshold",
        "debounce": "operators.stateful.debounce:Debounce",
        "window": "operators.windows.step:Window",
        "rate": "operators.stateful.rate:Rate",
        "counter": "operators.stateful.counter:Counter",
        "silence": "operators.stateful.silence:Silence",
        "stale": "operators.stateful.stale:Stale",
        "vote": "operators.stateful.vote:Vote",
        "combine": "operators.stateful.combine:Combine",
        "correlate": "operators.stateful.correlate:Correlate",
        "mode": "operators.stateful.mode:Mode",
        "notify": "operators.notifications.notify:Notify",
        "motion_gate": "operators.vision.motion_gate:MotionGate",
        "detect": "operators.vision.detect:Detect",
        "track": "operators.vision.track:Track",
        "zones": "operators.vision.zones:Zones",
        "use": "operators.transforms.use:Use",
    }
)
"""What a step may be."""

SINKS: Mapping[str, type[Sink]] = LateModels(
    {
        "topic": "connectors.kafka.components:TopicSink",
        "clickhouse": "connectors.clickhouse.components:ClickHouse",
        "influxdb": "connectors.influxdb.components:InfluxDB",
        "objects": "connectors.s3.components:Objects",
        "snapshot": "connectors.s3.components:Snapshot",
        "clip": "connectors.s3.components:Clip",
        "websocket": "connectors.kafka.push_sink:WebSocket",
        "webhook": "connectors.webhook.components:Webhook",
        "mqtt": "connectors.mqtt.components:MqttSink",
        "email": "connectors.email.components:Email",
        "apprise": "connectors.apprise.components:Apprise",
    }
)
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
    """The model of each connection, by the name that connectors use if none is written."""
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
