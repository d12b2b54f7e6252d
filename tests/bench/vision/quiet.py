"""Cameras on which nothing moves: what they cost in cores and memory, and the nuisances' pictures.

The cameras are connections to a real RTSP server, whose work does not count.
"""

import subprocess
import sys
import time
from pathlib import Path

from infra.embedded.broker import Broker
from infra.embedded.rtsp import Mount, Rtsp
from tests.bench.report import Figure
from tests.bench.vision.footage import HD, write
from tests.connectors.camera.test_motion import NUISANCES, looks
from tests.connectors.camera.yard import play
from tests.flow_process import cpu_of, memory_of
from tests.flows.vision.capturing import Capture, capturing
from tests.waiting import wait_until

CAMERAS, LOOKED_AT = 16, 5
SECONDS, WARM_UP, PATIENCE = 30.0, 10.0, 120
SENT = (5, 15)
NUISANCE_SECONDS = 300
GATE = {"min_area": 0.01, "hold": 10.0}


def quiet(folder: Path) -> list[Figure]:
    """Cores, memory and what the motion gate lets through.

    On a busy machine the server does not send all that it should; cores are for all pictures.
    """
    mounts = [Mount(f"/{fps}", write(folder, HD, 10 * fps, fps, quiet=True)) for fps in SENT]
    figures: list[Figure] = []
    with Rtsp(folder / "rtsp", mounts) as server, Broker(folder / "broker") as broker:
        many = 0.0
        for fps in SENT:
            cores, share, many = _run(broker, folder, server.url(f"/{fps}"), CAMERAS, SECONDS)
            what = f"{CAMERAS} quiet {HD} cameras that send {fps}/s, looked at {LOOKED_AT}/s"
            figures += [
                Figure(what, cores / share, "cores"),
                Figure(f"{what}: part of the pictures that came to it", 100 * share, "%"),
            ]
        url = server.url(f"/{SENT[-1]}")
        few = _run(broker, folder, url, 1, 0.0)[2]
        camera = (many - few) / (CAMERAS - 1)
        decoder = (_decoders(url, CAMERAS) - _decoders(url, 1)) / (CAMERAS - 1)
    figures.append(
        Figure(
            f"memory of a camera, {HD}, beyond its decoder",
            camera - decoder,
            "MB",
            "a connection and its decoder alone",
            decoder,
            "≤ 25 MB",
        )
    )
    return [*figures, *_nuisances()]


def _run(
    broker: Broker, folder: Path, url: str, cameras: int, seconds: float
) -> tuple[float, float, float]:
    """Cores, the part of the pictures that was looked at, and resident MB of a capture process."""
    name = f"quiet{cameras}x{url.rpartition('/')[2]}"
    rows = [{"name": f"camera{number}", "path": url} for number in range(cameras)]
    with capturing(broker.address, name, folder / name, "{path}", rows, gate=GATE) as run:
        wait_until(lambda: _online(run) == cameras, PATIENCE, "every camera", every=0.5)
        time.sleep(WARM_UP)
        began, spent, looked = time.monotonic(), cpu_of(run.process.pid), _looked(run)
        time.sleep(seconds)
        passed = max(time.monotonic() - began, 1e-9)
        cores = (cpu_of(run.process.pid) - spent) / passed
        share = (_looked(run) - looked) / (passed * cameras * LOOKED_AT)
        return cores, share, memory_of(run.process.pid)


def _online(run: Capture) -> int:
    return len({r.subject for r in run.events() if getattr(r, "metric", "") == "camera_online"})


def _looked(run: Capture) -> int:
    counts = run.counts()
    return counts["gated"] + counts["frames"]


def _decoders(url: str, count: int) -> float:
    command = [sys.executable, "-m", "tests.bench.vision.decoders", url, str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=180)
    return float(done.stdout)


def _nuisances() -> list[Figure]:
    """Pictures that reach the detector although nobody is there."""
    figures: list[Figure] = []
    for name, (draws, masks, noise) in NUISANCES.items():
        found = looks(play(NUISANCE_SECONDS, *draws, noise=noise), masks)
        passed = 100 * sum(look.passes for _, look in found) / len(found)
        figures.append(Figure(f"pictures to the detector: {name}", passed, "%", bound="≤ 2 %"))
    return figures
