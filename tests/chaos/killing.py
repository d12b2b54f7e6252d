"""Processes of a running site that are killed at random moments and started again at once."""

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.flow_process import FlowProcess


class Victims:
    """Flow processes under fire: `kills` times, at random moments of a span, one of them gets
    SIGKILL and is restarted.
    """

    def __init__(self, definitions: list[Path], site: Path, data: Path, seed: int) -> None:
        self._start: list[Callable[[], FlowProcess]] = [
            lambda definition=definition: FlowProcess(definition, site, data)
            for definition in definitions
        ]
        self._running = [start().wait_running() for start in self._start]
        self._random = random.Random(seed)
        self.kills = 0

    def kill_one(self) -> None:
        index = self._random.randrange(len(self._running))
        self._running[index].kill()
        self._running[index] = self._start[index]()
        self.kills += 1

    def kill_often(
        self, kills: int, longest_pause: float, until: threading.Event
    ) -> threading.Thread:
        """Kill in the background with pauses of random length; ends early if `until` is set."""

        def attack() -> None:
            for _ in range(kills):
                if until.wait(self._random.uniform(0.1, longest_pause)):
                    return
                self.kill_one()

        thread = threading.Thread(target=attack, daemon=True)
        thread.start()
        return thread

    def stop(self) -> list[int]:
        """SIGTERM to all; their exit codes."""
        for process in self._running:
            process.wait_running()
        return [process.stop() for process in self._running]

    def kill_all(self) -> None:
        for process in self._running:
            process.kill()


def settle(value: Callable[[], int], expected: int, quiet: float, timeout: float) -> int:
    """Wait until a count has reached `expected` or has not changed for `quiet` seconds; returns
    it.
    """
    deadline = time.monotonic() + timeout
    last, changed = -1, time.monotonic()
    while time.monotonic() < deadline:
        now = value()
        if now != last:
            last, changed = now, time.monotonic()
        if now >= expected or time.monotonic() - changed > quiet:
            return now
        time.sleep(0.2)
    return last
