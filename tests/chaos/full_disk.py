"""A full disk under the recovery store, again and again: `python -m tests.chaos.full_disk [--runs
100]`. Each time the flow must end with 75 and its promised message, and go on once there is room.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from connectors.base import ConnectorContext
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.embedded.stack import Stack
from operators.events import Reading
from tests.chaos.attack import FULL_DISK, NOT_DRAINED
from tests.chaos.small_disk import SmallDisk, missing
from tests.flow_process import FlowProcess
from tests.waiting import PATIENCE, wait_until

DEFINITION = """\
vigie: 1
flow: full_disk
sources: {readings: {topic: {name: chaos.feed, new_partitions: 1}}}
alarms:
  hot: {from: readings, when: {above: 30}, response: Cool it.}
sinks:
  log: {from: readings, topic: chaos.log}
"""


class Feed:
    """Readings for the flow, a few at a time, so that each epoch has something to save."""

    def __init__(self, connection: TopicConnection) -> None:
        context = ConnectorContext("feed", "feed", connection)
        self._producer = Producer(connection, context.health, "feed")
        self._sent = 0

    def send(self) -> None:
        self._sent += 20
        self._producer.send_events(
            "chaos.feed",
            [
                Reading(
                    id=f"r{n}",
                    time=time.time(),
                    subject=f"rack{n % 50}",
                    metric="temperature",
                    value=20.0 + 20 * (n // 50 % 2),
                )
                for n in range(self._sent - 20, self._sent)
            ],
        )
        self._producer.flush()

    def close(self) -> None:
        self._producer.close()


def runs(count: int, folder: Path, seed: int) -> Counter[str]:
    """How the flow ended, so many times: "as promised", or what it did instead."""
    chance = random.Random(seed)
    endings: Counter[str] = Counter()
    with Stack(folder, ["redpanda"]) as stack:
        definition = folder / "full_disk.yaml"
        definition.write_text(DEFINITION)
        disk = SmallDisk(folder / "data" / "flows")
        feed = Feed(TopicConnection(**stack.connections()["redpanda"]))
        try:
            for number in range(count):
                ending = _once(definition, stack.site, disk, folder / "data", feed, chance)
                endings[ending] += 1
                print(f"{number + 1} of {count}: {ending}", file=sys.stderr, flush=True)
        finally:
            feed.close()
            disk.unmount()
    return endings


def _once(
    definition: Path, site: Path, disk: SmallDisk, data: Path, feed: Feed, chance: random.Random
) -> str:
    flow = FlowProcess(definition, site, data)
    try:
        flow.wait_running()
        moment = time.monotonic() + chance.uniform(0.0, 2.5)
        while time.monotonic() < moment:
            feed.send()
            time.sleep(0.02)
        disk.fill()

        def status() -> list[int]:
            feed.send()
            return [] if (found := flow.exit_status) is None else [found]

        (ended,) = wait_until(status, PATIENCE, "the flow to end", 0.1)
    finally:
        flow.kill()
        disk.make_room()
    if ended != NOT_DRAINED:
        return f"status {ended}"
    return "as promised" if FULL_DISK in flow.log.read_text() else "75 without the message"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.full_disk", description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1, help="other random moments")
    options = parser.parse_args()
    if reason := missing():
        print(f"not run: {reason}", file=sys.stderr)
        return 0
    with tempfile.TemporaryDirectory(prefix="vigie-chaos-", ignore_cleanup_errors=True) as place:
        endings = runs(options.runs, Path(place), options.seed)
    for ending, times in endings.most_common():
        print(f"{times} × {ending}")
    return 0 if set(endings) == {"as promised"} else 1


if __name__ == "__main__":
    sys.exit(main())
