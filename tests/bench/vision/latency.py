"""From a picture to its events in a topic, eight cameras at half load.

The cameras are folders of pictures: the time of each is when it is there. A server that shares the
cores with us would be late itself.
"""

import time
from pathlib import Path

import av
import cv2
import numpy as np

from connectors.kafka.connection import TopicConnection
from infra.embedded.stack import Stack
from operators.events import Frame
from tests.bench.report import Figure
from tests.bench.vision.detect import BY_CLOCK, bare, scenes
from tests.bench.vision.street_flow import (
    FLOW,
    FOLLOWED,
    SOURCE,
    TOLD,
    Events,
    flow,
    spent,
    videos,
)
from tests.waiting import wait_until

CAMERAS, SLOWEST, FASTEST = 8, 0.5, 5.0
ALONE, HALF = 300, 0.35
"""Half of the 70 % of the model alone that the whole path must reach."""
WARM_UP, SECONDS, PATIENCE = 15.0, 60.0, 120


def picture_latency(folder: Path) -> list[Figure]:
    """p50 and p99 of each step, in milliseconds, and how much of the cores that took."""
    paths = videos(folder / "videos", CAMERAS)
    pictures = bare(scenes(), ALONE)[BY_CLOCK]
    fps = round(min(FASTEST, max(SLOWEST, HALF * pictures / CAMERAS)), 1)
    addresses = [f"{_pictures(path)}/" for path in paths]
    with Stack(folder / "services", ["redpanda"]) as stack:
        connection = TopicConnection(**stack.connections()["redpanda"])
        intake = connection.topic_names.of_source(FLOW, SOURCE)
        steps = {intake: "answer of the model", FOLLOWED: "track", TOLD: "event of a zone"}
        events = Events(connection, *steps)
        with flow(folder / "flow", stack.site, addresses, fps) as run:

            def read(until: float) -> bool:
                events.read()
                return time.monotonic() > until

            wait_until(lambda: read(0) and events.looked_at(), PATIENCE, "the first answers")
            until = time.monotonic() + WARM_UP
            wait_until(lambda: read(until), WARM_UP + 30, "warmth")
            since, cpu, began = time.time(), sum(spent(run.pid).values()), time.monotonic()
            wait_until(lambda: read(began + SECONDS), SECONDS + 30, "pictures", every=0)
            cores = (sum(spent(run.pid).values()) - cpu) / (time.monotonic() - began)
        events.close()
    name = f"frame → {{}}, {CAMERAS} cameras 640×360 at {fps:g}/s"
    figures = [Figure(f"{name.format('all')}, the flow's processes", cores, "cores")]
    for topic, step in steps.items():
        delays = [
            1000 * (at - event.time)
            for at, event in events.found[topic]
            if event.time > since and (topic != intake or isinstance(event, Frame))
        ]
        figures.append(Figure(f"{name.format(step)}: measured", len(delays), "events"))
        for part in (50, 99):
            if delays:
                value = float(np.percentile(delays, part))
                figures.append(Figure(f"{name.format(step)}, p{part}", value, "ms"))
    return figures


def _pictures(video: Path) -> Path:
    """A folder with the pictures of a video."""
    folder = video.with_suffix("")
    folder.mkdir()
    with av.open(str(video)) as file:
        for number, frame in enumerate(file.decode(video=0)):
            cv2.imwrite(str(folder / f"{number:04}.jpg"), frame.to_ndarray(format="bgr24"))
    return folder
