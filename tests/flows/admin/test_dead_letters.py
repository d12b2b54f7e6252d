"""Dead letters on real services: listed, shown, and replayed after the definition was mended,
while the flow runs or not.
"""

import json
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner, Result

from connectors.base import ConnectorContext, Sink
from connectors.config.site import load_site
from connectors.kafka.connection import TopicConnection
from connectors.kafka.dead_letters import DeadLetterTopics, Entry
from connectors.kafka.producer import Producer
from connectors.kafka.topic_names import TopicNames
from connectors.kafka.topics.contents import contents
from connectors.s3.connection import ObjectStoreConnection
from flows.admin.dead_letter_replay import NotReplayable, Replay, target_of
from flows.cli import main
from flows.dataflow.compiler import CompiledSink
from flows.loader import load
from infra.embedded.broker import Broker
from infra.embedded.objects import Objects
from infra.embedded.stack import Stack
from operators.events import DeadLetter, Event, Reading, decode_lines, encode_lines
from tests.bucket import Bucket
from tests.connectors.recorder import Recorder
from tests.flow_process import FlowProcess
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.service

METERS = """\
vigie: 1
flow: meters
sources: {probes: {mqtt: {topics: [house/#]}}}
streams: {readings: {from: probes, steps: [decode: DIALECT]}}
sinks: {history: {from: readings, clickhouse: readings}}
"""


