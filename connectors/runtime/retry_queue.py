"""The order in which events are sent when some are refused for now.

Pure logic, with the clock handed in.
"""

import collections
import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.runtime.backoff import Backoff
from connectors.runtime.suspicion import Tries
from operators.events import Event

FIRST_BACKOFF = 0.5
LONGEST_BACKOFF = 10.0
TRIES, TRIES_REFUSED, TRIES_ALONE = 12, 3, 120
"""Tries of an event to which the server answers an error while it takes others, or refuses it: with
these pauses half a minute, and a second. In all, ten minutes.
"""


@dataclass(eq=False, slots=True)
class SubjectQueue:
    """The events of one subject; the first is being sent, or waits for its next attempt at `due`.

    `server_down` says that it waits only because the server as such was down.
    """

    subject: str
    backoff: Backoff
    events: collections.deque[Event] = field(default_factory=collections.deque)
    due: float = 0.0
    server_down: bool = False
    tries: Tries | None = None
    taken_before: int = 0


class RetryQueue:
    """One event of a subject at a time, in order; different subjects side by side.

    After a failure a subject waits for a random time of at most 0.5 s, 1 s, 2 s, … 10 s
    (`Backoff`), or as long as the server asked. While the server as such is down, all subjects
    wait, and one of them probes at a time until a request succeeds (a circuit breaker).
    `uniform(low, high)` is the source of chance. `count` events are here; of `failing` subjects the
    first event was refused for now.
    """

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._queues: dict[str, SubjectQueue] = {}
        self._ready: collections.deque[SubjectQueue] = collections.deque()
        self._waiting: list[tuple[float, int, SubjectQueue]] = []
        self._numbers = itertools.count()
        self._server = self._new_backoff()
        self._next_probe = 0.0
        self._probe: SubjectQueue | None = None
        self.count = 0
        self.failing = 0
        self._taken = 0

    def add(self, subject: str, event: Event) -> None:
        """Put an event behind the others of its subject."""
        queue = self._queues.get(subject)
        if queue is None:
            queue = self._queues[subject] = SubjectQueue(subject, self._new_backoff())
            self._ready.append(queue)
        queue.events.append(event)
        self.count += 1

    def take(self, now: float) -> SubjectQueue | None:
        """A subject whose first event is to be sent now; the caller ends with `done` or `retry`."""
        while self._waiting and self._waiting[0][0] <= now:
            self._ready.append(heapq.heappop(self._waiting)[2])
        if not self._ready or (self._server.failures and (self._probe or now < self._next_probe)):
            return None
        queue = self._ready.popleft()
        if self._server.failures:
            self._probe = queue
        return queue

    def next_time(self) -> float | None:
        """When `take` may next have something, if nothing else happens.

        None if only a `done`, `retry` or `add` helps.
        """
        if self._probe:
            return None
        due = 0.0 if self._ready else self._waiting[0][0] if self._waiting else None
        return due if due is None or not self._server.failures else max(due, self._next_probe)

    def is_guilty(self, queue: SubjectQueue, refused: bool = False) -> bool:
        """The server answered an error to a subject's first event: whether it never takes it.

        Then end with `done`, as something that says nothing about the server. A server that takes
        nothing and answers errors to other subjects, too, is to blame itself. What it took before
        this event was tried last says nothing about now. `refused` says that the answer was no
        failure of the server.
        """
        if queue.tries is None:
            queue.tries = Tries(TRIES_REFUSED if refused else TRIES, TRIES_ALONE)
            queue.taken_before = self._taken
        others_taken = self._taken > queue.taken_before
        queue.taken_before = self._taken
        if not others_taken and self.failing > (queue.backoff.failures > 0):
            return False
        return queue.tries.is_guilty(others_taken)

    def done(self, queue: SubjectQueue, answered: bool = True) -> None:
        """The first event of a subject is delivered, or set aside for good.

        `answered` is False if that says nothing about the server.
        """
        queue.events.popleft()
        self.count -= 1
        self.failing -= queue.backoff.failures > 0
        queue.backoff.reset()
        queue.tries = None
        self._taken += answered
        if queue.events:
            self._ready.append(queue)
        else:
            del self._queues[queue.subject]
        if answered:
            self._server_is_up()
        elif queue is self._probe:
            self._probe = None

    def retry(
        self,
        queue: SubjectQueue,
        now: float,
        after: float | None = None,
        server_down: bool = False,
        timed_out: bool = False,
    ) -> None:
        """The first event of a subject is to be sent again, `after` seconds if the server said so.

        `server_down` says that the server is down or busy as such, `timed_out` that nobody can
        tell, because it gave no answer in time.
        """
        self.failing += queue.backoff.failures == 0
        queue.due = now + queue.backoff.pause(after)
        queue.server_down = server_down and after is None
        heapq.heappush(self._waiting, (queue.due, next(self._numbers), queue))
        if server_down or (timed_out and queue is self._probe):
            self._server_is_down(queue, now, after)
        elif not timed_out:
            self._server_is_up()

    def _new_backoff(self) -> Backoff:
        return Backoff(FIRST_BACKOFF, LONGEST_BACKOFF, self._uniform)

    def _server_is_down(self, queue: SubjectQueue, now: float, after: float | None) -> None:
        if not self._server.failures or queue is self._probe or after is not None:
            self._next_probe = max(self._next_probe, now + self._server.pause(after))
        if queue is self._probe:
            self._probe = None

    def _server_is_up(self) -> None:
        """Those who waited only because the server was down wait no more."""
        if not self._server.failures:
            return
        self._server.reset()
        self._next_probe, self._probe = 0.0, None
        self._ready.extend(queue for _, _, queue in sorted(self._waiting) if queue.server_down)
        self._waiting = [entry for entry in self._waiting if not entry[2].server_down]
        heapq.heapify(self._waiting)
