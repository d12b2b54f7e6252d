"""From a commit in MariaDB to the event in a topic, at 1,000 rows a second: 100 transactions of 10 rows."""

import statistics
import threading
import time
from pathlib import Path

import pymysql
from kafka import KafkaConsumer

from connectors.topic_client import TopicConnection
from infra.embedded.mariadb import MariaDB
from infra.embedded.stack import Stack
from operators.events import Reading, decode_lines
from tests.bench.report import Figure
from tests.flow_process import FlowProcess
from tests.waiting import wait_until

COMMITS_A_SECOND, ROWS_A_COMMIT = 100, 10
WARM_UP, SECONDS = 3.0, 15.0
ENTITIES = 50
TOPIC = "bench.committed"
PROBE = 10**9


def binlog_latency(folder: Path) -> list[Figure]:
    """p50 and p99 in milliseconds, from when the commit returns to when a consumer has the event."""
    with Stack(folder, ["redpanda", "mariadb"]) as stack:
        definition = folder / "bench_commits.yaml"
        definition.write_text(
            "vigie: 1\nflow: bench_commits\n"
            "sources: {recorder: {mariadb_binlog: {tables: [states, states_meta, state_attributes], snapshot: false}}}\n"
            "streams: {readings: {from: recorder, steps: [decode: home_assistant_recorder]}}\n"
            f"sinks: {{out: {{from: readings, topic: {TOPIC}}}}}\n"
        )
        with FlowProcess(definition, stack.site, folder / "data"):
            p50, p99 = _measure(stack)
    name = "binlog commit → topic, 1,000 rows/s"
    return [
        Figure(f"{name}, p50", p50, "ms", None, None, None),
        Figure(f"{name}, p99", p99, "ms", None, None, "< 10 ms"),
    ]


def _measure(stack: Stack) -> tuple[float, float]:
    server: MariaDB = stack["mariadb"]
    total = int((WARM_UP + SECONDS) * COMMITS_A_SECOND) * ROWS_A_COMMIT
    committed: dict[int, float] = {}
    arrived: dict[int, float] = {}
    stop = threading.Event()
    receiver = threading.Thread(target=_receive, args=(stack, arrived, total, stop))
    with pymysql.connect(**server.client_options()) as connection, connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO states_meta(entity_id) SELECT CONCAT('sensor.s', seq) FROM seq_1_to_{ENTITIES}")
        cursor.execute("INSERT INTO state_attributes(shared_attrs) VALUES ('{}')")
        connection.commit()
        receiver.start()
        wait_until(lambda: _probe(connection, arrived), 60, "the flow to follow the log", every=0.2)
        began = time.perf_counter()
        for n in range(0, total, ROWS_A_COMMIT):
            while (ahead := began + n / (COMMITS_A_SECOND * ROWS_A_COMMIT) - time.perf_counter()) > 0:
                time.sleep(ahead)
            cursor.executemany(
                "INSERT INTO states(state, last_updated_ts, attributes_id, metadata_id, origin_idx) VALUES (%s, %s, 1, %s, 0)",
                [(str(m), time.time(), m % ENTITIES + 1) for m in range(n, n + ROWS_A_COMMIT)],
            )
            connection.commit()
            now = time.perf_counter()
            committed |= dict.fromkeys(range(n, n + ROWS_A_COMMIT), now)
    try:
        wait_until(lambda: len(arrived) > total, 60, f"{total} rows in the topic")
    finally:
        stop.set()
        receiver.join()
    first = int(WARM_UP * COMMITS_A_SECOND) * ROWS_A_COMMIT
    delays = [(arrived[n] - committed[n]) * 1000 for n in range(first, total)]
    cuts = statistics.quantiles(delays, n=100)
    return round(cuts[49], 2), round(cuts[98], 2)


def _probe(connection: "pymysql.Connection[pymysql.cursors.Cursor]", arrived: dict[int, float]) -> bool:
    """Without a snapshot the flow begins at the place where the log was when it connected."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO states(state, attributes_id, metadata_id, origin_idx) VALUES (%s, 1, 1, 0)", (PROBE,)
        )
    connection.commit()
    return PROBE in arrived


def _receive(stack: Stack, arrived: dict[int, float], total: int, stop: threading.Event) -> None:
    """Asks the broker every 2 ms: the embedded one does not wake who waits."""
    connection = TopicConnection(**stack.connections()["redpanda"])
    consumer = KafkaConsumer(
        TOPIC,
        bootstrap_servers=connection.brokers,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=2,
        metadata_max_age_ms=500,
    )
    while len(arrived) <= total and not stop.is_set():
        for records in consumer.poll(timeout_ms=10).values():
            now = time.perf_counter()
            for record in records:
                for event in decode_lines(record.value):
                    assert isinstance(event, Reading)
                    assert event.raw is not None
                    arrived.setdefault(int(event.raw), now)
    consumer.close()