def vigie(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_payload_that_no_dialect_knew_arrives_once_after_the_definition_was_mended(
    tmp: Path,
) -> None:
    definition = tmp / "meters.yaml"
    definition.write_text(METERS.replace("DIALECT", "tasmota"))
    with Stack(tmp / "stack", ["redpanda", "mqtt", "clickhouse"]) as stack:
        letters = DeadLetterTopics(TopicConnection.model_validate(stack.connections()["redpanda"]))
        place = ("--site", stack.site)
        assert "no dead letters" in vigie("dead-letters", "list", *place).output
        with FlowProcess(definition, stack.site, tmp / "data") as flow:
            wait_until(lambda: "probes is up" in flow.log.read_text(), what="the subscription")
            client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
            client.username_pw_set("devices", stack["mqtt"].password("devices"))
            client.connect("127.0.0.1", stack["mqtt"].port)
            client.loop_start()
            client.publish("house/rack/temperature", b"21.5", qos=1).wait_for_publish(60)
            client.publish("house/rack/noise", b"\xff\x00\x01", qos=1).wait_for_publish(60)
            client.disconnect()
            client.loop_stop()
            wait_until(
                lambda: len(letters.entries("meters")) == 2, what="two dead letters", every=0.3
            )
            number, garbage = letters.entries("meters")
            assert (number.letter.payload, number.letter.source) == (b"21.5", "probes")

            listed = vigie("dead-letters", "list", definition, *place).output
            assert "house/rack/temperature" in listed
            assert "2 dead letters (2 open)" in listed
            lines = vigie(
                "dead-letters", "list", *place, "--json", "--reason", "not_utf8"
            ).output.splitlines()
            assert [json.loads(line)["id"] for line in lines] == [garbage.letter.id]
            shown = vigie("dead-letters", "show", "meters", garbage.letter.id, *place).output
            assert "00000000  ff 00 01" in shown
            assert "vigie.dead.meters/" in shown
            assert vigie(
                "dead-letters", "show", definition, number.letter.id, *place
            ).output.endswith("\n21.5\n")
            assert flow.stop() == 0

        definition.write_text(METERS.replace("DIALECT", "json"))
        stopped = vigie("dead-letters", "replay", definition, number.letter.id, *place)
        assert (
            stopped.output
            == f"{number.letter.id} -> vigie.in.meters.probes\n1 sent, 0 not sent, 0 replayed"
            " before\n"
        )
        with FlowProcess(definition, stack.site, tmp / "data") as flow:
            found = "SELECT count(), count(DISTINCT id), sum(value) FROM readings FINAL"
            wait_until(lambda: rows(stack, found) == "1\t1\t21.5\n", what="the reading", every=0.2)
            running = vigie("dead-letters", "replay", definition, "--all", "--again", *place)
            assert "2 sent, 0 not sent" in running.output
            wait_until(
                lambda: letters.entries("meters")[-1].is_open,
                what="the garbage to be refused again",
                every=0.3,
            )
            assert flow.stop() == 0
        assert rows(stack, found) == "1\t1\t21.5\n"
        states = {entry.letter.id: entry.is_open for entry in letters.entries("meters")}
        assert states == {number.letter.id: False, garbage.letter.id: True}
        listed = vigie("dead-letters", "list", definition, *place).output
        assert "refused again after" in listed
        assert "2 dead letters (1 open)" in listed
        assert (
            vigie("dead-letters", "list", definition, "--open", *place).output.count("replayed")
            == 0
        )


def rows(stack: Stack, statement: str) -> str:
    if "readings" not in stack["clickhouse"].query("SHOW TABLES", "vigie").split():
        return ""
    return str(stack["clickhouse"].query(statement, "vigie"))


FLOW = """\
vigie: 1
flow: f
sources:
  probes: {mqtt: {topics: [house/#]}}
  others: {mqtt: {topics: [shed/#]}}
  shared: {topic: [site.raw, site.more]}
  base: {mariadb_binlog: {tables: [states]}}
streams:
  readings: {from: [probes, others], steps: [decode: json, convert: {temperature: °C}]}
  scaled: {from: shared, steps: [scale: {times: 10}, convert: {temperature: °C}]}
  rows: {from: base, steps: [decode: home_assistant_recorder]}
  once: {from: shared, steps: [deduplicate: {by: id, within: 10min}, convert: {temperature: °C}]}
  steady: {from: shared, steps: [debounce: 10s, convert: {temperature: °C}]}
sinks:
  history: {from: [readings, scaled, rows, once, steady], clickhouse: readings}
"""


def letter(step: str, **fields: object) -> DeadLetter:
    known = {
        "id": "m1",
        "time": 1.5,
        "flow": "f",
        "step": step,
        "reason": "bad_json",
        "detail": "no",
        "origin": "house/rack",
    }
    return DeadLetter(**{**known, "payload": b"{", **fields})  # type: ignore[arg-type]


READING = Reading(id="r1", time=1.0, subject="rack", metric="temperature", value=1.0, unit="°C")
EVENTS = {"payload": encode_lines([READING]), "holds": "events"}


@pytest.mark.parametrize(
    ("made", "goes_to", "key"),
    [
        (
            letter("f/readings/decode", source="probes", retained=True, labels={"a": "b"}),
            "p.in.f.probes",
            "house/rack",
        ),
        (letter("f/readings/convert", source="others", **EVENTS), "p.in.f.others", "rack"),
        (letter("f/scaled/scale", **EVENTS), "site.raw", "rack"),
        (letter("f/once/convert", source="shared", **EVENTS), "site.raw", "rack"),
        (letter("shared", origin="site.raw/0/7"), "site.raw", "site.raw/0/7"),
        (letter("probes topic"), "p.in.f.probes", "house/rack"),
        (letter("history", **EVENTS), "sink history", ""),
    ],
)
def test_a_letter_goes_where_it_came_from(
    tmp_path: Path, made: DeadLetter, goes_to: str, key: str
) -> None:
    (path := tmp_path / "f.yaml").write_text(FLOW)
    flow = load(path)[1]
    assert flow
    target = target_of(made, flow, TopicNames("p."))
    assert (target.name, target.key) == (goes_to, key)
    if made.step == "f/readings/decode":
        (message,) = decode_lines(target.line)
        assert (message.id, message.time, message.topic, message.payload) == (
            "m1",
            1.5,
            "house/rack",
            b"{",
        )  # type: ignore[union-attr]
        assert (message.retained, message.labels) == (True, {"a": "b"})  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (letter("f/readings/decode"), "one of others, probes); name it with --into"),
        (letter("f/gone/decode"), "is not in the definition any more"),
        (letter("f/readings/decode", source="probes", cut=True), "only its beginning was kept"),
        (letter("f/rows/decode", source="base", holds="row"), "a row of a database table"),
        (letter("base"), "a mariadb_binlog, into which nothing can be put"),
        (
            letter("f/scaled/convert", source="shared", **EVENTS),
            "pass the step 'scale' a second time",
        ),
        (
            letter("f/steady/convert", source="shared", **EVENTS),
            "pass the step 'debounce' a second time",
        ),
        (
            letter("f/once/convert", source="shared", **{**EVENTS, "time": 5e9}),
            "drop it as a repetition of itself; try",
        ),
        (letter("history"), "its payload is no event"),
        (letter("history", payload=b"", holds="events"), "nothing of it was kept"),
    ],
)
def test_a_letter_that_cannot_be_sent_again_says_why(
    tmp_path: Path, made: DeadLetter, words: str
) -> None:
    (path := tmp_path / "f.yaml").write_text(FLOW)
    flow = load(path)[1]
    assert flow
    with pytest.raises(NotReplayable) as refused:
        target_of(made, flow, TopicNames("p."))
    assert words in str(refused.value)


