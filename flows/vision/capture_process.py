"""The process that takes pictures: `python -m flows.vision.capture_process`, settings on stdin.

Settings: `flow`, `source`, `connection` (the broker's), `folder` (for the rings of packets),
`settings` (those of the component `rtsp`), `rows` of its table, or `table_topic` whose rows are the
cameras, `gate` with `min_area` as a fraction and `hold` in seconds, `private`: polygons that nobody
may see, by camera, and `detects`: whether anybody looks at the pictures.
"""

import logging
import threading
from pathlib import Path
from typing import Any

import cv2

from connectors.base import ConnectorContext, Health
from connectors.camera.components import Rtsp
from connectors.camera.fleet import Fleet
from connectors.camera.last_looks import LastLooks
from connectors.camera.settings import Gate
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from flows.vision.camera_states import CameraStates
from flows.vision.camera_table import LOOK_AGAIN, follow_table
from flows.vision.capture_topics import CaptureTopics
from flows.vision.child_process import Child
from flows.vision.frames_outbox import FramesOutbox
from flows.vision.live_pictures import LivePictures
from flows.vision.unwatched import Unwatched
from flows.vision.video_reader import RINGS

log = logging.getLogger("vigie")


def capture(child: Child) -> None:
    """Run the cameras of a source until the flow ends."""
    cv2.setNumThreads(1)
    wanted = child.settings
    connection = TopicConnection.model_validate(wanted["connection"])
    names = connection.topic_names
    flow, source = str(wanted["flow"]), str(wanted["source"])
    health = Health(_report(child))
    intake = f"{source} cameras"
    producer = Producer(
        connection, health, intake, partitions=1, stopping=child.stopping, strict=False
    )
    topic = names.of_source(flow, source)
    outbox = FramesOutbox(
        connection,
        names.frames(flow, source),
        health,
        f"{source} pictures",
        child,
        Unwatched("the broker took no pictures", lambda told: producer.send_events(topic, [told])),
    )
    live = LivePictures(connection, flow)
    child.no_cameras()
    output = CaptureTopics(
        outbox,
        producer,
        topic,
        health,
        intake,
        child,
        live,
        CameraStates(child.camera),
    )
    gate = wanted.get("gate")
    folder = wanted.get("folder")
    fleet = Fleet(
        Rtsp.model_validate(wanted["settings"]),
        Gate(float(gate["min_area"]), float(gate["hold"])) if gate else None,
        Path(folder) / RINGS / source if folder not in (None, "None") else None,
        output,
        most_bytes=connection.record_limit - 4096,
        pictures=bool(wanted.get("detects", True)),
        private=wanted.get("private", {}),
        variables=wanted["variables"],
        looks=LastLooks(looks_file(folder, source)),
    )
    child.heard = lambda message: fleet.seen(str(message.get("seen")))
    outbox.start()
    live.start()
    try:
        if wanted.get("table_topic"):
            table = Topic(name=str(wanted["table_topic"]), table=True)
            context = ConnectorContext(
                flow, f"{source} table", connection, child.stopping, health, child.count
            )
            follow_table(table, context, fleet)
        else:
            fleet.set_rows(wanted.get("rows", []))
            while not child.stopping.wait(LOOK_AGAIN):
                fleet.refresh()
    finally:
        fleet.close()
        live.stop()
        outbox.close()
        producer.close()


def looks_file(folder: str | None, source: str) -> Path | None:
    """Where it is kept when each camera of a source was looked at."""
    return None if folder in (None, "None") else Path(str(folder)) / f"looks-{source}.json"


def _report(child: Child) -> Any:
    def report(name: str, up: bool, detail: str) -> None:
        if up:
            child.up(name)
        else:
            child.down(name, detail)

    return report


def main() -> None:
    """Run as a child of a flow."""
    child = Child()
    threading.current_thread().name = "capture"
    capture(child)


if __name__ == "__main__":
    main()
