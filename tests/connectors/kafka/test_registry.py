"""Topics of Avro and Protobuf whose schemas a registry has."""

import base64
import io
import json
import struct
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest
from google.protobuf import descriptor_pb2, message_factory, timestamp_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from kafka import KafkaProducer
from pydantic import SecretStr

from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.foreign.encoded import Schemas
from connectors.kafka.foreign.registry import Undecodable
from connectors.kafka.foreign.settings import SchemaRegistry
from infra.embedded.broker import Broker
from operators.events import Event, Message
from tests.connectors.recorder import Recorder
from tests.waiting import wait_until

fastavro = pytest.importorskip("fastavro")

READING = {
    "type": "record",
    "name": "plant.Reading",
    "fields": [
        {"name": "sensor", "type": "string"},
        {"name": "value", "type": "double"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {
            "name": "price",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
        },
        {"name": "unit", "type": ["null", "plant.Unit"]},
    ],
}  # fmt: skip
UNIT = {"type": "enum", "name": "plant.Unit", "symbols": ["CELSIUS", "PERCENT"]}


class Stub:
    """A registry over HTTP: `answers` by path; while it is `down` it answers 503."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any]] = {}
        self.down = False
        self.asked: list[str] = []
        self.credentials: str | None = None
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stub.asked.append(self.path)
                found = stub.answers.get(self.path)
                code = 503 if stub.down else 200 if found else 404
                if stub.credentials and self.headers["Authorization"] != stub.credentials:
                    code = 401
                body = json.dumps(found if code == 200 else {"error_code": code}).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def registry() -> Iterator[Stub]:
    stub = Stub()
    yield stub
    stub.close()


def schemas(stub: Stub, recorder: Recorder, **more: Any) -> Schemas:
    settings = SchemaRegistry(url=stub.url, **more)
    connection = TopicConnection(brokers=["127.0.0.1:1"], registry=settings)
    return Schemas(recorder.context("source", connection))


def record(id: int, body: bytes) -> bytes:
    return b"\0" + struct.pack(">I", id) + body


def avro(value: dict[str, Any]) -> bytes:
    named: dict[str, Any] = {}
    fastavro.parse_schema(UNIT, named_schemas=named)
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(READING, named_schemas=named), value)
    return stream.getvalue()


def put_avro(stub: Stub) -> None:
    refers = [{"name": "plant.Unit", "subject": "plant/unit", "version": 3}]
    stub.answers["/schemas/ids/7"] = {"schema": json.dumps(READING), "references": refers}
    stub.answers["/subjects/plant%2Funit/versions/3"] = {"schema": json.dumps(UNIT), "id": 5}


VALUE = {
    "sensor": "oven",
    "value": 81.5,
    "at": 1_795_000_000_000,
    "price": Decimal("1.50"),
    "unit": "CELSIUS",
}
AS_JSON = {**VALUE, "at": "2026-11-18T11:06:40Z", "price": 1.5}


def test_an_avro_record_is_json_with_what_its_schema_refers_to(
    registry: Stub, recorder: Recorder
) -> None:
    put_avro(registry)
    known = schemas(registry, recorder)
    known.learn([7])
    assert json.loads(known.decode(record(7, avro(VALUE)))) == AS_JSON
    asked = len(registry.asked)
    known.learn([7])
    assert len(registry.asked) == asked, "a schema never changes, and is asked for once"


@pytest.mark.parametrize("body", [b"", b"\xff\xff\xff", avro(VALUE)[:-3], avro(VALUE) + b"!"])
def test_what_is_not_as_its_schema_says_is_undecodable(
    registry: Stub, recorder: Recorder, body: bytes
) -> None:
    put_avro(registry)
    known = schemas(registry, recorder)
    known.learn([7])
    with pytest.raises(Undecodable):
        known.decode(record(7, body))


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {"schema": "{"},
        {"schema": '{"type": "record"}'},
        {"schema": "x", "schemaType": "XML"},
        {"schema": 'syntax = "proto3";', "schemaType": "PROTOBUF"},
    ],
)
def test_a_schema_that_is_missing_or_none_is_said_of_each_record(
    registry: Stub, recorder: Recorder, answer: dict[str, Any] | None
) -> None:
    if answer is not None:
        registry.answers["/schemas/ids/7"] = answer
        registry.answers["/schemas/ids/7?format=serialized"] = answer
    known = schemas(registry, recorder)
    known.learn([7])
    with pytest.raises(Undecodable, match="schema"):
        known.decode(record(7, b"x"))


def test_a_registry_that_is_down_or_wants_a_user_is_waited_for_and_said(
    registry: Stub, recorder: Recorder
) -> None:
    put_avro(registry)
    registry.down = True
    registry.credentials = "Basic dTpw"
    known = schemas(registry, recorder, username="u", password=SecretStr("p"))
    learning = threading.Thread(target=known.learn, args=([7],))
    learning.start()
    wait_until(lambda: "503" in recorder.health.down.get("source", ""), what="the word")
    registry.credentials, registry.down = "Basic other", False
    wait_until(lambda: "401" in recorder.health.down["source"], what="another word")
    registry.credentials = "Basic dTpw"
    learning.join()
    assert json.loads(known.decode(record(7, avro(VALUE)))) == AS_JSON


def proto() -> tuple[Any, Any]:
    """A file that imports another, and Google's; and a class of its second message."""
    other = descriptor_pb2.FileDescriptorProto(name="unit.proto", package="plant", syntax="proto3")
    kind = other.enum_type.add(name="Unit")
    kind.value.add(name="CELSIUS", number=0)
    kind.value.add(name="PERCENT", number=1)
    file = descriptor_pb2.FileDescriptorProto(
        name="reading.proto", package="plant", syntax="proto3",
        dependency=["unit.proto", "google/protobuf/timestamp.proto"],
    )  # fmt: skip
    file.message_type.add(name="Unused")
    message = file.message_type.add(name="Outer").nested_type.add(name="Reading")
    field = descriptor_pb2.FieldDescriptorProto
    plain, many = field.LABEL_OPTIONAL, field.LABEL_REPEATED
    for number, (name, type_, label, of) in enumerate(
        [
            ("sensor", field.TYPE_STRING, plain, None),
            ("value", field.TYPE_DOUBLE, plain, None),
            ("count", field.TYPE_INT64, plain, None),
            ("unit", field.TYPE_ENUM, plain, ".plant.Unit"),
            ("at", field.TYPE_MESSAGE, plain, ".google.protobuf.Timestamp"),
            ("raw", field.TYPE_BYTES, many, None),
        ],
        1,
    ):
        message.field.add(name=name, number=number, type=type_, label=label, type_name=of)
    pool = DescriptorPool()
    google = descriptor_pb2.FileDescriptorProto()
    timestamp_pb2.DESCRIPTOR.CopyToProto(google)
    for one in (google, other, file):
        pool.Add(one)
    reading = message_factory.GetMessageClass(pool.FindMessageTypeByName("plant.Outer.Reading"))
    for part in (other, file):
        part.name = ""  # as a registry has them, which names them by what refers to them
    return (other, file), reading


def put_protobuf(stub: Stub, files: Any) -> None:
    other, file = (base64.b64encode(each.SerializeToString()).decode() for each in files)
    refers = [{"name": "unit.proto", "subject": "unit", "version": 1}]
    stub.answers["/schemas/ids/9"] = {"schema": "…", "schemaType": "PROTOBUF", "references": refers}
    stub.answers["/schemas/ids/9?format=serialized"] = {"schema": file, "references": refers}
    stub.answers["/subjects/unit/versions/1"] = {"schema": "…", "schemaType": "PROTOBUF"}
    stub.answers["/subjects/unit/versions/1?format=serialized"] = {"schema": other}


def test_a_protobuf_record_is_json_with_its_defaults_and_numbers_as_numbers(
    registry: Stub, recorder: Recorder
) -> None:
    files, reading = proto()
    put_protobuf(registry, files)
    known = schemas(registry, recorder)
    known.learn([9])
    sent = reading(sensor="oven", count=2**53, raw=[b"\x01"])
    second_and_its_first = b"\x04\x02\x00"
    body = second_and_its_first + sent.SerializeToString()
    assert json.loads(known.decode(record(9, body))) == {
        "sensor": "oven", "value": 0.0, "count": 2**53, "unit": "CELSIUS", "raw": ["AQ=="],
    }  # fmt: skip
    sent.at.FromSeconds(1_795_000_000)
    body = second_and_its_first + sent.SerializeToString()
    assert json.loads(known.decode(record(9, body)))["at"] == "2026-11-18T11:06:40Z"
    for wrong in (b"", b"\x04\x02\x08", b"\x04\x02\x00\xff", b"\x02\x12", b"\xff" * 9, b"\x01"):
        with pytest.raises(Undecodable):
            known.decode(record(9, wrong))


def test_a_topic_of_both_and_of_plain_json_is_read_and_what_is_neither_is_a_dead_letter(
    broker: Broker, registry: Stub, recorder: Recorder, unique: str
) -> None:
    put_avro(registry)
    connection = TopicConnection(
        brokers=[broker.address], registry=SchemaRegistry(url=registry.url), partitions=1
    )
    context = recorder.context("source", connection)
    source = Topic(name=unique, messages=True)
    (part,) = source.partitions(context)
    producer = KafkaProducer(bootstrap_servers=[broker.address], enable_idempotence=False)
    wrong = record(7, b"\xff")
    for value in (record(7, avro(VALUE)), wrong, b'{"value": 2}', record(8, b"x"), None):
        producer.send(unique, value, key=b"oven", partition=0)
    producer.flush()
    producer.close()
    reader = source.open(context, part, None)
    events: list[Event] = []

    def more() -> bool:
        while batch := reader.read():
            events.extend(batch.events)
        return len(events) >= 3

    wait_until(more, what="three messages")
    reader.close()
    payloads = [cast("Message", event).payload for event in events]
    assert [json.loads(one or b"null") for one in payloads] == [AS_JSON, {"value": 2}, None]
    letters = [(one.reason, one.origin, one.payload) for one in recorder.letters]
    assert letters == [
        ("bad_record", f"{unique}/0/1", wrong), ("bad_record", f"{unique}/0/3", record(8, b"x")),
    ]  # fmt: skip
    assert recorder.counts == {"bad_record": 2}
