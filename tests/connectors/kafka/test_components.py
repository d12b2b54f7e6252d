import math
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaProducer
from kafka.errors import MessageSizeTooLargeError, UnsupportedCodecError
from kafka.record.default_records import DefaultRecordBatch
from pydantic import SecretStr, ValidationError

from connectors.base import Batch, ConnectorContext, ConnectorError, Health, Reader, Stopped
from connectors.kafka import open_consumer, poller
from connectors.kafka.admin import partition_of
from connectors.kafka.components import Topic, TopicSink
from connectors.kafka.connection import TopicConnection
from connectors.kafka.log.position import Position
from connectors.kafka.log.topic_log import TopicLog
from connectors.kafka.packing import Packer
from connectors.kafka.producer import QUEUE_BYTES, Producer
from infra.embedded.broker import Broker
from operators.events import DeadLetter, Event, Reading, encode_lines
from tests.conftest import ON_KAFKA
from tests.connectors.recorder import Recorder
from tests.waiting import PATIENCE, wait_until


def readings(first: int, last: int, subjects: int = 10) -> list[Event]:
    return [
        Reading(
            id=f"r{n}",
            time=1e9 + n,
            subject=f"room_{n % subjects}",
            metric="temperature",
            value=float(n),
        )
        for n in range(first, last)
    ]


def connect(broker: Broker) -> TopicConnection:
    return TopicConnection(brokers=[broker.address], idempotence=False)


@pytest.fixture
def context(broker: Broker) -> ConnectorContext:
    return ConnectorContext(flow="f", name="source", connection=connect(broker))


@pytest.fixture
def producer(context: ConnectorContext) -> Iterator[Producer]:
    producer = Producer(context.connection, context.health, "test")
    yield producer
    producer.close()


@pytest.fixture
def opened() -> Iterator[Callable[..., list[Reader]]]:
    readers: list[Reader] = []

    def open_all(
        topic: Topic, context: ConnectorContext, positions: dict[str, object] | None = None
    ) -> list[Reader]:
        new = [
            topic.open(context, part, (positions or {}).get(part))
            for part in topic.partitions(context)
        ]
        readers.extend(new)
        return new

    yield open_all
    for reader in readers:
        reader.close()


def drain(readers: list[Reader], count: int) -> list[Event]:
    events: list[Event] = []

    def more() -> bool:
        for reader in readers:
            while batch := reader.read():
                events.extend(batch.events)
        return len(events) >= count

    wait_until(more, what=f"{count} events")
    return events


def test_what_is_written_is_read_in_order_for_each_subject(
    context: ConnectorContext, producer: Producer, unique: str, opened: Callable[..., list[Reader]]
) -> None:
    sent = readings(0, 3000)
    producer.send_events(unique, sent[:1])
    producer.send_events(unique, sent[1:])
    producer.flush()

    got = drain(opened(Topic(name=unique), context), len(sent))

    assert {e.id for e in got} == {e.id for e in sent}
    for subject in {e.subject for e in sent if isinstance(e, Reading)}:
        assert [e.id for e in got if e.subject == subject] == [
            e.id for e in sent if e.subject == subject
        ]


@pytest.mark.parametrize("earlier", [False, True], ids=["position", "offset of an earlier version"])
def test_a_reader_opened_at_a_position_goes_on_after_what_was_read(
    earlier: bool,
    context: ConnectorContext,
    producer: Producer,
    unique: str,
    opened: Callable[..., list[Reader]],
) -> None:
    topic = Topic(name=unique, new_partitions=1)
    (first,) = opened(topic, context)
    producer.send_events(unique, readings(0, 10))
    assert len(drain([first], 10)) == 10
    producer.send_events(unique, readings(10, 15))
    producer.flush()

    again = ConnectorContext(flow="f", name="again", connection=context.connection)
    at = Position.parse(first.position()).offset if earlier else first.position()
    (second,) = opened(topic, again, {f"{unique}/0": at})

    assert [e.id for e in drain([second], 5)] == [f"r{n}" for n in range(10, 15)]