def site_of(folder: Path, connection: TopicConnection, **others: object) -> Path:
    path = folder / "site.yaml"
    redpanda = connection.model_dump(include={"brokers", "idempotence", "prefix"})
    path.write_text(
        json.dumps({"vigie": 1, "site": "test", "connections": {"redpanda": redpanda, **others}})
    )
    return path


RELAY = (
    "vigie: 1\nflow: relay\nsources: {a: {topic: NAME.in}}\nsinks: {out: {from: a, topic:"
    " NAME.out}}\n"
)


def test_what_a_sink_refused_goes_to_that_sink_once_and_is_found_by_its_reason(
    broker: Broker, tmp: Path, unique: str
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=f"{unique}.")
    site = site_of(tmp, connection)
    (definition := tmp / "relay.yaml").write_text(RELAY.replace("NAME", unique))
    letters = DeadLetterTopics(connection)
    producer = Producer(connection, ConnectorContext("t", "p", connection).health, "p")
    big = letter("out", id="big", reason="refused", flow="relay", payload=b"x" * 600_000, cut=True)
    bad = letter("out", id="r1/out", reason="refused", flow="relay", **EVENTS)
    for one in (bad, bad, big, letter("a", id="line", flow="relay")):
        producer.send(letters.topic("relay"), one.origin, encode_lines([one]))
    producer.flush()

    assert letters.flows() == ["relay"]
    assert [(entry.letter.id, entry.times) for entry in letters.entries("relay")] == [
        ("r1/out", 2),
        ("big", 1),
        ("line", 1),
    ]
    dry = vigie("dead-letters", "replay", definition, "--reason", "refused", "--dry-run")
    assert "r1/out -> sink out" in dry.output
    for again in ((), ("--again",)):
        result = vigie("dead-letters", "replay", definition, "--reason", "refused", *again)
        assert result.exit_code == 1
        assert "big: not sent: only its beginning was kept" in result.output
    written = [
        event
        for record in contents(letters._connection, f"{unique}.out")
        for event in decode_lines(record.value)
    ]
    assert written == [READING, READING]  # by their id who reads the topic knows that they are one
    states = {entry.letter.id: entry.is_open for entry in letters.entries("relay")}
    assert states == {"r1/out": False, "big": True, "line": True}
    listed = vigie("dead-letters", "list", "--site", site, "-n", "1").output
    assert "… and 2 more" in listed
    assert "3 dead letters (2 open): 2 refused, 1 bad_json" in listed
    producer.close()


