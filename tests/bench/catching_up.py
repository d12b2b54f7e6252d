"""How much memory a flow takes while it catches up with many partitions."""

import time
from pathlib import Path

from kafka import KafkaAdminClient

from connectors.kafka.connection import TopicConnection
from infra.embedded.kafka.server import Kafka
from infra.embedded.ports import free_port
from tests.bench.memory import passed
from tests.bench.readings import ABOVE, CLEAR, publish
from tests.bench.report import Figure
from tests.flow_process import FlowProcess
from tests.flows.running import site_of, write
from tests.waiting import wait_until

PARTITIONS = 100
MEGABYTES = 400
READING_BYTES = 130
LIMIT_S = 1800.0
IDLE_S = 10.0


def catching_up(
    folder: Path, megabytes: int = MEGABYTES, partitions: int = PARTITIONS
) -> list[Figure]:
    """The most resident memory of a flow that works off a backlog, and its CPU once it idles."""
    count = megabytes * 1_000_000 // READING_BYTES
    with Kafka(folder / "kafka") as kafka:
        connection = TopicConnection(brokers=[kafka.address])
        admin = KafkaAdminClient(bootstrap_servers=kafka.address)
        admin.create_topics(
            {"bench.behind": {"num_partitions": partitions, "replication_factor": 1}}
        )
        admin.close()
        publish(connection, "bench.behind", count, pack=True)
        body = (
            "sources: {given: {topic: bench.behind}}\nstreams: {hot: {from: given, steps:"
            f" [threshold: {{above: {ABOVE:g}, clear: {CLEAR:g}}}]}}}}\n"
            "sinks: {out: {from: hot, topic: bench.edges}}\n"
        )
        definition, port = write(folder, "behind", body), free_port()
        site = site_of(folder, redpanda={"brokers": [kafka.address]})
        with FlowProcess(definition, site, folder / "data", "--status-port", str(port)) as flow:
            wait_until(lambda: passed(port, "given") >= count, LIMIT_S, "the backlog", every=0.2)
            most = flow.most_memory()
            time.sleep(IDLE_S / 2)
            before = flow.cpu()
            time.sleep(IDLE_S)
            idle = 100 * (flow.cpu() - before) / IDLE_S
    name = f"{partitions} partitions, {megabytes} MB behind"
    return [
        Figure(f"{name}, most resident memory", round(most, 1), "MB", bound="≤ 250 MB"),
        Figure(f"{name}, idle afterwards", round(idle, 2), "% of a core"),
    ]