def test_a_reader_says_once_that_it_has_caught_up(
    context: ConnectorContext, producer: Producer, unique: str, opened: Callable[..., list[Reader]]
) -> None:
    Topic(name=unique, new_partitions=1).partitions(context)
    producer.send_events(unique, readings(0, 5))
    producer.flush()
    (reader,) = opened(Topic(name=unique), context)
    batches: list[Batch] = []

    def caught_up() -> bool:
        if batch := reader.read():
            batches.append(batch)
        return bool(batches) and batches[-1].live

    wait_until(caught_up, what="the reader to catch up")
    assert [(len(batch.events), batch.live) for batch in batches] == [(5, False), (0, True)]
    assert reader.read() is None


def test_lines_that_are_no_events_go_to_dead_letters_with_their_bytes_and_the_rest_is_read(
    broker: Broker, unique: str, opened: Callable[..., list[Reader]]
) -> None:
    letters: list[DeadLetter] = []
    counts: dict[str, int] = {}
    context = ConnectorContext(
        flow="f",
        name="source",
        connection=connect(broker),
        dead_letter=letters.append,
        count=lambda word, n: counts.update({word: counts.get(word, 0) + n}),
    )
    topic = Topic(name=unique, new_partitions=1)
    readers = opened(topic, context)
    foreign = KafkaProducer(bootstrap_servers=[broker.address])
    good = encode_lines(readings(0, 2))
    foreign.send(unique, good[:-1], partition=0)
    foreign.send(unique, b'{"half":', partition=0)
    foreign.send(unique, encode_lines(readings(2, 3)) + b'{"kind":"reading","id":7}\n', partition=0)
    foreign.send(unique, value=None, key=b"deleted", partition=0)
    foreign.flush()
    foreign.close()

    assert [e.id for e in drain(readers, 3)] == ["r0", "r1", "r2"]
    wait_until(lambda: (readers[0].read(), len(letters) == 2)[1], what="both dead letters")
    assert [(letter.reason, letter.payload) for letter in letters] == [
        ("bad_json", b'{"half":'),
        ("bad_shape", b'{"kind":"reading","id":7}'),
    ]
    assert letters[0].origin == f"{unique}/0/1"
    assert counts == {"bad_json": 1, "bad_shape": 1}


def test_a_subject_keeps_the_partition_that_other_kafka_clients_give_it() -> None:
    # Reference values of org.apache.kafka.common.utils.Utils.murmur2, as in its UtilsTest.
    assert [partition_of(key, 2**31) for key in ("21", "foobar", "a-little-bit-long-string")] == [
        -973932308 & 0x7FFFFFFF,
        -790332482 & 0x7FFFFFFF,
        -985981536 & 0x7FFFFFFF,
    ]


def test_a_record_of_its_own_is_made_of_each_event_when_packing_is_off(
    context: ConnectorContext, unique: str, opened: Callable[..., list[Reader]]
) -> None:
    writer = TopicSink(name=unique, pack=False, new_partitions=1).open(context)
    writer.write(readings(0, 20))
    writer.flush()
    (reader,) = opened(Topic(name=unique), context)

    drain([reader], 20)
    assert Position.parse(reader.position()).offset == 20
    writer.close()


def test_producer_delivers_everything_in_order_after_the_broker_was_down(
    tmp: Path, own: Callable[[Broker], Broker]
) -> None:
    broker = own(Broker(tmp / "broker"))
    health = Health()
    context = ConnectorContext(flow="f", name="source", connection=connect(broker), health=health)
    producer = Producer(context.connection, health, "producer")
    durable: list[str] = []
    producer.send("t", "a", encode_lines(readings(0, 1)), lambda: durable.append("before"))
    producer.flush()

    broker.kill()
    for n in range(1, 50):
        producer.send("t", "a", encode_lines(readings(n, n + 1)), lambda: durable.append("after"))
    wait_until(lambda: "producer" in health.down, what="the producer to notice")
    assert "is it running there?" in health.down["producer"]
    broker.restart()
    producer.flush()

    assert durable == ["before"] + ["after"] * 49
    wait_until(lambda: not health.down, what="the producer to say that it goes on")
    readers = [
        Topic(name="t").open(context, part, None) for part in Topic(name="t").partitions(context)
    ]
    assert [e.id for e in drain(readers, 49)] == [f"r{n}" for n in range(1, 50)]
    producer.close()
    for reader in readers:
        reader.close()


