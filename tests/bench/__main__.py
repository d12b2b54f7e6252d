"""Run the benchmarks: all but those in `LONG`, or those named. Prints the table and writes
build/bench.json.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench.alarms import alarms
from tests.bench.binlog.flow import binlog_flow
from tests.bench.binlog.latency import binlog_latency
from tests.bench.binlog.rows import binlog
from tests.bench.catching_up import catching_up
from tests.bench.clickhouse import clickhouse_rows
from tests.bench.fanout import fanout
from tests.bench.hostile.attack import attack
from tests.bench.influx import influx
from tests.bench.kafka_clients import kafka_clients
from tests.bench.latency import idle, latency
from tests.bench.memory import memory
from tests.bench.page import page
from tests.bench.replay import replay
from tests.bench.report import Figure, machine, save, table
from tests.bench.sinks import sinks
from tests.bench.sites.footprint import footprint
from tests.bench.sites.load import load
from tests.bench.sites.processes import processes
from tests.bench.sites.small_batches import small_batches
from tests.bench.sites.takeover import takeover
from tests.bench.sites.up import site, swap
from tests.bench.throughput import hysteresis, traces
from tests.bench.vision.cameras import PARTS, cameras
from tests.bench.vision.detect import detect
from tests.bench.vision.tracking import tracking
from tests.bench.windows import windows

BENCHMARKS: dict[str, Callable[[Path], list[Figure]]] = {
    "hysteresis": hysteresis,
    "clients": kafka_clients,
    "clickhouse": clickhouse_rows,
    "influx": influx,
    "sinks": sinks,
    "latency": latency,
    "idle": idle,
    "small": small_batches,
    "binlog": binlog,
    "rows": binlog_flow,
    "commits": binlog_latency,
    "alarms": alarms,
    "windows": windows,
    "traces": traces,
    "fanout": fanout,
    "replay": replay,
    "load": load,
    "detect": detect,
    "tracking": tracking,
}

LONG: dict[str, Callable[[Path], list[Figure]]] = {
    "memory": memory, "cameras": cameras, "behind": catching_up,
    "site": site, "swap": swap, "takeover": takeover, "page": page,
    "attack": attack, "footprint": footprint, "processes": processes,
    **{f"cameras/{part}": measured for part, measured in PARTS.items()},
}  # fmt: skip
"""Only run when named; `memory` takes some twenty minutes, `cameras` some ten, `cameras/PART` is
one part of it. `behind` runs on Apache Kafka, and `swap` makes as many edits as EDITS says; `page`
needs Chromium.
"""


def main(names: list[str]) -> None:
    """Run the named benchmarks; ends the program for a name that is none."""
    known = BENCHMARKS | LONG
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(known)}")
    figures: list[Figure] = []
    for name in names or list(BENCHMARKS):
        print(f"… {name}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="vigie-bench-") as folder:
            Path(folder).chmod(0o711)
            made = known[name](Path(folder))
        save(made)
        figures += made
    print(f"\nMeasured on {machine()}\n\n{table(figures)}")


if __name__ == "__main__":
    main(sys.argv[1:])
