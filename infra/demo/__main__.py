"""`python -m infra.demo`: a whole site with simulated devices, on loopback, until Ctrl-C.

With `--seconds` it ends by itself. The last line of the output is then one JSON object with what
went in and what came out, and the exit status is 0 only if everything that could run produced
something and every reading was kept exactly once.
"""

import argparse
import fcntl
import json
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import IO

from infra.demo.result import Account, complaints
from infra.demo.site import API_PORT, Site
from infra.embedded.service import ServiceError

MARK = ".vigie-demo"


class Refused(Exception):
    """The demo cannot start; the message says why and what to do."""


def say(text: str) -> None:
    """For people, on the error output; the output proper is for the result."""
    print(text, file=sys.stderr, flush=True)


def claim(folder: Path) -> IO[str]:
    """Empty the folder of an earlier demo, or make a new one, and lock it; raises `Refused`.

    The lock holds until the returned file is closed.
    """
    mark = folder / MARK
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        raise Refused(
            f"{folder} holds something that no demo made; choose another folder with --data"
        )
    folder.mkdir(parents=True, exist_ok=True)
    file = mark.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise Refused(
            f"a demo runs in {folder} already; stop it or choose another folder with --data"
        ) from None
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path != mark:
            path.unlink()
    return file


def introduce(site: Site) -> None:
    """Print the address of the page, and the user and password to log in with."""
    say(
        f"\n  Vigie runs at {site.api.url}\n  user {site.api.USERNAME}, password"
        f" {site.api.password}\n"
    )
    say(
        "  The mains meter goes above 6 kW now and then: `overload` is raised when it lasts, and"
        " ends with it."
    )
    if "server_room" in site.flows:
        say("  The rack passes 30 °C every eight minutes: `too_hot` is raised after two of them.")
        say(
            "  Motion in the server room raises `someone_inside` from 20:00 to 07:00 UTC; by day it"
            " is suppressed."
        )
    if "influxdb" not in site.stack:
        say("  No series are kept, because influxdb is left out: series_points stays 0.")
    say(f"  Logs are under {site.folder}. Ctrl-C ends everything.\n")


def play(site: Site, seconds: float | None) -> int:
    """Watch until the time is over; then the account."""
    end = time.monotonic() + seconds if seconds is not None else None
    while end is None or time.monotonic() < end:
        site.check()
        time.sleep(0.2)
    say("the devices stop; waiting until everything has come out")
    site.stop_devices()
    account = Account(site)
    try:
        unrest = account.drain()
        result = account.result()
        problems = [*([unrest] if unrest else []), *complaints(result, list(site.stack.left_out))]
    finally:
        account.close()
    site.subscriber.close()
    problems += site.stop_programs()
    for problem in problems:
        say(f"not as it should be: {problem}")
    print(json.dumps(result.as_dict()), flush=True)
    return 1 if problems else 0


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Run the demo and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.demo", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, help="how long the devices send; needs about 50 to see an alarm"
    )
    parser.add_argument(
        "--data", type=Path, default=Path("demo-data"), help="folder, emptied at every start"
    )
    parser.add_argument(
        "--port", type=int, help=f"of the page; {API_PORT} if that is free, else any other"
    )
    options = parser.parse_args()
    folder = options.data.resolve()
    signal.signal(signal.SIGTERM, _end)
    # ignored by what a script starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with claim(folder), Site(folder, say, options.port) as site:
            introduce(site)
            return play(site, options.seconds)
    except KeyboardInterrupt:
        say("stopped")
        return 0 if options.seconds is None else 130
    except (Refused, ServiceError, RuntimeError, OSError) as error:
        say(f"the demo ends: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
