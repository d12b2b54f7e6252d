"""The fault runs: `python -m tests.chaos` does all of them, prints the table and writes
build/chaos.json.
"""

import argparse
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.chaos import chain, page
from tests.chaos.faults import FULL, SHORT
from tests.chaos.paths import SOURCES
from tests.chaos.run import run
from tests.chaos.sinks.table import load as load_sinks
from tests.chaos.street.table import load as load_passes
from tests.chaos.table import BUILD, load, machine, save, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("sources", nargs="*", help=f"only these of {', '.join(SOURCES)}")
    parser.add_argument(
        "--short", action="store_true", help="few kills and short outages; writes no file"
    )
    parser.add_argument("--seed", type=int, help="other random moments")
    parser.add_argument(
        "--docs",
        action="store_true",
        help=f"put the table of the last run into {page.PAGE}, and run nothing",
    )
    options = parser.parse_args()
    if options.docs:
        page.write(load(), load_sinks(), load_passes())
        return 0
    scale = SHORT if options.short else FULL
    if options.seed is not None:
        scale = replace(scale, seed=options.seed)
    if unknown := set(options.sources) - set(SOURCES):
        parser.error(
            f"no source is called {', '.join(sorted(unknown))}; there are {', '.join(SOURCES)}"
        )
    began = time.monotonic()
    rows, troubles = run(scale, options.sources or list(SOURCES), lambda words: say(began, words))
    if not options.short:
        save(rows, BUILD)
    if not options.sources and not options.short:
        say(began, "20 kills while 200,000 messages pass two flows and an alarm")
        with tempfile.TemporaryDirectory(
            prefix="vigie-chaos-", ignore_cleanup_errors=True
        ) as folder:
            Path(folder).chmod(0o711)
            rows += chain.rows(Path(folder), count=200_000, kills=20, rate=4_000, seed=scale.seed)
    if not options.short:
        save(rows, BUILD)
    print(f"\nMeasured on {machine()} in {time.monotonic() - began:.0f} s\n\n{table(rows)}")
    for line in troubles:
        print(line, file=sys.stderr)
    return 1 if troubles or not all(row.good for row in rows) else 0


def say(began: float, words: str) -> None:
    print(f"{time.monotonic() - began:6.1f} s  {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what it started
    sys.exit(main())