def test_a_letter_that_is_still_too_large_is_not_sent_and_the_next_one_is(
    broker: Broker, tmp: Path, unique: str
) -> None:
    connection = TopicConnection(
        brokers=[broker.address], idempotence=False, prefix=f"{unique}.", record_limit=2000
    )
    (definition := tmp / "relay.yaml").write_text(RELAY.replace("NAME", unique))
    flow = load(definition)[1]
    assert flow
    sender = Replay(DeadLetterTopics(connection), connection, flow, load_site(None), dict, PATIENCE)
    with pytest.raises(NotReplayable, match="still too large: expected at most 2000 bytes"):
        sender.send(
            Entry(letter("a", flow="relay", payload=b"x" * 1500, origin="y" * 600), 0, 0, 1.0)
        )
    assert (
        sender.send(Entry(letter("a", flow="relay", payload=b"x" * 1500), 0, 1, 1.0))
        == f"{unique}.in"
    )
    sender.close()


KEEP = (
    "vigie: 1\nflow: test\nsources: {a: {topic: NAME.in}}\nsinks: {archive: {from: a, objects:"
    " {bucket: NAME}}}\n"
)


def test_a_replay_into_an_archive_and_the_flow_that_writes_it_do_not_overwrite_each_other(
    broker: Broker, objects: Objects, tmp: Path, unique: str
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=f"{unique}.")
    store = {"url": objects.url, "access_key": objects.access_key, "secret_key": objects.secret_key}
    site = load_site(site_of(tmp, connection, minio=store))
    (definition := tmp / "keep.yaml").write_text(KEEP.replace("NAME", unique))
    flow = load(definition)[1]
    assert flow
    sink = flow.sinks["archive"].settings
    assert isinstance(sink, Sink)
    live = sink.open(Recorder().context("archive", site.connection("minio", ObjectStoreConnection)))

    def write(event: Event) -> None:
        live.write([event])
        live.flush()

    def replay(event: Event) -> None:
        again = letter(
            "archive",
            id=f"{event.id}/archive",
            flow="test",
            payload=encode_lines([event]),
            holds="events",
        )
        sender = Replay(
            DeadLetterTopics(connection),
            connection,
            flow,
            site,
            lambda: {"archive": CompiledSink(sink)},
            20,
        )
        sender.send(Entry(again, 0, 0, 1.0))
        sender.close()

    events = [msgspec.structs.replace(READING, id=f"r{n}") for n in range(4)]
    write(events[0])
    replay(events[1])
    write(events[2])
    replay(events[3])
    replay(events[1])
    live.close()

    bucket = Bucket(site.connection("minio", ObjectStoreConnection), unique)
    assert sorted(line["id"] for line in bucket.events()) == ["r0", "r1", "r2", "r3"]
    assert {name.rpartition("/")[0] for name in bucket.names()} == {"test/archive/1970/01/01"}


def test_what_is_not_there_is_said_in_words(broker: Broker, tmp: Path, unique: str) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=f"{unique}.")
    place = ("--site", site_of(tmp, connection))
    (definition := tmp / "relay.yaml").write_text(RELAY.replace("NAME", unique))
    assert vigie("dead-letters", "list", "nothing", *place).output == "no dead letters of nothing\n"
    assert (
        vigie("dead-letters", "replay", definition, "--all").output
        == "0 sent, 0 not sent, 0 replayed before\n"
    )
    missing = vigie("dead-letters", "show", "relay", "x", *place)
    assert (missing.exit_code, missing.output) == (
        1, "there is no dead letter 'x' (of 0); `vigie dead-letters list` shows them\n",
    )  # fmt: skip
    assert vigie("dead-letters", "replay", definition).exit_code == 2
    assert "neither a time" in vigie("dead-letters", "list", "--since", "soon", *place).output
    nowhere = site_of(tmp, connection.model_copy(update={"brokers": ["127.0.0.1:1"]}))
    down = vigie("dead-letters", "list", "relay", "--site", nowhere)
    assert down.exit_code == 75
    assert "is it running there?" in down.output
