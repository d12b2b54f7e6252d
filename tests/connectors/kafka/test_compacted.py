"""Compacted topics read as tables, on a real broker."""

from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaProducer

from connectors.base import Batch, Reader
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from infra.embedded.broker import Broker
from operators.events import Event, Occurrence, Reading, Row, encode_lines
from tests.conftest import ON_KAFKA
from tests.connectors.recorder import Recorder
from tests.waiting import PATIENCE, wait_until


@pytest.fixture
def opened(broker: Broker, recorder: Recorder, unique: str) -> Iterator[Callable[[], Reader]]:
    readers: list[Reader] = []

    def open_it() -> Reader:
        context = recorder.context(
            "rules", TopicConnection(brokers=[broker.address], idempotence=False)
        )
        topic = Topic(name=unique, table=True)
        (part,) = topic.partitions(context)
        readers.append(topic.open(context, part, None))
        return readers[-1]

    yield open_it
    for reader in readers:
        reader.close()


@pytest.fixture
def put(broker: Broker, unique: str) -> Iterator[Callable[[str | None, bytes | None], None]]:
    producer = KafkaProducer(bootstrap_servers=[broker.address])

    def send(key: str | None, value: bytes | None) -> None:
        sent = producer.send(unique, value, None if key is None else key.encode(), partition=0)
        sent.get(PATIENCE)

    yield send
    producer.close()


def next_of(reader: Reader) -> Batch:
    batches: list[Batch] = []
    wait_until(lambda: batches.append(b) if (b := reader.read()) else bool(batches), what="a batch")
    return batches[0]


def rows(events: list[Event]) -> list[tuple[str, object]]:
    return [(e.op, e.values) if isinstance(e, Row) else ("event", e) for e in events]


def test_the_first_batch_is_the_table_as_it_stands_and_changes_follow(
    opened: Callable[[], Reader], put: Callable[[str | None, bytes | None], None]
) -> None:
    empty = next_of(opened())
    assert (empty.events, empty.live, empty.whole) == ([], True, True)
    put("a", b'{"above": 1}')
    put("b", b'{"above": 2}')
    put("a", b'{"above": 3}')
    put("b", None)
    put("x-key", b'{"id": "x", "above": 4}')

    reader = opened()
    batch = next_of(reader)
    assert batch.whole
    assert rows(batch.events) == [
        ("update", {"above": 3, "id": "a"}),
        ("update", {"id": "x", "above": 4}),
    ]
    assert reader.position() is None  # every start reads the table anew

    put("x-key", None)
    change = next_of(reader)
    assert (rows(change.events), change.whole) == ([("delete", {"id": "x"})], False)


@pytest.mark.skipif(ON_KAFKA, reason="Kafka takes no record without a key into a table")
def test_rows_may_be_events_and_what_is_no_row_is_a_dead_letter(
    opened: Callable[[], Reader],
    put: Callable[[str | None, bytes | None], None],
    recorder: Recorder,
) -> None:
    event = Occurrence(
        id="o", time=1.0, subject="rules", type="rule", data={"id": "r1", "above": 5}
    )
    reader = opened()
    next_of(reader)
    put("r1", encode_lines([event]))
    put(None, b'{"id": 7, "above": 6}')
    put(None, b'{"above": 6}')
    put("bad", b"[1]")
    put("bad", b"{")
    put("last", b"{}")

    got: list[Event] = []
    wait_until(
        lambda: (got.extend(b.events if (b := reader.read()) else []), len(got) == 3)[1],
        what="the rows",
    )

    assert rows(got) == [
        ("event", event),
        ("update", {"id": 7, "above": 6}),
        ("update", {"id": "last"}),
    ]
    assert [(letter.reason, letter.payload) for letter in recorder.letters] == [
        ("bad_row", b'{"above": 6}'),
        ("bad_row", b"[1]"),
        ("bad_row", b"{"),
    ]
    assert recorder.letters[0].detail == "a row needs an 'id', or its record a key"


def test_a_row_is_of_the_time_at_which_it_was_written_at_the_latest(
    opened: Callable[[], Reader], put: Callable[[str | None, bytes | None], None]
) -> None:
    event = Occurrence(
        id="o", time=250e9, subject="rules", type="rule", data={"id": "r1", "above": 5}
    )
    next_of(opened())
    put("r1", encode_lines([event]))

    batch = next_of(opened())

    assert batch.wall < 249e9
    assert [row.time for row in batch.events] == [batch.wall]


def test_a_reading_is_the_row_of_its_signal(
    opened: Callable[[], Reader], put: Callable[[str | None, bytes | None], None]
) -> None:
    def mode(word: str) -> bytes:
        at = {"id": f"mode/{word}", "time": 1.0, "subject": "site"}
        return encode_lines([Reading(**at, metric="mode", text=word)])  # type: ignore[arg-type]

    next_of(opened())
    put("site", mode("active"))
    put("site", mode("away"))
    reader = opened()
    row = {"id": "site", "subject": "site", "metric": "mode", "value": "away"}
    assert rows(next_of(reader).events) == [("update", row)]
    put("site", mode("active"))
    assert rows(next_of(reader).events) == [("update", row | {"value": "active"})]
    put("site", None)
    assert rows(next_of(reader).events) == [("delete", {"id": "site"})]


def test_a_late_reading_does_not_set_the_row_of_its_signal_back(
    opened: Callable[[], Reader], put: Callable[[str | None, bytes | None], None]
) -> None:
    def level(time: float, value: float) -> bytes:
        return encode_lines(
            [Reading(id=f"{time}", time=time, subject="tank", metric="level", value=value)]
        )

    next_of(opened())
    for record in (level(1.0, 10.0), level(3.0, 30.0), level(2.0, 20.0)):
        put("tank", record)
    reader = opened()
    assert [row[1]["value"] for row in rows(next_of(reader).events)] == [30.0]  # type: ignore[index]
    put("tank", level(2.5, 25.0))
    put("tank", level(4.0, 40.0))
    assert [row[1]["value"] for row in rows(next_of(reader).events)] == [40.0]  # type: ignore[index]
    put("tank", None)
    assert [row[0] for row in rows(next_of(reader).events)] == ["delete"]
    put("tank", level(2.0, 20.0))
    assert [row[1]["value"] for row in rows(next_of(reader).events)] == [20.0]  # type: ignore[index]
