"""What the energy site costs a small machine: memory and CPU of all processes of `vigie up`."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

from infra.embedded.ports import free_port
from infra.embedded.stack import Stack
from tests.bench.report import Figure
from tests.flow_process import cpu_of, family
from tests.waiting import wait_until

DEFINITION = Path("flows/definitions/energy.yaml")
SETTLED, SECONDS = 30.0, 30.0


def footprint(folder: Path) -> list[Figure]:
    """Proportional memory (what processes share counts once), and CPU, of the simulated site."""
    with Stack(folder / "services", ["redpanda", "mqtt", "influxdb"]) as stack:
        flows = folder / "flows"
        flows.mkdir()
        shutil.copy(DEFINITION, flows)
        shutil.copy(stack.site, flows / "site.yaml")
        return [
            figure
            for start in ("first start", "later start")
            for figure in _measure(folder, flows, start)
        ]


def _measure(folder: Path, flows: Path, start: str) -> list[Figure]:
    log = folder / f"{start}.log"
    command = [sys.executable, "-m", "flows.cli", "up", str(flows), "--profile", "simulation"]
    command += ["--data", str(folder / "data"), "--port", str(free_port())]
    with log.open("w") as out:
        up = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: log.read_text().count("UP running version") >= 3, what="the site")
        time.sleep(SETTLED)
        pids = family(up.pid)
        before = sum(map(cpu_of, pids))
        time.sleep(SECONDS)
        percent = 100 * (sum(map(cpu_of, pids)) - before) / SECONDS
        memory = sum(map(_shared_memory, pids))
    finally:
        up.terminate()
        up.wait(60)
    name = f"energy site, simulated, all processes of vigie up, {start}"
    return [
        Figure(f"{name}, memory (PSS)", memory, "MB", None, None, "≤ 250 MB"),
        Figure(f"{name}, CPU", percent, "% of a core", None, None, None),
    ]


def _shared_memory(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.partition("Pss:")[2].split()[0]) * 1024 / 1e6
