"""A flow process as a supervisor runs it: whenever it ends, it is started again."""

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.demo.programs import FlowProgram

LOOK = 0.05
PAUSE = 1.0


@dataclass(frozen=True)
class Ending:
    """One end of the process: when (monotonic seconds), its exit status, whether it was killed or asked to end, and when it
    was started again."""

    at: float
    status: int
    cause: str
    again: float


class Victim:
    """Keeps one flow running in a thread; `kill` and `ask_to_end` are the faults. `restarted` hears of every new start."""

    def __init__(self, name: str, folder: Path, definition: Path, site: Path) -> None:
        self.name = name
        self.program = FlowProgram(folder, definition, site)
        self.endings: list[Ending] = []
        self._cause = ""
        self._wanted = True
        self._lock = threading.Lock()
        self._restarted: Callable[[Ending], None] = lambda ending: None
        self._thread = threading.Thread(target=self._watch, name=f"supervisor {name}", daemon=True)

    def start(self, restarted: Callable[[Ending], None]) -> None:
        self._restarted = restarted
        self.program.start()
        self._thread.start()

    @property
    def crashes(self) -> list[Ending]:
        """Ends nobody asked for."""
        return [ending for ending in self.endings if not ending.cause]

    def kill(self) -> None:
        """SIGKILL."""
        with self._lock:
            if self.program.pid:
                self._cause = "kill"
                self.program.kill()

    def ask_to_end(self) -> None:
        """SIGTERM; the supervisor starts it again once it has ended."""
        with self._lock:
            if pid := self.program.pid:
                self._cause = "sigterm"
                os.kill(pid, signal.SIGTERM)

    def stop(self, timeout: float = 40) -> int:
        """End it for good, asking; its exit status. A process that does not end within the time is killed."""
        self._wanted = False
        if self._thread.is_alive():
            self._thread.join()
        self.program.stop(timeout)
        return self.program.exit_status or 0

    def give_up(self) -> None:
        """End it for good, at once."""
        self._wanted = False
        if self._thread.is_alive():
            self._thread.join()
        self.program.kill()

    def said(self) -> str:
        """All it has written since the first start."""
        return self.program.log.read_text("utf-8", "replace")

    def _watch(self) -> None:
        while self._wanted:
            time.sleep(LOOK)
            with self._lock:
                if self.program.pid is not None:
                    continue
                at, status, cause = time.monotonic(), self.program.exit_status or 0, self._cause
                self._cause = ""
            if not cause:
                time.sleep(PAUSE)
            if not self._wanted:
                return
            with self._lock:
                self.program.start()
            ending = Ending(at, status, cause, time.monotonic())
            self.endings.append(ending)
            self._restarted(ending)
