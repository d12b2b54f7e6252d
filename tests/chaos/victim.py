"""A flow process as a supervisor runs it: whenever it ends, it is started again."""

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.demo.programs import FlowProgram
from tests.waiting import PATIENCE, wait_until

LOOK = 0.05
PAUSE = 1.0
UNARMED = -signal.SIGTERM
"""SIGTERM came while Python was still starting."""


@dataclass(frozen=True)
class Ending:
    """One end of the process: its exit status, and those that were expected, none if nobody
    asked it to end. `last_words` are the last lines it wrote.
    """

    status: int
    expected: tuple[int, ...]
    last_words: str


class Victim:
    """Keeps one flow running in a thread; `kill` and `ask_to_end` are the faults. `restarted`
    hears of every new start.
    """

    def __init__(self, name: str, folder: Path, definition: Path, site: Path) -> None:
        self.name = name
        self.program = FlowProgram(folder, definition, site)
        self.endings: list[Ending] = []
        self._expected: tuple[int, ...] = ()
        self._excuse: tuple[int, str] | None = None
        self._wanted = True
        self._lock = threading.Lock()
        self._restarted: Callable[[Ending], None] = lambda ending: None
        self._thread = threading.Thread(target=self._watch, name=f"supervisor {name}", daemon=True)

    def start(self, restarted: Callable[[Ending], None]) -> None:
        self._restarted = restarted
        self.program.start()
        self._thread.start()

    def kill(self) -> None:
        """SIGKILL, as soon as there is a process."""
        with self._running():
            self._expected = (-signal.SIGKILL,)
            self.program.kill()

    def ask_to_end(self, statuses: tuple[int, ...]) -> None:
        """SIGTERM, as soon as there is a process; it is to end with one of these statuses, and
        is then started again.
        """
        with self._running():
            self._expected = (*statuses, UNARMED)
            os.kill(self.program.pid or 0, signal.SIGTERM)

    def expect(self, status: int, words: str) -> None:
        """From now on it may end with that status, and must have said these words at the end of
        the run.
        """
        self._excuse = (status, words)

    def ended_more_than(self, times: int) -> bool:
        """Whether it has ended more often than that, and was started again."""
        return len(self.endings) > times

    def troubles(self) -> list[str]:
        """A line for each end that was not expected, and for words that it did not say."""
        excused = self._excuse[0] if self._excuse else None
        lines = [
            f"it ended with {ending.status}, expected"
            f" {' or '.join(map(str, ending.expected)) or 'that it runs on'}; its last words:\n"
            f"{ending.last_words}"
            for ending in self.endings
            if ending.status not in ending.expected and ending.status != excused
        ]
        if self._excuse and self._excuse[1] not in self.said():
            lines.append(f"it did not say {self._excuse[1]!r}")
        return lines

    def stop(self) -> None:
        """End it for good, asking; an exit status other than 0 is a trouble."""
        self._leave()
        self.program.stop(PATIENCE)
        self.endings.append(self._ending((0,)))

    def give_up(self) -> None:
        """End it for good, at once."""
        self._leave()
        self.program.kill()

    def said(self) -> str:
        """All it has written since the first start."""
        return self.program.log.read_text("utf-8", "replace") if self.program.log.exists() else ""

    def _ending(self, expected: tuple[int, ...]) -> Ending:
        return Ending(self.program.exit_status or 0, expected, self.program.tail())

    def _running(self) -> threading.Lock:
        """The lock, free to take once a process runs."""
        wait_until(lambda: self.program.pid, PATIENCE, f"flow {self.name} to run", LOOK)
        return self._lock

    def _leave(self) -> None:
        self._wanted = False
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while self._wanted:
            time.sleep(LOOK)
            with self._lock:
                if self.program.pid is not None:
                    continue
                ending = self._ending(self._expected)
                self._expected = ()
            if not ending.expected:
                time.sleep(PAUSE)
            if not self._wanted:
                return
            with self._lock:
                self.program.start()
            self.endings.append(ending)
            self._restarted(ending)
