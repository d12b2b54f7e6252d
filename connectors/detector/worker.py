"""A model at work in a process of its own, which is replaced when it hangs or dies."""

import collections
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from msgspec import structs

from connectors.detector.worker_messages import Found, Ready, Refused, Setup, Work
from connectors.detector.worker_pipe import WAKE, Ended, WorkerPipe
from connectors.runtime.backoff import Backoff

log = logging.getLogger("vigie")

HANGS_AFTER = 10.0
"""Seconds after which a run is taken to hang."""
START_PATIENCE = 120.0
"""Seconds that loading a model may take; some compile it for the device first."""
STRIKES = 3
"""After so many failures without a good stretch between them the next backend takes over."""
GOOD_RUNS = 100
ATTEMPTS = 4
"""A batch that was under way in so many failures is given up."""
UNDER_WAY = 2
"""Batches in the process: one in the model, one that is decoded meanwhile."""
LONGEST_WAIT = 60.0

Item = TypeVar("Item")


class Reports(Protocol):
    """Who is told how the worker fares."""

    def count(self, word: str, n: int = 1) -> None:
        """Add to a counter."""

    def up(self, name: str) -> None:
        """Something works."""

    def down(self, name: str, detail: str) -> None:
        """Something does not."""

    def seen(self, camera: str) -> None:
        """Something was found on a picture of a camera."""

    def detector(self, source: str, facts: Mapping[str, str]) -> None:
        """What looks at the pictures of a source: its model, licence and device."""


@dataclass(slots=True)
class _Batch(Generic[Item]):
    items: Sequence[Item]
    work: Work
    since: float
    attempts: int = 0