def test_a_reader_knows_how_many_records_it_has_not_read_and_until_when_there_were_none(
    context: ConnectorContext,
    producer: Producer,
    unique: str,
    opened: Callable[..., list[Reader]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(poller, "BUFFER_BYTES", 0)
    monkeypatch.setattr(poller, "PROBE_SECONDS", 0.05)
    topic = Topic(name=unique, new_partitions=1)
    (reader,) = opened(topic, context)
    assert (reader.lag(), reader.read_until()) == (None, -math.inf)
    reader.read()
    begun = time.time()
    wait_until(lambda: reader.read_until() > begun, what="an answer that there is nothing")
    assert reader.lag() == 0

    for n in range(5):
        producer.send_events(unique, readings(n, n + 1), pack=False)
        producer.flush()
    wait_until(
        lambda: reader.lag() == 5,
        what="all five to be known, although no more than one is fetched ahead",
    )
    assert reader.read_until() == -math.inf, "something waits to be read"
    drain([reader], 5)
    assert reader.lag() == 0
    read = time.time()
    wait_until(
        lambda: (reader.read(), reader.read_until() > read)[1],
        what="an answer that there is no more",
    )


def test_a_reader_that_takes_nothing_holds_up_no_other_of_its_source(
    context: ConnectorContext,
    producer: Producer,
    unique: str,
    opened: Callable[..., list[Reader]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(poller, "BUFFER_BYTES", 0)
    monkeypatch.setattr(poller, "PROBE_SECONDS", 0.05)
    names = [f"{unique}-waits", f"{unique}-reads"]
    waits, reads = opened(Topic(name=names, new_partitions=1), context)
    reads.read()
    for name in names:
        for n in range(20):
            producer.send_events(name, readings(n, n + 1), pack=False)
            producer.flush()

    assert len(drain([reads], 20)) == 20
    wait_until(lambda: waits.lag() == 20, what="the end of what waits to be known")
    assert [event.id for event in drain([waits], 20)] == [f"r{n}" for n in range(20)]


def test_records_larger_than_a_partitions_part_of_a_fetch_are_read_beside_others(
    context: ConnectorContext,
    producer: Producer,
    unique: str,
    opened: Callable[..., list[Reader]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(open_consumer, "ALL_FETCHED", 10_000)
    monkeypatch.setattr(open_consumer, "LEAST_FETCH", 1_000)
    partitions = opened(Topic(name=unique, new_partitions=5), context)
    for n in range(30):
        large = msgspec.structs.replace(readings(n, n + 1)[0], labels={"note": "x" * 20_000})
        producer.send_events(unique, [large, *readings(100 + n, 101 + n)], pack=False)
    producer.flush()

    found = sorted(event.id for event in drain(partitions, 60))
    assert found == sorted(event.id for event in [*readings(0, 30), *readings(100, 130)])


def test_a_topic_that_was_made_anew_is_read_from_its_start(
    tmp: Path, own: Callable[[Broker], Broker]
) -> None:
    broker = own(Broker(tmp / "broker"))
    context = ConnectorContext(flow="f", name="source", connection=connect(broker))
    producer = Producer(context.connection, context.health, "producer", partitions=1)
    producer.send_events("t", readings(0, 3))
    producer.flush()

    reader = Topic(name="t", new_partitions=1).open(context, "t/0", position=(1000, 0, "5" * 32))

    batches: list[Batch] = []
    wait_until(
        lambda: batches.append(b) if (b := reader.read()) and b.events else bool(batches),
        what="the events",
    )
    producer.send_events("t", readings(3, 4))
    wait_until(
        lambda: batches.append(b) if (b := reader.read()) and b.events else len(batches) > 1,
        what="one more",
    )
    assert [(event.id, batch.recreated) for batch in batches for event in batch.events] == [
        ("r0", True), ("r1", True), ("r2", True), ("r3", False)
    ]  # fmt: skip
    producer.close()
    reader.close()


@pytest.mark.skipif(ON_KAFKA, reason="Kafka takes no record of the future")
def test_a_record_that_says_it_is_of_the_future_does_not_move_the_wall_clock_there(
    context: ConnectorContext, broker: Broker, unique: str, opened: Callable[..., list[Reader]]
) -> None:
    topic = Topic(name=unique, new_partitions=1)
    topic.partitions(context)
    foreign = KafkaProducer(bootstrap_servers=[broker.address])
    sent = foreign.send(unique, encode_lines(readings(0, 1)), timestamp_ms=250_000_000_000_000)
    sent.get(PATIENCE)
    foreign.close()
    (reader,) = opened(topic, context)
    batches: list[Batch] = []
    wait_until(
        lambda: batches.append(b) if (b := reader.read()) and b.events else bool(batches),
        what="the event",
    )

    assert batches[0].wall < time.time() + 120


def test_a_source_that_starts_at_the_latest_is_live_at_once_and_keeps_its_place(
    context: ConnectorContext, producer: Producer, unique: str, opened: Callable[..., list[Reader]]
) -> None:
    topic = Topic(name=unique, start="latest", new_partitions=1)
    topic.partitions(context)
    producer.send_events(unique, readings(0, 3))
    producer.flush()
    (reader,) = opened(topic, context)
    batches: list[Batch] = []
    wait_until(
        lambda: batches.append(reader.read()) or (batches[-1] and batches[-1].live),
        what="the reader to be live",
    )
    at = reader.position()
    producer.send_events(unique, readings(3, 5))
    producer.flush()

    (again,) = opened(
        topic, ConnectorContext("f", "again", context.connection), {f"{unique}/0": at}
    )

    assert [e.id for e in drain([again], 2)] == ["r3", "r4"]


def test_a_broker_that_dies_while_a_source_reads_is_reported_and_its_return_too(
    tmp: Path, own: Callable[[Broker], Broker], opened: Callable[..., list[Reader]]
) -> None:
    broker = own(Broker(tmp / "broker"))
    context = ConnectorContext(flow="f", name="source", connection=connect(broker))
    (reader,) = opened(Topic(name="t", new_partitions=1), context)
    wait_until(reader.read, what="the reader to be live")

    broker.kill()
    wait_until(
        lambda: "source" in context.health.down, what="the source to say that the broker is gone"
    )
    broker.restart()
    wait_until(
        lambda: "source" not in context.health.down, what="the source to say that it is back"
    )


def test_a_source_waits_for_a_broker_that_is_not_up_yet(
    tmp: Path, own: Callable[[Broker], Broker]
) -> None:
    broker = Broker(tmp / "broker")
    connection = connect(broker)
    health = Health()
    context = ConnectorContext(flow="f", name="source", connection=connection, health=health)
    found: list[str] = []
    waiting = threading.Thread(target=lambda: found.extend(Topic(name="t").partitions(context)))
    waiting.start()
    wait_until(lambda: "source" in health.down, what="the source to say that it waits")

    own(broker)

    waiting.join(PATIENCE)
    assert found == ["t/0", "t/1", "t/2", "t/3"]
    assert not health.down


def test_a_flush_ends_when_asked_to_stop_while_the_broker_is_down(tmp: Path) -> None:
    broker = Broker(tmp / "broker")
    health = Health()
    producer = Producer(connect(broker), health, "producer")
    producer.send("t", "a", b"{}\n")
    stopping = threading.Event()
    wait_until(lambda: "producer" in health.down, what="the producer to notice")
    stopping.set()

    with pytest.raises(Stopped, match="no answer from the broker"):
        producer.flush(stopping)
    producer.close()


def test_a_write_into_a_full_queue_ends_when_asked_to_stop_while_the_broker_is_down(
    tmp: Path,
) -> None:
    health, stopping = Health(), threading.Event()
    producer = Producer(connect(Broker(tmp / "broker")), health, "producer", stopping=stopping)
    producer.send("t", "a", b"x" * QUEUE_BYTES)
    wait_until(lambda: "producer" in health.down, what="the producer to notice")
    stopping.set()

    with pytest.raises(Stopped, match="no answer from the broker"):
        producer.send("t", "a", b"{}\n")
    producer.close()


def test_lines_that_together_exceed_the_limit_of_a_record_do_not_share_one() -> None:
    packer = Packer(lambda topic: 1, 1_000_000)
    lines = [b"x" * 400_000 + b"\n", b"y" * 900_000 + b"\n", b"z" * 400_000 + b"\n"]
    for line in lines:
        packer.add("t", "a", line, True, None)

    assert [record.lines for record in packer.records] == [[line] for line in lines]


def large(name: str, size: int) -> Reading:
    return Reading(id=name, time=1e9, subject="room_1", metric="state", text="x" * size)


def test_an_event_larger_than_a_record_is_a_dead_letter_and_the_others_pass(
    broker: Broker, unique: str, opened: Callable[..., list[Reader]], recorder: Recorder
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False, record_limit=2000)
    writer = TopicSink(name=unique, new_partitions=1).open(recorder.context("sink", connection))
    writer.write([large("small", 10), large("big", 3000), large("also_small", 10)])
    writer.flush()
    writer.close()

    (reader,) = opened(Topic(name=unique), ConnectorContext("f", "source", connection))
    assert [e.id for e in drain([reader], 2)] == ["small", "also_small"]
    (letter,) = recorder.letters
    assert (letter.id, letter.reason, letter.holds) == ("big/sink", "too_large", "events")
    assert letter.detail.startswith("expected at most 2000 bytes as a record (record_limit), got 3")
    assert letter.payload == encode_lines([large("big", 3000)])
    assert recorder.counts == {"too_large": 1}


def test_a_record_has_room_for_the_key_too() -> None:
    packer = Packer(lambda topic: 1, record_limit=100)
    packer.add("t", "é" * 20, b"x" * 60, True, None)
    packer.add("t", "é" * 21, b"x" * 60, True, None)

    assert len(packer.records) == 1
    (refused,) = packer.too_large
    assert (
        refused.detail
        == "expected at most 100 bytes as a record (record_limit), got 102, 42 of them its key"
    )


def test_a_topic_whose_limit_is_below_ours_takes_what_fits_line_by_line(
    broker: Broker,
    unique: str,
    opened: Callable[..., list[Reader]],
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = KafkaProducer.send

    def strict(
        self: KafkaProducer, topic: str, value: bytes, *rest: object, **more: object
    ) -> object:
        if len(value) > 1000:
            raise MessageSizeTooLargeError("larger than max.message.bytes")
        return send(self, topic, value, *rest, **more)

    monkeypatch.setattr(KafkaProducer, "send", strict)
    connection = connect(broker)
    writer = TopicSink(name=unique, new_partitions=1).open(recorder.context("sink", connection))
    writer.write(readings(0, 20))
    writer.write([large("big", 1500)])
    writer.write(readings(20, 22))
    writer.flush()
    writer.close()

    (reader,) = opened(Topic(name=unique), ConnectorContext("f", "source", connection))
    ids: dict[str, None] = {}
    wait_until(
        lambda: (ids.update(dict.fromkeys(e.id for e in drain([reader], 1))), "r21" in ids)[1],
        what="the last",
    )
    assert list(ids) == [f"r{n}" for n in range(22)]  # some came twice, none overtook another
    assert [(letter.id, letter.reason) for letter in recorder.letters] == [
        ("big/sink", "too_large")
    ]
    assert f"raise max.message.bytes of the topic {unique}" in recorder.letters[0].detail


def foreign(broker: Broker, **options: object) -> KafkaProducer:
    return KafkaProducer(bootstrap_servers=[broker.address], **options)


@pytest.mark.parametrize(
    ("codec", "library"),
    [("gzip", "gzip"), ("lz4", "lz4"), ("snappy", "snappy"), ("zstd", "zstandard")],
)
def test_compressed_records_are_read(
    broker: Broker,
    context: ConnectorContext,
    unique: str,
    opened: Callable[..., list[Reader]],
    codec: str,
    library: str,
) -> None:
    pytest.importorskip(library)
    (reader,) = opened(Topic(name=unique, new_partitions=1), context)
    producer = foreign(broker, compression_type=codec)
    for n in range(0, 200, 50):
        producer.send(unique, encode_lines(readings(n, n + 50)), partition=0)
    producer.flush()
    producer.close()

    assert [e.id for e in drain([reader], 200)] == [f"r{n}" for n in range(200)]


def test_records_of_foreign_producers_are_read_whatever_their_keys_headers_and_packing(
    broker: Broker, context: ConnectorContext, unique: str, opened: Callable[..., list[Reader]]
) -> None:
    (reader,) = opened(Topic(name=unique, new_partitions=1), context)
    producer = foreign(broker)
    lines = [encode_lines([event]) for event in readings(0, 6)]
    producer.send(unique, lines[0], key=None, partition=0)
    producer.send(
        unique,
        lines[1].rstrip(),
        key=b"\xff\x00",
        headers=[("trace", b"1"), ("", b"")],
        partition=0,
    )
    producer.send(unique, b"\n\n" + lines[2] + b"\r\n" + lines[3], key=b"room", partition=0)
    producer.send(unique, None, key=b"room", partition=0)
    producer.send(unique, b"", key=b"room", partition=0)
    producer.send(unique, lines[4] + lines[5], timestamp_ms=0, partition=0)
    producer.flush()
    producer.close()

    assert [e.id for e in drain([reader], 6)] == [f"r{n}" for n in range(6)]
    assert Position.parse(reader.position()).offset == 6


def test_a_codec_without_its_library_ends_the_source_with_what_to_install(
    broker: Broker,
    context: ConnectorContext,
    unique: str,
    opened: Callable[..., list[Reader]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (reader,) = opened(Topic(name=unique, new_partitions=1), context)
    producer = foreign(broker, compression_type="gzip")
    producer.send(unique, encode_lines(readings(0, 100)), partition=0).get(PATIENCE)
    producer.close()

    def lacking(*_: object) -> None:
        raise UnsupportedCodecError("Libraries for snappy compression codec not found")

    monkeypatch.setattr(DefaultRecordBatch, "_assert_has_codec", lacking)

    with pytest.raises(
        ConnectorError, match=r"source: the topic has compressed records .* install python-snappy"
    ):
        drain([reader], 1)


def test_partitions_that_come_while_the_flow_runs_are_said_once(
    broker: Broker,
    recorder: Recorder,
    unique: str,
    opened: Callable[..., list[Reader]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("connectors.kafka.poller.COUNT_SECONDS", 0.0)
    context = recorder.context("source", connect(broker))
    topic = Topic(name=unique, new_partitions=2)
    (reader, _) = opened(topic, context)
    wait_until(reader.read, what="the reader to be live")
    assert recorder.counts == {}

    # the embedded broker cannot add partitions: the client is made to see a third one
    three = {0, 1, 2}
    monkeypatch.setattr(TopicLog, "partitions", lambda self, name: three)

    wait_until(lambda: context.shared.get("grown"), what="the new partition")
    assert list(context.shared["grown"]) == [f"{unique}/2"]
    assert caplog.text.count(f"topic {unique} has 3 partitions now, 2 before") == 1
    assert recorder.counts["new_partitions"] == 1


def test_a_password_stands_in_the_site_file_or_in_a_file_of_its_own() -> None:
    with pytest.raises(ValidationError, match="expected `password` or `password_file`, got both"):
        TopicConnection(
            brokers=["a:9092"], username="u", password=SecretStr("p"), password_file="/run/p"
        )
