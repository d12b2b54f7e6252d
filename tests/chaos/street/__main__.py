"""Cameras under fire: `python -m tests.chaos.street [PASSES]`.

People come into the pictures of several cameras, stand for a while and leave, and each process of
the flow is killed again and again. Who was found on pictures must become one event, whose picture
and clip are there or said to be lost; who was not passed while nobody looked, as it was told.
Prints the table and writes build/chaos-cameras.json.
"""

import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.chaos.street.account import UNTOLD, Passer, judge, untold
from tests.chaos.street.street import BUCKET, CAMERAS, KINDS, Street
from tests.chaos.street.table import Passes, save, table
from tests.chaos.table import machine, today
from tests.waiting import wait_until

KILLED = ("flows.vision.capture_process", "flows.vision.detection_process", "flows.cli")
PAUSE = (2.0, 14.0)
"""Seconds from the time that every camera is looked at again to the next kill."""
RECOVERY, SETTLE, LONGEST = 300.0, 120.0, 3 * 3600.0


def kill_in_turn(street: Street, chance: random.Random, done: threading.Event) -> dict[str, int]:
    """Kill one process after the other until done; returns how often each."""
    kills = dict.fromkeys(KILLED, 0)
    while not done.wait(chance.uniform(*PAUSE)):
        module = KILLED[sum(kills.values()) % len(KILLED)]
        kills[module] += 1
        at = time.time()
        if module == "flows.cli":
            street.victim.kill()
        for pid in list(street.processes(module)) if module != "flows.cli" else ():
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(AssertionError):  # what is lost meanwhile is told in the end
            wait_until(lambda at=at: done.is_set() or _looks_again(street, at), RECOVERY, "", 0.5)
        took = time.time() - at
        print(f"{at:.1f} killed {module}; {took:.1f} s", file=sys.stderr, flush=True)
    return kills


def _looks_again(street: Street, since: float) -> bool:
    return all(street.witness.looked(name, since) for name in street.names)


def evidence(street: Street) -> tuple[Counter[str], list[str]]:
    """How much of the events' evidence is stored and said to be lost, and what is neither."""
    told = {}
    for row in street.rows("type = 'evidence'"):
        data = json.loads(str(row["data"]))["data"]
        told[data["event"], data["kind"]] = data
    found = street.store().list_objects(BUCKET, recursive=True)
    keys = {str(one.object_name) for one in found}
    counts: Counter[str] = Counter()
    lacking = []
    for event in street.entered():
        for kind in KINDS:
            said = told.get((event["id"], kind))
            if said and (said["state"] != "stored" or said["key"] in keys):
                counts["stored" if said["state"] == "stored" else "lost"] += 1
            else:
                lacking.append(f"{kind} of {event['id']}: {said}")
    return counts, lacking


def verdicts(street: Street, passes: list[Passer]) -> list[str]:
    """What became of each pass."""
    events = street.entered()
    return [
        judge(
            one,
            street.witness.found(one.camera),
            [float(str(event["at"])) for event in events if event["subject"] == one.camera],
        )
        for one in passes
    ]


def not_told(street: Street, passes: list[Passer]) -> list[str]:
    """The passes that nobody saw, though it was told of no time that nobody looked then."""
    return [
        f"{one.camera}, {one.began:.1f} to {one.ended:.1f}: {spans}"
        for one, verdict in zip(passes, verdicts(street, passes), strict=True)
        if verdict == "unseen"
        and untold(one, spans := street.witness.unwatched(one.camera)) > UNTOLD
    ]


def main() -> int:
    """Run it; 1 if an event is lost or doubled, or something is missing that was not told."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vigie-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Street(folder) as street:
            wait_until(lambda: _looks_again(street, 0.0), RECOVERY, "the first pictures", 0.5)
            wait_until(street.is_ready, RECOVERY, "the first event", 0.5)
            since, done = time.time(), threading.Event()
            kills: dict[str, int] = {}
            killer = threading.Thread(
                target=lambda: kills.update(kill_in_turn(street, random.Random(1), done))
            )
            killer.start()
            wait_until(lambda: len(street.passes(since)) >= wanted, LONGEST, "the passes", 1.0)
            done.set()
            killer.join()
            passes = street.passes(since)
            with contextlib.suppress(AssertionError):  # what is missing then is told below
                wait_until(
                    lambda: (
                        "lost" not in verdicts(street, passes)
                        and not evidence(street)[1]
                        and not not_told(street, passes)
                    ),
                    SETTLE,
                    "all events and evidence",
                    2.0,
                )
            became = verdicts(street, passes)
            counts, lacking = evidence(street)
            silent = not_told(street, passes)
            number = Counter(became)
            row = Passes(
                CAMERAS, round(time.monotonic() - began), len(passes), kills,
                street.witness.taken(since),
                sum(len(street.witness.looked(camera, since)) for camera in street.names),
                number["told"], number["lost"], number["doubled"], number["broken"],
                number["unseen"], len(silent), counts["stored"], counts["lost"], len(lacking),
                today(), machine(),
            )  # fmt: skip
            if not row.good or number["unseen"]:
                print(street.victim.said(), file=sys.stderr)
    save(row)
    for one, verdict in zip(passes, became, strict=True):
        if verdict != "told":
            print(f"  {verdict}: {one.camera} at {one.began:.1f}", file=sys.stderr)
    print(*lacking, *silent, sep="\n", file=sys.stderr)
    print(f"\n{CAMERAS} cameras, {row.seconds:g} s, {row.machine}\n\n{table(row)}")
    return 0 if row.good else 1


if __name__ == "__main__":
    sys.exit(main())
