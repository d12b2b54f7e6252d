"""A whole flow from the binary log to a topic: rows of Home Assistant's `states`, decoded and
written as readings. The rows were written while the flow was stopped, so that it never waits.
"""

import tempfile
from pathlib import Path

import pymysql
from kafka import KafkaConsumer, TopicPartition

from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from infra.embedded.mariadb import MariaDB
from infra.embedded.stack import Stack
from tests.bench.binlog.rows import ATTRIBUTES, ENTITIES, STATES
from tests.bench.report import Figure, machine, table
from tests.flow_process import FlowProcess
from tests.waiting import wait_until

ROWS = 400_000
TOPIC = "bench.rows"
FLOW = f"""\
vigie: 1
flow: bench_rows
sources:
  recorder:
    mariadb_binlog: {{tables: [states, states_meta, state_attributes], snapshot: false}}
streams: {{readings: {{from: recorder, steps: [decode: home_assistant_recorder]}}}}
sinks: {{out: {{from: readings, topic: {TOPIC}}}}}
"""


def binlog_flow(folder: Path) -> list[Figure]:
    """Rows per CPU-second of the flow's process, all its threads."""
    with Stack(folder, ["redpanda", "mariadb"]) as stack:
        definition = folder / "bench_rows.yaml"
        definition.write_text(FLOW)
        connection = TopicConnection(**stack.connections()["redpanda"])
        ensure_topic(connection, TOPIC, partitions=1)
        server: MariaDB = stack["mariadb"]
        writer = pymysql.connect(**server.client_options(), autocommit=True)
        cursor = writer.cursor()
        attributes = '{"unit_of_measurement": "°C", "device_class": "temperature"}'
        cursor.execute(
            "INSERT INTO states_meta(entity_id) SELECT CONCAT('sensor.s', seq) FROM"
            f" seq_1_to_{ENTITIES}"
        )
        cursor.execute(
            f"INSERT INTO state_attributes(shared_attrs) SELECT %s FROM seq_1_to_{ATTRIBUTES}",
            (attributes,),
        )
        arrived = _Arrived(connection)
        with FlowProcess(definition, stack.site, folder / "data") as flow:

            def probe() -> bool:
                cursor.execute(STATES.format(1), (ATTRIBUTES, ENTITIES))
                return arrived.count() > 0

            wait_until(probe, what="the first row", every=0.5)
            flow.stop()
        written = arrived.settled()
        for _ in range(ROWS // 100_000):
            cursor.execute(STATES.format(100_000), (ATTRIBUTES, ENTITIES))
        with FlowProcess(definition, stack.site, folder / "data") as flow:
            wait_until(lambda: arrived.count() >= written + ROWS, what=f"{ROWS} rows", every=0.05)
            rate = ROWS / (flow.cpu() - flow.running_cpu)
    return [
        Figure(
            "binlog → decode → topic, a whole flow, many rows a statement",
            round(rate),
            "rows per CPU-second",
            None,
            None,
            "≥ 250,000",
        )
    ]


class _Arrived:
    """How many lines are in the topic."""

    def __init__(self, connection: TopicConnection) -> None:
        self._consumer = KafkaConsumer(
            **connection.client_options(), fetch_max_wait_ms=10, max_partition_fetch_bytes=8 << 20
        )
        place = TopicPartition(TOPIC, 0)
        self._consumer.assign([place])
        self._consumer.seek(place, 0)
        self._lines = 0

    def count(self) -> int:
        for records in self._consumer.poll(timeout_ms=50).values():
            self._lines += sum(record.value.count(b"\n") or 1 for record in records)
        return self._lines

    def settled(self) -> int:
        """Once nothing more comes."""
        while (before := self._lines) != self.count() or self._more():
            pass
        return before

    def _more(self) -> bool:
        before = self._lines
        for _ in range(10):
            self.count()
        return self._lines != before


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="vigie-bench-") as place:
        Path(place).chmod(0o711)
        print(f"Measured on {machine()}\n\n{table(binlog_flow(Path(place)))}")
