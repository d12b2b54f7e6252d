"""`python -m infra.embedded FOLDER`: run all embedded services until Ctrl-C."""

import argparse
import signal
import sys
from types import FrameType

from infra.embedded.service import ServiceError
from infra.embedded.stack import SERVICES, Stack


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Run the services until Ctrl-C and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.embedded", description=__doc__)
    parser.add_argument(
        "folder",
        help=(
            "data folder; one that was used before keeps all data but the topics of redpanda, which"
            " are kept in memory"
        ),
    )
    parser.add_argument("--only", nargs="+", choices=list(SERVICES), default=list(SERVICES),
    metavar="NAME",
                        help=f"services to start: {', '.join(SERVICES)}")  # fmt: skip
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    # ignored by what a script starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Stack(options.folder, options.only) as stack:
            print(stack.table(), flush=True)
            print("Ctrl-C stops them.", flush=True)
            stack.wait()
    except KeyboardInterrupt:
        return 0
    except ServiceError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
