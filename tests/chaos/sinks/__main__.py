"""Each sink for an outside system in trouble for a while, under 200 readings a second with alarms:
`python -m tests.chaos.sinks [SINK …] [--seconds 180]` prints a table and writes
build/chaos-sinks.json.
"""

import argparse
import signal
import sys
import time

from tests.chaos.sinks.run import SERVICES
from tests.chaos.sinks.table import save, table
from tests.chaos.sinks.whole import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.sinks", description=__doc__)
    parser.add_argument("sinks", nargs="*", help=f"only these of {', '.join(SERVICES)}")
    parser.add_argument("--seconds", type=float, default=180.0, help="how long each trouble lasts")
    parser.add_argument("--rate", type=float, default=200.0, help="readings a second")
    options = parser.parse_args()
    if unknown := set(options.sinks) - SERVICES.keys():
        parser.error(f"no sink is called {', '.join(sorted(unknown))}")
    began = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {words}", file=sys.stderr, flush=True)

    rows = run(options.sinks or list(SERVICES), options.seconds, options.rate, say)
    save(rows)
    print(table(rows))
    return 0 if all(row.good for row in rows) else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what it started
    sys.exit(main())
