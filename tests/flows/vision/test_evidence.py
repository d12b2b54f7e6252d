"""A flow stores pictures and clips of events, and the rows of its events tell of them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Health
from connectors.camera.record.packet_ring import camera_folder
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from flows.vision.frames_topic import PictureHead, headers_of, reference
from flows.vision.video_reader import RINGS
from infra.embedded.broker import Broker
from infra.embedded.clickhouse import ClickHouse
from infra.embedded.objects import Objects
from operators.events import Detection
from tests.bucket import Bucket, connection_to
from tests.connectors.camera.recorded import record
from tests.connectors.s3.evidence_parts import jpeg
from tests.flow_process import FlowProcess
from tests.waiting import wait_until

FLOW = """
vigie: 1
flow: watch
sources:
  seen: {topic: TOPIC}
sinks:
  events:
    from: seen
    clickhouse: {table: events, kind: events}
  pictures:
    from: seen
    snapshot: {bucket: BUCKET, key: "frames/evt_{time:%Y%m%d_%H%M%S}_{camera}.jpg", drawn: true}
  clips:
    from: seen
    clip: {bucket: BUCKET, key: "videos/evt_{time:%Y%m%d_%H%M%S}_{camera}.mp4", before: 2s, after: 1s}
"""


def told(clickhouse: ClickHouse, database: str) -> list[dict[str, Any]]:
    try:
        rows = clickhouse.query(
            f"SELECT data FROM {database}.events FINAL WHERE type = 'evidence' FORMAT JSONEachRow"
        )
    except Exception:
        return []
    lines = rows.splitlines() if isinstance(rows, str) else rows
    return [json.loads(json.loads(line)["data"])["data"] for line in lines]


@pytest.mark.slow
def test_a_flow_that_is_killed_tells_of_the_evidence_of_every_event(
    broker: Broker, objects: Objects, clickhouse: ClickHouse, tmp: Path, unique: str
) -> None:
    clickhouse.query(f"CREATE DATABASE {unique}")
    connections = {
        "redpanda": {"brokers": [broker.address], "idempotence": False, "prefix": f"{unique}."},
        "minio": {
            "url": objects.url, "access_key": objects.access_key, "secret_key": objects.secret_key,
        },
        "clickhouse": {"url": f"{clickhouse.url}/{unique}", "password": clickhouse.password},
    }  # fmt: skip
    site = tmp / "site.yaml"
    site.write_text(json.dumps({"vigie": 1, "site": "test", "connections": connections}))
    definition = tmp / "watch.yaml"
    definition.write_text(FLOW.replace("TOPIC", f"{unique}.in").replace("BUCKET", unique))
    folder = tmp / "data" / "flows" / "watch" / "files-1"
    began = time.time() - 60
    record(camera_folder(folder / RINGS / "cams", "hall"), began, 400, gops=2)
    events = []
    for picture in pictures(broker, f"{unique}.frames", 12):
        number = len(events)
        events.append(
            Detection(
                id=f"d{number}", time=began + 5 + number / 2, subject="hall", class_="person",
                score=0.9, box=(0.2, 0.2, 0.3, 0.3), frame=f"f{number}", picture=picture,
            )
        )  # fmt: skip
    events.append(
        Detection(
            id="late", time=began + 20, subject="hall", class_="person", score=0.9,
            box=(0.2, 0.2, 0.3, 0.3), frame="f99", picture=f"{unique}.frames/0/9999",
        )
    )  # fmt: skip
    producer = Producer(TopicConnection.model_validate(connections["redpanda"]), Health(), "test")
    with FlowProcess(definition, site, tmp / "data").wait_running() as flow:
        producer.send_events(f"{unique}.in", list(events))
        producer.flush()
        wait_until(lambda: told(clickhouse, unique), what="the first evidence")
        flow.kill()
    with FlowProcess(definition, site, tmp / "data") as flow:
        wait_until(lambda: len(told(clickhouse, unique)) == 26, what="all evidence", every=0.3)
        assert flow.stop() == 0
    producer.close()
    found = told(clickhouse, unique)
    state = {(one["event"], one["kind"]): one["state"] for one in found}
    assert state == {
        (event.id, kind): "lost" if (event.id, kind) == ("late", "snapshot") else "stored"
        for event in events
        for kind in ("snapshot", "clip")
    }
    names = Bucket(connection_to(objects), unique).names()
    keys = {one["key"] for one in found if one["state"] == "stored"}
    assert keys <= set(names)
    assert len(keys) == 25  # two events a second, and each has keys of its own
    assert len(names) == 25 + 12  # and the drawn pictures
    for one in found:
        if one["kind"] == "clip":
            at = next(event.time for event in events if event.id == one["event"])
            assert at - 3.1 <= one["start"] <= at - 2
            assert one["end"] >= at + 0.8


def pictures(broker: Broker, topic: str, count: int) -> Iterator[str]:
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=broker.address, enable_idempotence=False)
    for number in range(count):
        head = PictureHead(f"f{number}", time.time(), "hall", 320, 240)
        sent = producer.send(topic, jpeg(), key=b"hall", headers=headers_of(head)).get(30)
        yield reference(topic, sent.partition, sent.offset)
    producer.close()
