"""The shipped definition of cameras on a real RTSP server, broker, ClickHouse and object store."""

import io
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from click.testing import CliRunner
from kafka import KafkaConsumer
from minio import Minio

from connectors.base import Health
from connectors.detector.objects import Limits
from connectors.detector.onnx_backend import OnnxBackend
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from flows.cli import main
from infra.demo.passes import Pass, write_video
from infra.demo.street_scenes import CAR, PERSON
from infra.embedded.rtsp import Mount, Rtsp
from infra.embedded.stack import DATABASE, Stack
from operators.events import Reading
from tests.conftest import require
from tests.flow_process import FlowProcess
from tests.waiting import wait_until

SHIPPED = Path("flows/definitions/cameras.yaml")
MODEL = Path("connectors/detector/models/demo8n.onnx").resolve()
BUCKET = "sentinel-media"
ADDRESS = "rtsp://${RTSP_USER}:${RTSP_PASSWORD}@{host}:554/{path}"
PASSWORD = "p@s/s#w:rd%41"
ROUND = 18.0
"""Seconds of the videos, which the server repeats."""
LONG = 300.0
"""Seconds until somebody was seen: a busy machine looks at few pictures."""

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.system]


class Yard:
    """The services, the flow, and what came out of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stack = Stack(folder / "services", ["redpanda", "clickhouse", "minio"])
        videos = {
            "entrance": [Pass(PERSON, 1.5, 5.0), Pass(PERSON, 11.5, 5.0, leftwards=True)],
            "dock": [Pass(CAR, 1.5, 5.0, low=0.8), Pass(PERSON, 11.0, 5.0)],
        }
        for name, some in videos.items():
            write_video(folder / f"{name}.mp4", some, ROUND)
        self.rtsp = Rtsp(
            folder / "rtsp",
            [*(Mount(f"/{name}", folder / f"{name}.mp4") for name in videos), Mount("/gate")],
            user="vigie",
            password=PASSWORD,
        )

    def definition(self) -> Path:
        """The shipped definition beside a table of our cameras, and with our server's port."""
        text = SHIPPED.read_text(encoding="utf-8")
        assert ADDRESS in text
        path = self.folder / "cameras.yaml"
        path.write_text(text.replace("{host}:554", f"{{host}}:{self.rtsp.port}"), encoding="utf-8")
        rows = ["entrance,127.0.0.1,entrance,hall,0.5", "dock,127.0.0.1,dock,yard,0.6"]
        lines = ["name,host,path,area,min_confidence", *rows, "gate,127.0.0.1,gate,yard,0.6"]
        (self.folder / "cameras.csv").write_text("\n".join(lines) + "\n")
        return path

    def site(self) -> Path:
        """The site file of the services, with a model for the definition's name."""
        text = self.stack.site.read_text(encoding="utf-8")
        path = self.folder / "site.yaml"
        path.write_text(f"{text}\nmodels:\n  yolov8n: {MODEL}\n", encoding="utf-8")
        return path

    def events(self) -> list[dict[str, Any]]:
        """The rows of the table `events`, by time."""
        rows = self.stack["clickhouse"].query(
            "SELECT id, toUnixTimestamp64Milli(time) / 1000 AS at, kind, subject, type, data"
            " FROM events FINAL ORDER BY time FORMAT JSONEachRow",
            DATABASE,
        )
        return [json.loads(row) for row in rows.splitlines()]

    def entered(self, camera: str, class_: str) -> list[dict[str, Any]]:
        """The events of objects that entered a zone."""
        return [
            row
            for row in self.events()
            if (row["subject"], row["type"]) == (camera, class_)
            and json.loads(row["data"])["phase"] == "entered"
        ]

    def keys(self, beginning: str) -> list[str]:
        """The keys in the bucket that begin so."""
        store = self.store()
        if not store.bucket_exists(BUCKET):
            return []
        found = store.list_objects(BUCKET, beginning, recursive=True)
        return [str(one.object_name) for one in found]

    def store(self) -> Minio:
        """A client of the object store."""
        objects = self.stack["minio"]
        return Minio(
            objects.address,
            access_key=objects.access_key,
            secret_key=objects.secret_key,
            secure=False,
        )

    def pushed(self) -> list[dict[str, Any]]:
        """What the push topic has so far."""
        connection = TopicConnection(**self.stack.connections()["redpanda"])
        consumer = KafkaConsumer(
            connection.topic_names.push,
            **connection.client_options(),
            auto_offset_reset="earliest",
            group_id=None,
            consumer_timeout_ms=1000,
        )
        lines = [json.loads(line) for record in consumer for line in record.value.splitlines()]
        consumer.close()
        return lines


@pytest.fixture
def yard(tmp: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    require(Rtsp)
    yard = Yard(tmp)
    for service in yard.stack.services.values():
        require(type(service))
    monkeypatch.setenv("RTSP_USER", "vigie")
    monkeypatch.setenv("RTSP_PASSWORD", PASSWORD)
    with yard.stack, yard.rtsp:
        yield yard


def test_people_who_pass_become_events_pictures_clips_and_messages(yard: Yard) -> None:
    definition, site = yard.definition(), yard.site()
    made = CliRunner().invoke(main, ["migrate", str(definition), "--site", str(site)])
    assert made.exit_code == 0, made.output
    connection = TopicConnection(**yard.stack.connections()["redpanda"])
    sensors = Producer(connection, Health(), "sensors")
    with FlowProcess(definition, site, yard.folder / "data") as flow:

        def both_passes() -> bool:
            _motion(sensors)
            return len(yard.entered("entrance", "person")) >= 2

        wait_until(both_passes, LONG, "two people in the hall", every=1.0)
        wait_until(lambda: yard.entered("dock", "person"), LONG, "a person at the dock", every=0.5)
        wait_until(lambda: yard.keys("frames/"), LONG, "a picture", every=0.5)
        clip = wait_until(lambda: yard.keys("videos/"), LONG, "a clip", every=0.5)[0]
        assert flow.stop() == 0
        log = flow.log.read_text(encoding="utf-8", errors="replace")
    sensors.close()

    times = [row["at"] for row in yard.entered("entrance", "person")]
    assert all(later - earlier > 5 for earlier, later in itertools.pairwise(times))
    assert clip.startswith("videos/evt_")
    assert clip.endswith("_dock.mp4")
    pictures = _pictures(yard.store().get_object(BUCKET, clip).data)
    assert len(pictures) > 20  # 15 s, ten a second; a busy machine loses some
    assert _people(pictures) > len(pictures) // 10
    channels = {line["channel"] for line in yard.pushed()}
    assert {"events", "camera_entrance", "camera_dock"} <= channels
    assert PASSWORD not in log
    assert "p%40s" not in log


def _pictures(clip: bytes) -> list[Any]:
    with av.open(io.BytesIO(clip), "r") as video:
        return [frame.to_ndarray(format="bgr24") for frame in video.decode(video=0)]


def _people(pictures: list[Any]) -> int:
    """On how many pictures the model finds somebody."""
    model = OnnxBackend(str(MODEL))
    person = model.facts.names.index("person")
    found = [model.find(model.prepare([one]), Limits(0.6))[0] for one in pictures]
    return sum(person in objects.classes for objects in found)


def _motion(sensors: Producer) -> None:
    now = time.time()
    sensors.send_events(
        "site.readings",
        [
            Reading(
                id=f"pir/{now:.0f}",
                time=now,
                subject="pir_yard",
                metric="motion",
                value=1.0,
                labels={"area": "yard"},
            )
        ],
    )
