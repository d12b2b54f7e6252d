"""Records of Arrow beside records of JSON in one topic, for all who read topics."""

import sys
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from click.testing import CliRunner
from kafka import KafkaProducer

from api.metrics import Metrics
from api.push.feed import Feed
from api.push.updates import Update
from api.settings import Settings
from connectors.base import ConnectorContext, ConnectorError
from connectors.kafka.admin import partition_of
from connectors.kafka.components import Topic, TopicSink
from connectors.kafka.connection import TopicConnection
from connectors.kafka.log.content import ARROW, is_arrow
from connectors.kafka.packing import ROWS_PER_ARROW, Packer, Record
from connectors.kafka.producer import Producer
from connectors.kafka.topic_names import TopicNames
from connectors.kafka.topics.contents import contents
from flows.cli import main
from flows.replay.history_kafka import TopicHistory
from infra.embedded.broker import Broker
from operators.columnar.arrow_batch import decode_columns, decode_events, encode, stream_of
from operators.columnar.reading_columns import joined
from operators.events import DeadLetter, Event, Occurrence, Reading, decode_lines, encode_lines
from tests.flows.running import site_of
from tests.waiting import PATIENCE, wait_until


def reading(number: int, **more: object) -> Reading:
    return Reading(  # type: ignore[call-arg]
        id=f"r{number}", time=1e9 + number, metric="t", value=1.0, **{"subject": "room", **more}
    )


READINGS: list[Event] = [reading(n) for n in range(4)]
PRESS = Occurrence(id="o", time=1e9 + 4, subject="room", type="pressed")
DAMAGED = encode([reading(9)])[:300]


def packed(events: list[Event], limit: int = 1 << 20) -> list[Record]:
    packer = Packer(lambda topic: 1, limit)
    packer.add_events("t", events, "arrow")
    return packer.records


def events_of(record: Record) -> list[Event]:
    data = b"".join(record.lines)
    return decode_events(data) if is_arrow(data) else decode_lines(data)


def test_readings_are_packed_as_columns_and_other_events_as_lines_in_their_order() -> None:
    records = packed([*READINGS[:2], PRESS, *READINGS[2:]])

    assert [is_arrow(record.lines[0]) for record in records] == [True, False, True]
    assert [event for record in records for event in events_of(record)] == [
        *READINGS[:2], PRESS, *READINGS[2:]
    ]  # fmt: skip


@pytest.mark.parametrize("limit", [1 << 20, 2000])
def test_columns_are_packed_as_their_events_are(limit: int) -> None:
    some: list[Event] = [
        reading(n, unit="°C" if n < 20 else None, subject=f"room_{n % 7}") for n in range(40)
    ]
    halves = [decode_columns(encode(part)) for part in (some[:20], some[20:])]  # type: ignore[arg-type]
    found = []
    for given in (some, joined([*halves[0], *halves[1]]), joined(halves[0])):
        packer = Packer(lambda topic: 3, limit)
        packer.add_events("t", given, "arrow")  # type: ignore[arg-type]
        assert all(record.size <= limit // 2 for record in packer.records)
        found.append(
            {(one.partition, event.id) for one in packer.records for event in events_of(one)}
        )

    assert found[0] == found[1] and len(found[0]) == 40
    assert found[2] == {(partition, id) for partition, id in found[0] if int(id[1:]) < 20}
    assert len({partition for partition, _ in found[0]}) > 1


def test_columns_larger_than_a_record_may_be_are_split_and_one_row_becomes_a_line() -> None:
    long: list[Event] = [reading(n, text="x" * 3000) for n in range(5)]

    records = packed(long, 20_000)

    assert all(record.size <= 10_000 for record in records)
    assert [event for record in records for event in events_of(record)] == long
    (huge,) = packed([reading(1, text="x" * 6000)], 10_000)
    assert not is_arrow(huge.lines[0])


def test_a_record_that_its_topic_refuses_is_halved_down_to_lines() -> None:
    (record,) = packed(READINGS[:3])

    halves = list(record.alone())

    assert [len(events_of(half)) for half in halves] == [1, 2]
    assert [event for half in halves for event in events_of(half)] == READINGS[:3]
    assert not is_arrow(halves[0].lines[0])


def test_many_readings_fill_few_records() -> None:
    many: list[Event] = [reading(n) for n in range(2 * ROWS_PER_ARROW)]

    records = packed(many)

    assert len(records) == 2
    assert sum(record.size for record in records) < 80 * len(many)


def test_a_definition_hears_what_arrow_does_not_go_with() -> None:
    with pytest.raises(ValueError, match="leave out `pack: false`"):
        TopicSink(name="t", encoding="arrow", pack=False)
    with pytest.raises(ValueError, match="for topics of readings"):
        Topic(name="t", encoding="arrow", table=True)


def test_without_the_package_a_flow_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "operators.columnar.arrow_batch")
    context = ConnectorContext(flow="f", name="out", connection=None)
    told = r"out: encoding: arrow needs pyarrow: .*vigie\[arrow\]"

    with pytest.raises(ConnectorError, match=told):
        TopicSink(name="t", encoding="arrow").open(context)


