"""The flows under fire: one a source, with every usual sink; each source and sink is one file's
worth of facts here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from connectors.kafka.connection import TopicConnection
from tests.chaos.ends.far_files import BUCKET, InObjects
from tests.chaos.ends.http_sender import Poster
from tests.chaos.ends.numbers import DEVICES, PREFIX, Numbers
from tests.chaos.ends.observers import Deliveries, InClickHouse, InMails, InVictoria, Observer
from tests.chaos.ends.senders import Envelopes, Producer, Recorder, Sender, Zigbee
from tests.chaos.stack import ChaosStack


@dataclass(frozen=True)
class Source:
    """A source of a flow: its words in the table, its YAML, the step that decodes it, the
    services it needs besides the broker, and its sender. `ids` tells whether its events have ids
    of their own, `ready` what the flow says once the source takes events, and `subscribes` the
    pattern that the MQTT broker must know by then."""

    words: str
    yaml: str
    step: str | None
    needs: tuple[str, ...]
    sender: Callable[[Numbers, float, ChaosStack], Sender]
    ids: bool = True
    ready: str = ": running"
    subscribes: str | None = None


@dataclass(frozen=True)
class Sink:
    """A sink of a flow: its words, its YAML with `SOURCE` for the source's name, the service it
    writes to, and its observer. It gets the events of the first `devices` devices."""

    words: str
    yaml: str
    needs: tuple[str, ...]
    observer: Callable[[Numbers, ChaosStack, str], Observer]
    devices: int = DEVICES


def _connection(stack: ChaosStack) -> TopicConnection:
    return TopicConnection(**stack.connections()["redpanda"])


SOURCES = {
    "mqtt": Source(
        "MQTT, payloads with ids",
        "mqtt: {topics: [mats/+], qos: 1}",
        "decode: pir_envelope",
        ("mqtt",),
        lambda numbers, rate, stack: Envelopes(numbers, rate, stack["mqtt"]),
        subscribes="mats/+",
    ),
    "mqtt_plain": Source(
        "MQTT, payloads without ids",
        "mqtt: {topics: [zigbee2mqtt/+], qos: 1}",
        "decode: zigbee2mqtt",
        ("mqtt",),
        lambda numbers, rate, stack: Zigbee(numbers, rate, stack["mqtt"]),
        ids=False,
        subscribes="zigbee2mqtt/+",
    ),
    "binlog": Source(
        "MariaDB binlog",
        "mariadb_binlog: {tables: [states, states_meta, state_attributes]}",
        "decode: home_assistant_recorder",
        ("mariadb",),
        lambda numbers, rate, stack: Recorder(numbers, rate, stack["mariadb"]),
        ready=": devices is up",
    ),
    "http": Source(
        "HTTP",
        "http: {path: /events}",
        "decode: pir_envelope",
        (),
        lambda numbers, rate, stack: Poster(numbers, rate, stack.http_port, stack.http_token),
    ),
    "topic": Source(
        "topic",
        f"topic: {{name: {Producer.TOPIC}, new_partitions: {Producer.PARTITIONS}}}",
        None,
        (),
        lambda numbers, rate, stack: Producer(numbers, rate, _connection(stack)),
    ),
}

SINKS = {
    "clickhouse": Sink(
        "ClickHouse",
        "clickhouse: SOURCE",
        ("clickhouse",),
        lambda numbers, stack, source: InClickHouse(numbers, stack["clickhouse"], source),
    ),
    "influxdb": Sink(
        "InfluxDB line store",
        "influxdb: {bucket: chaos, measurement: SOURCE}",
        ("influxdb",),
        lambda numbers, stack, source: InVictoria(numbers, stack["influxdb"], source),
    ),
    "objects": Sink(
        "objects store",
        f'objects: {{bucket: {BUCKET}, key: "SOURCE/{{time:%H%M%S}}", every: 1s}}',
        ("minio",),
        lambda numbers, stack, source: InObjects(numbers, stack["minio"], source),
    ),
    "webhook": Sink(
        "webhook",
        "webhook: {connection: hooks, path: /SOURCE}",
        ("hooks",),
        lambda numbers, stack, source: Deliveries(numbers),
        devices=5,
    ),
    "mqtt": Sink(
        "MQTT publish",
        'mqtt: {topic: "echo/SOURCE/{subject}"}',
        ("mqtt",),
        lambda numbers, stack, source: Deliveries(numbers),
    ),
    "email": Sink(
        "e-mail",
        'email: {to: SOURCE@example.org, title: "chaos {id} {subject} {time:epoch}", group_wait:'
        " 1s, group_interval: 2s}",
        ("email",),
        lambda numbers, stack, source: InMails(numbers, stack["email"], f"{source}@example.org"),
        devices=1,
    ),
    "topic": Sink(
        "topic", "topic: chaos.SOURCE", (), lambda numbers, stack, source: Deliveries(numbers)
    ),
    "push": Sink(
        "push topic",
        "websocket: {channel: chaos}",
        (),
        lambda numbers, stack, source: Deliveries(numbers),
    ),
}


def definition(source: str) -> str:
    """The flow of a source with all sinks."""
    made = SOURCES[source]
    stream = (
        f"  readings:\n    from: devices\n    steps:\n      - {made.step}\n" if made.step else ""
    )
    lines = ["vigie: 1", f"flow: chaos_{source}", "sources:", "  devices:", f"    {made.yaml}"]
    lines += ["streams:", stream] if stream else []
    lines += ["sinks:"]
    for name, sink in SINKS.items():
        lines += [f"  to_{name}:", f"    from: {'readings' if stream else 'devices'}"]
        if sink.devices < DEVICES:
            subjects = ", ".join(f'"**{PREFIX}{number}"' for number in range(sink.devices))
            lines += [f"    only: {{subject: [{subjects}]}}"]
        lines += [f"    {sink.yaml.replace('SOURCE', source)}"]
    return "\n".join(lines) + "\n"
