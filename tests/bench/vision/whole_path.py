"""Eight cameras from their files to the events of zones, beside the bare model and ultralytics.

Ultralytics runs where `make test-ultralytics` has made its environment. CPU-seconds do not count
the broker; those of the flow are of all its processes.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from connectors.detector.lookup import Places, find_model
from connectors.kafka.connection import TopicConnection
from infra.embedded.stack import Stack
from tests.bench.report import Figure
from tests.bench.vision.detect import BY_CLOCK, BY_CPU, bare, scenes
from tests.bench.vision.street_flow import FLOW, FPS, MODEL, SOURCE, Events, flow, spent, videos
from tests.waiting import wait_until

CAMERAS, BATCH = 8, 8
WARM_UP, SECONDS, PATIENCE = 10.0, 40.0, 120
ALONE = 500
ULTRALYTICS = Path("build/ultralytics/bin/python")


def whole_path(folder: Path) -> list[Figure]:
    """Milliseconds of CPU a picture, and pictures a second while the machine had time for us.

    Each process counts the pictures that it dealt with: on a busy machine the newest of a camera
    wins, and what was captured is not all looked at.
    """
    paths = videos(folder / "videos", CAMERAS)
    drawn = scenes()
    before = [bare(drawn, ALONE, square) for square in (False, True)]
    clock, costs = _flow(folder / "flow", paths)
    after = [bare(drawn, ALONE, square) for square in (False, True)]
    alone, on_square = (
        {by: statistics.mean((one[by], other[by])) for by in one}
        for one, other in zip(before, after, strict=True)
    )
    name = f"{CAMERAS} cameras 640×360 at {FPS}/s, file → {MODEL} → tracks → zones → topic"
    ours = 1000 / sum(costs.values())
    figures = [
        Figure(f"{name}, {BY_CPU}", ours, BY_CPU, "the model alone", alone[BY_CPU], "≥ 70 %"),
        Figure(
            f"{name}, {BY_CPU}, to a square input",
            ours,
            BY_CPU,
            "the model alone on its square input",
            on_square[BY_CPU],
            "≥ 70 %",
        ),
        Figure(f"{name}, {BY_CLOCK}", clock, BY_CLOCK, "the model alone", alone[BY_CLOCK]),
        *(Figure(f"{name}: {part}", cost, "ms of CPU a picture") for part, cost in costs.items()),
    ]
    if not ULTRALYTICS.exists():
        print("not beside ultralytics: make test-ultralytics makes its place", file=sys.stderr)
        return figures
    peer = "ultralytics 8.4.190, predict(stream=True)"
    for square, how in ((False, "as it comes"), (True, "with our size of input")):
        theirs = _ultralytics(paths[0].parent, square)
        what = f"{name}, beside ultralytics {how}, {{}}"
        figures += [
            Figure(what.format(BY_CPU), ours, BY_CPU, peer, theirs[BY_CPU], "≥ 2 ×"),
            Figure(what.format(BY_CLOCK), clock, BY_CLOCK, peer, theirs[BY_CLOCK]),
        ]
    return figures


def _flow(folder: Path, paths: list[Path]) -> tuple[float, dict[str, float]]:
    """Pictures a second from its first answers on, and milliseconds of CPU by process."""
    with Stack(folder / "services", ["redpanda"]) as stack:
        connection = TopicConnection(**stack.connections()["redpanda"])
        frames = connection.topic_names.frames(FLOW, SOURCE)
        events = Events(connection, connection.topic_names.of_source(FLOW, SOURCE))
        with flow(folder, stack.site, [str(path) for path in paths]) as run:

            def looked(until: float) -> bool:
                events.read()
                return time.monotonic() > until

            wait_until(lambda: looked(0) and events.looked_at(), PATIENCE, "the first answers")
            until = time.monotonic() + WARM_UP
            wait_until(lambda: looked(until), PATIENCE, "warmth")
            count, captured = events.looked_at(), events.written(frames)
            cpu, began = spent(run.pid), time.monotonic()
            wait_until(lambda: looked(began + SECONDS), PATIENCE, "pictures")
            count, captured = events.looked_at() - count, events.written(frames) - captured
            cpu = {part: seconds - cpu[part] for part, seconds in spent(run.pid).items()}
            wall = time.monotonic() - began
        events.close()
    print(f"{captured} pictures captured, {count} looked at in {wall:.0f} s", file=sys.stderr)
    dealt_with = {"capture": captured, "detection": count, "flow": count}
    costs = {part: 1000 * cpu[part] / number for part, number in dealt_with.items()}
    return count / wall, costs


def _ultralytics(folder: Path, square: bool) -> dict[str, float]:
    script = Path(__file__).parents[1] / "peers" / "ultralytics_job.py"
    model = find_model(MODEL, Places())
    words = [ULTRALYTICS, script, model, folder, str(BATCH), str(int(square))]
    own = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}
    own["YOLO_CONFIG_DIR"] = str(ULTRALYTICS.parents[1].resolve())
    done = subprocess.run(
        words, check=True, capture_output=True, text=True, timeout=600, env=os.environ | own
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return {
        BY_CLOCK: found["pictures"] / found["wall"],
        BY_CPU: found["pictures"] / found["cpu"],
    }
