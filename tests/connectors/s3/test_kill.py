"""A flow that archives a topic, killed while it writes: every event is in the objects once."""

import json
from pathlib import Path

from connectors.base import Health
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.embedded.broker import Broker
from infra.embedded.objects import Objects
from operators.events import Reading
from tests.bucket import Bucket, connection_to
from tests.flow_process import FlowProcess
from tests.waiting import wait_until

EVENTS = 8_000


def test_a_flow_killed_while_it_archives_stores_every_event_once(
    broker: Broker, objects: Objects, tmp: Path, unique: str
) -> None:
    redpanda = {"brokers": [broker.address], "idempotence": False, "prefix": f"{unique}."}
    minio = {"url": objects.url, "access_key": objects.access_key, "secret_key": objects.secret_key}
    site = tmp / "site.yaml"
    site.write_text(
        json.dumps(
            {"vigie": 1, "site": "test", "connections": {"redpanda": redpanda, "minio": minio}}
        )
    )
    definition = tmp / "store.yaml"
    definition.write_text(
        f"vigie: 1\nflow: store\nsources: {{readings: {{topic: {unique}.in}}}}\nsinks:\n  archive:"
        f" {{from: readings, objects: {{bucket: {unique}, every: 1s, size: 20000}}}}\n"
    )
    producer = Producer(TopicConnection.model_validate(redpanda), Health(), "test")
    bucket = Bucket(connection_to(objects), unique)
    bucket.client.make_bucket(unique)
    producer.send_events(
        f"{unique}.in",
        [
            Reading(
                id=f"r{n}",
                time=1_795_000_000 + n / 500,
                subject=f"s{n % 7}",
                metric="m",
                value=float(n),
            )
            for n in range(EVENTS)
        ],
    )
    producer.flush()
    flow = FlowProcess(definition, site, tmp / "data").wait_running()
    wait_until(lambda: bucket.names(), what="the first objects", every=0.002)
    flow.kill()
    assert len(bucket.ids()) < EVENTS
    with FlowProcess(definition, site, tmp / "data") as flow:
        wait_until(lambda: len(set(bucket.ids())) == EVENTS, what="all events", every=0.2)
        assert flow.stop() == 0
    assert sorted(bucket.ids()) == sorted(f"r{n}" for n in range(EVENTS))
    producer.close()
