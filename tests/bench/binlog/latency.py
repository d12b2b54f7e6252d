"""From a commit in MariaDB to the event in a topic, at 1,000 rows a second: 100 transactions of 10
rows.

The peer is the way from the topic's producer to its consumer alone: the same lines, written by a
bare kafka-python producer. Whoever writes is a process of its own, so that it does not hold up who
takes the time of arrival. The topics have one partition: the embedded broker looks through all
batches of each partition whenever it is asked for new ones.
"""

import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pymysql
from kafka import KafkaConsumer, KafkaProducer

from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from infra.embedded.mariadb import MariaDB
from infra.embedded.stack import Stack
from operators.events import Reading, decode_lines, encode_lines
from tests.bench.report import Figure
from tests.flow_process import FlowProcess
from tests.waiting import wait_until

COMMITS_A_SECOND, ROWS_A_COMMIT = 100, 10
WARM_UP, SECONDS = 3.0, 15.0
TOTAL = int((WARM_UP + SECONDS) * COMMITS_A_SECOND) * ROWS_A_COMMIT
ENTITIES = 50
TOPIC, BARE_TOPIC = "bench.committed", "bench.produced"
PROBE = 10**9
Write = Callable[[range], None]


def binlog_latency(folder: Path) -> list[Figure]:
    """p50 and p99 in milliseconds, from when the commit returns to when a consumer has the
    event.
    """
    with Stack(folder, ["redpanda", "mariadb"]) as stack:
        definition = folder / "bench_commits.yaml"
        definition.write_text(
            "vigie: 1\nflow: bench_commits\nsources: {recorder: {mariadb_binlog: {tables:"
            " [states, states_meta, state_attributes], snapshot: false}}}\nstreams: {readings:"
            " {from: recorder, steps: [decode: home_assistant_recorder]}}\nsinks: {out:"
            f" {{from: readings, topic: {TOPIC}}}}}\n"
        )
        server: MariaDB = stack["mariadb"]
        for topic in (TOPIC, BARE_TOPIC):
            ensure_topic(TopicConnection(**stack.connections()["redpanda"]), topic, partitions=1)
        with FlowProcess(definition, stack.site, folder / "data"):
            p50, p99 = _measure(stack, TOPIC, _commits, server.client_options())
        bare50, bare99 = _measure(stack, BARE_TOPIC, _records, stack.connections()["redpanda"])
    name = "binlog commit → topic, 1,000 rows/s"
    peer = "producer to consumer, no database or flow"
    return [
        Figure(f"{name}, p50", p50, "ms", peer, bare50),
        Figure(f"{name}, p99", p99, "ms", peer, bare99, "< 10 ms"),
    ]


def _measure(
    stack: Stack, topic: str, writer: Callable[..., None], target: Mapping[str, Any]
) -> tuple[float, float]:
    arrived: dict[int, float] = {}
    stop = threading.Event()
    receiver = threading.Thread(target=_receive, args=(stack, topic, arrived, stop))
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    writing = spawn.Process(target=writer, args=(theirs, target), daemon=True)
    receiver.start()
    writing.start()
    try:
        wait_until(lambda: PROBE in arrived, 60, "what is written to arrive", every=0.2)
        ours.send("go")
        written: dict[int, float] = ours.recv()
        wait_until(lambda: len(arrived) > TOTAL, 60, f"{TOTAL} rows in the topic")
    finally:
        stop.set()
        receiver.join()
        writing.kill()
    first = int(WARM_UP * COMMITS_A_SECOND) * ROWS_A_COMMIT
    cuts = statistics.quantiles(
        [(arrived[n] - written[n]) * 1000 for n in range(first, TOTAL)], n=100
    )
    return round(cuts[49], 2), round(cuts[98], 2)


def _commits(pipe: Any, options: Mapping[str, Any]) -> None:
    with pymysql.connect(**options) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO states_meta(entity_id) SELECT CONCAT('sensor.s', seq) FROM"
            f" seq_1_to_{ENTITIES}"
        )
        cursor.execute("INSERT INTO state_attributes(shared_attrs) VALUES ('{}')")
        connection.commit()

        def write(numbers: range) -> None:
            cursor.executemany(
                "INSERT INTO states(state, last_updated_ts, attributes_id, metadata_id, origin_idx)"
                " VALUES (%s, %s, 1, %s, 0)",
                [(str(n), time.time(), n % ENTITIES + 1) for n in numbers],
            )
            connection.commit()

        _at_a_steady_rate(pipe, write)


def _records(pipe: Any, connection: Mapping[str, Any]) -> None:
    options = TopicConnection(**connection).client_options()
    producer = KafkaProducer(**options, linger_ms=0, enable_idempotence=False)

    def write(numbers: range) -> None:
        made = [
            Reading(id=str(n), time=time.time(), subject=f"s{n % ENTITIES}", metric="m", raw=str(n))
            for n in numbers
        ]
        producer.send(BARE_TOPIC, encode_lines(made)).get(10)

    _at_a_steady_rate(pipe, write)


def _at_a_steady_rate(pipe: Any, write: Write) -> None:
    """Write probes until told to go (without a snapshot, a flow begins where the log was when it
    connected); then all rows, and tell when each was written."""
    while not pipe.poll(0.2):
        write(range(PROBE, PROBE + 1))
    written: dict[int, float] = {}
    began = time.perf_counter()
    for n in range(0, TOTAL, ROWS_A_COMMIT):
        while (ahead := began + n / (COMMITS_A_SECOND * ROWS_A_COMMIT) - time.perf_counter()) > 0:
            time.sleep(ahead)
        write(range(n, n + ROWS_A_COMMIT))
        written |= dict.fromkeys(range(n, n + ROWS_A_COMMIT), time.perf_counter())
    pipe.send(written)


def _receive(stack: Stack, topic: str, arrived: dict[int, float], stop: threading.Event) -> None:
    """Asks the broker every 2 ms: the embedded one does not wake who waits."""
    connection = TopicConnection(**stack.connections()["redpanda"])
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=connection.brokers,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=2,
        metadata_max_age_ms=500,
    )
    while len(arrived) <= TOTAL and not stop.is_set():
        for records in consumer.poll(timeout_ms=10).values():
            now = time.perf_counter()
            for record in records:
                for event in decode_lines(record.value):
                    assert isinstance(event, Reading)
                    assert event.raw is not None
                    arrived.setdefault(int(event.raw), now)
    consumer.close()