@pytest.fixture
def connection(broker: Broker) -> TopicConnection:
    return TopicConnection(brokers=[broker.address], idempotence=False)


@pytest.fixture
def mixed(connection: TopicConnection, unique: str) -> Iterator[str]:
    """A topic of JSON, Arrow, a damaged batch, one of a newer schema, and JSON again."""
    context = ConnectorContext(flow="f", name="out", connection=connection)
    producer = Producer(connection, context.health, "test", partitions=1)
    client = KafkaProducer(**connection.client_options())
    producer.send_events(unique, READINGS[:2])
    producer.flush()
    writer = TopicSink(name=unique, encoding="arrow").open(context)
    writer.write(READINGS[2:])
    writer.flush()
    producer.send(unique, "room", DAMAGED, pack=False)
    producer.flush()
    newer = [("content-type", ARROW), ("vigie-schema", b"2")]
    client.send(unique, stream_of(pa.record_batch({"new": [1]})), headers=newer).get(PATIENCE)
    producer.send_events(unique, [PRESS])
    producer.flush()
    yield unique
    for one in (producer, client, writer):
        one.close()


@pytest.mark.service
def test_a_flow_reads_both_and_a_damaged_batch_is_a_dead_letter_with_its_bytes(
    connection: TopicConnection, mixed: str
) -> None:
    letters: list[DeadLetter] = []
    context = ConnectorContext(
        flow="f", name="in", connection=connection, dead_letter=letters.append
    )
    source = Topic(name=mixed)
    [part] = source.partitions(context)
    reader = source.open(context, part, None)
    got: list[Event] = []

    def more() -> bool:
        while batch := reader.read():
            got.extend(batch.events)
        return len(got) >= 5

    try:
        wait_until(more)
    finally:
        reader.close()

    assert got == [*READINGS, PRESS]
    assert [(letter.reason, letter.origin) for letter in letters] == [
        ("bad_arrow", f"{mixed}/0/2"), ("bad_shape", f"{mixed}/0/3")
    ]  # fmt: skip
    assert letters[0].payload == DAMAGED
    assert "version 1 of the schema, got 2" in letters[1].detail


@pytest.mark.service
def test_replay_reads_both(connection: TopicConnection, mixed: str) -> None:
    warned: list[str] = []
    history = TopicHistory(connection, [mixed], 0, 2e9, 5.0, ZoneInfo("UTC"), warned.append)

    events = [event for piece in history.pieces() for event in piece.events]

    assert [event.id for event in events] == ["r0", "r1", "r2", "r3", "o"]
    assert len(warned) == 1 and "2 lines" in warned[0]


class _Ears:
    def __init__(self) -> None:
        self.updates: list[Update] = []

    def publish(self, updates: list[Update]) -> None:
        self.updates += updates

    def begin(self, partition: str, position: object) -> None: ...
    def forget(self, partitions: set[str]) -> None: ...
    def answered(self, events: object) -> None: ...
    def backfilled(self) -> None: ...


@pytest.mark.service
def test_the_api_reads_both(connection: TopicConnection, mixed: str, tmp_path: Path) -> None:
    ears = _Ears()
    broker_of = {"broker": connection, "topics": TopicNames("none."), "reading_topics": (mixed,)}
    settings = Settings(data=tmp_path, port=0, **broker_of)  # type: ignore[arg-type]
    feed = Feed(settings, Metrics(), ears)
    feed.start()
    try:
        wait_until(lambda: len(ears.updates) >= 4)
    finally:
        feed.stop()

    assert [update.event for update in ears.updates] == READINGS


@pytest.mark.service
def test_topic_cat_prints_both_as_json_and_says_what_is_damaged(
    broker: Broker, mixed: str, tmp_path: Path
) -> None:
    site = site_of(tmp_path, redpanda={"brokers": [broker.address], "idempotence": False})

    done = CliRunner().invoke(main, ["topic", "cat", mixed, "--site", str(site)])
    last = CliRunner().invoke(main, ["topic", "cat", mixed, "--site", str(site), "--last", "1"])
    none = CliRunner().invoke(main, ["topic", "cat", "no_such", "--site", str(site)])

    assert done.stdout_bytes == encode_lines([*READINGS, PRESS])
    assert done.exit_code == 1
    assert f"{mixed}/0/2: {len(DAMAGED)} bytes are left out" in done.stderr
    assert (last.exit_code, last.stdout_bytes) == (0, encode_lines([PRESS]))
    assert none.exit_code == 1 and "there is no topic 'no_such'" in none.stderr


@pytest.mark.service
def test_records_say_what_they_hold(connection: TopicConnection, mixed: str) -> None:
    kinds = [record.arrow for record in contents(connection, mixed)]

    assert kinds == [None, b"1", b"1", b"2", None]
    assert partition_of("room", 1) == 0