class Worker(Generic[Item]):
    """Looks at batches of pictures in their order, whatever becomes of the process that does it.

    `found(items, answer)` is called for each batch from a thread of the worker's own, `lost(items)`
    for one at which the process failed `ATTEMPTS` times. What was under way when a process failed
    is given to the next one. `backends` are tried in their order: after `STRIKES` failures the next
    one takes over and stays. Counted are `hung`, `worker_died` and `backend_changed`; `name` goes
    down while no process runs, `NAME backend` when another than the first backend runs.
    """

    def __init__(
        self,
        name: str,
        setup: Setup,
        backends: Sequence[str],
        found: Callable[[Sequence[Item], Found], None],
        lost: Callable[[Sequence[Item]], None],
        reports: Reports,
        hangs_after: float = HANGS_AFTER,
    ) -> None:
        self._name = name
        self._setup = setup
        self._backends = list(backends)
        self._found = found
        self._lost = lost
        self._reports = reports
        self._hangs_after = hangs_after
        self._lock = threading.Lock()
        self._batches: collections.deque[_Batch[Item]] = collections.deque()
        self._pipe: WorkerPipe | None = None
        self._closing = threading.Event()
        self._strikes = 0
        self._good_runs = 0
        self._backoff = Backoff(0.5, 30.0)
        self._usual = 0.0
        self.ready: Ready | None = None
        self.changed: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name=f"worker {name}", daemon=True)

    def start(self) -> None:
        """Load the model, and keep it at work."""
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """The process of the model; None while none runs."""
        pipe = self._pipe
        return None if pipe is None else pipe.pid

    @property
    def under_way(self) -> int:
        """Batches given to the worker and not answered."""
        return len(self._batches)

    def has_room(self) -> bool:
        """Whether a batch would be worked on soon."""
        return self.ready is not None and len(self._batches) < UNDER_WAY

    def is_away(self) -> bool:
        """Whether no model runs, or a run takes far longer than usual."""
        with self._lock:
            if self.ready is None:
                return True
            longest = max(1.0, 5 * self._usual)
            return bool(self._batches) and time.monotonic() - self._batches[0].since > longest

    def submit(self, items: Sequence[Item], work: Work) -> None:
        """Give a batch; its answer comes to `found`."""
        batch = _Batch(items, work, time.monotonic())
        with self._lock:
            self._batches.append(batch)
            if self._pipe is not None and self.ready is not None:
                self._pipe.send(batch.work)
                self._pipe.events.put(WAKE)

    def close(self) -> None:
        """End the process; what is under way is not answered any more."""
        self._closing.set()
        with self._lock:
            if self._pipe is not None:
                self._pipe.events.put(WAKE)
        if self._thread.is_alive():
            self._thread.join(10)

    # The rest runs in the worker's own thread.

    def _run(self) -> None:
        while not self._closing.is_set():
            pipe = WorkerPipe(structs.replace(self._setup, backend=self._backends[0]))
            with self._lock:
                self._pipe = pipe
            try:
                failure = self._serve(pipe)
            finally:
                with self._lock:
                    self._pipe = self.ready = None
                pipe.kill()
                self.changed()
            if failure is not None and not self._closing.is_set():
                self._fail(failure)

    def _serve(self, pipe: WorkerPipe) -> str | None:
        """Work with a process until it fails, and say how; None when closing."""
        match self._first_event(pipe):
            case Ready() as ready:
                self._begin(pipe, ready)
            case Refused(detail=detail):
                self._strikes = STRIKES
                return detail
            case Ended(status=status):
                self._reports.count("worker_died")
                return f"its process ended with {status} while it loaded"
            case _:
                return f"the model was not loaded in {START_PATIENCE:g} s"
        while not self._closing.is_set():
            match pipe.next_event(self._patience()):
                case Found() as answer:
                    self._take(answer)
                case Ended(status=status):
                    self._reports.count("worker_died")
                    return f"its process ended with {status}"
                case _ if self._patience() <= 0:
                    self._reports.count("hung")
                    return f"a run took over {self._hangs_after:g} s"
        return None

    def _first_event(self, pipe: WorkerPipe) -> object:
        deadline = time.monotonic() + START_PATIENCE
        while not self._closing.is_set():
            event = pipe.next_event(deadline - time.monotonic())
            if event is not WAKE:
                return event
        return None

    def _begin(self, pipe: WorkerPipe, ready: Ready) -> None:
        with self._lock:
            now = time.monotonic()
            for batch in self._batches:
                batch.since = now
                pipe.send(batch.work)
            self.ready = ready
        self._reports.up(self._name)
        self.changed()

    def _patience(self) -> float:
        """Seconds until the oldest run hangs."""
        with self._lock:
            if not self._batches:
                return LONGEST_WAIT
            return self._batches[0].since + self._hangs_after - time.monotonic()

    def _take(self, answer: Found) -> None:
        with self._lock:
            batch = self._batches.popleft()
            if self._batches:
                self._batches[0].since = time.monotonic()
            self._usual = (
                answer.seconds if not self._usual else (0.9 * self._usual + 0.1 * answer.seconds)
            )
        self._good_runs += 1
        if self._good_runs >= GOOD_RUNS:
            self._strikes = 0
            self._backoff.reset()
        self._found(batch.items, answer)
        self.changed()

    def _fail(self, failure: str) -> None:
        self._good_runs = 0
        self._strikes += 1
        backend = self._backends[0]
        model = self._setup.model
        is_named = failure.startswith(model)
        detail = failure if is_named else f"{model} on {backend}: {failure}"
        log.warning("%s: %s", self._name, detail)
        self._reports.down(self._name, detail)
        if self._strikes >= STRIKES and len(self._backends) > 1:
            del self._backends[0]
            self._strikes = 0
            self._backoff.reset()
            self._reports.count("backend_changed")
            self._reports.down(
                f"{self._name} backend",
                f"{detail}; {self._backends[0]} runs it now, perhaps slower, until a restart",
            )
        given_up = None
        with self._lock:
            if self._batches:
                self._batches[0].attempts += 1
                if self._batches[0].attempts >= ATTEMPTS:
                    given_up = self._batches.popleft()
        if given_up is not None:
            self._lost(given_up.items)
        self._closing.wait(self._backoff.pause())
