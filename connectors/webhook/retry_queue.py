"""In which order events are sent when some are refused for now: pure logic, with the clock
handed in.
"""

import collections
import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.runtime.backoff import Backoff
from operators.events import Event

FIRST_BACKOFF = 0.5
LONGEST_BACKOFF = 10.0


@dataclass(eq=False, slots=True)
class Lane:
    """The events of one key, of which the first is being sent or waits for its next attempt at
    `due`.
    """

    key: str
    backoff: Backoff
    events: collections.deque[Event] = field(default_factory=collections.deque)
    due: float = 0.0
    whole: bool = False


class Lanes:
    """One lane a key: in a lane one event at a time, in order; different lanes side by side.

    After a failure a lane waits for a random time of at most 0.5 s, 1 s, 2 s, … 10 s (`Backoff`), or
    as long as the server asked. When the server as such is down, all lanes wait, and one of them tries at a time until a
    request succeeds. `uniform(low, high)` is the source of chance.
    `count` events are here; `failing` lanes had their first event refused for now.
    """

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._lanes: dict[str, Lane] = {}
        self._ready: collections.deque[Lane] = collections.deque()
        self._waiting: list[tuple[float, int, Lane]] = []
        self._numbers = itertools.count()
        self._server = self._new_backoff()
        self._opens = 0.0
        self._probe: Lane | None = None
        self.count = 0
        self.failing = 0

    def add(self, key: str, event: Event) -> None:
        """Put an event behind the others of its key."""
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key, self._new_backoff())
            self._ready.append(lane)
        lane.events.append(event)
        self.count += 1

    def take(self, now: float) -> Lane | None:
        """A lane whose first event is to be sent now; it belongs to the caller until `done` or
        `again`.
        """
        while self._waiting and self._waiting[0][0] <= now:
            self._ready.append(heapq.heappop(self._waiting)[2])
        if not self._ready or (self._server.failures and (self._probe or now < self._opens)):
            return None
        lane = self._ready.popleft()
        if self._server.failures:
            self._probe = lane
        return lane

    def next_time(self) -> float | None:
        """When `take` may next have something, if nothing else happens; None if only a `done`,
        `again` or `add` helps.
        """
        if self._probe:
            return None
        due = 0.0 if self._ready else self._waiting[0][0] if self._waiting else None
        return due if due is None or not self._server.failures else max(due, self._opens)

    def done(self, lane: Lane, sent: bool = True) -> None:
        """The first event of a lane is delivered, or set aside for good; `sent` False if the
        server was not asked.
        """
        lane.events.popleft()
        self.count -= 1
        self.failing -= lane.backoff.failures > 0
        lane.backoff.reset()
        if lane.events:
            self._ready.append(lane)
        else:
            del self._lanes[lane.key]
        if sent:
            self._open()
        elif lane is self._probe:
            self._probe = None

    def again(
        self,
        lane: Lane,
        now: float,
        after: float | None = None,
        whole: bool = False,
        mute: bool = False,
    ) -> None:
        """The first event of a lane is to be sent again, `after` seconds if the server said so.

        `whole` tells that the server is down or busy as such, `mute` that nobody can tell, because
        it gave no answer in time.
        """
        self.failing += lane.backoff.failures == 0
        lane.due = now + lane.backoff.pause(after)
        lane.whole = whole and after is None
        heapq.heappush(self._waiting, (lane.due, next(self._numbers), lane))
        if whole or (mute and lane is self._probe):
            self._shut(lane, now, after)
        elif not mute:
            self._open()

    def _new_backoff(self) -> Backoff:
        return Backoff(FIRST_BACKOFF, LONGEST_BACKOFF, self._uniform)

    def _shut(self, lane: Lane, now: float, after: float | None) -> None:
        if not self._server.failures or lane is self._probe or after is not None:
            self._opens = max(self._opens, now + self._server.pause(after))
        if lane is self._probe:
            self._probe = None

    def _open(self) -> None:
        """The server works: those who waited only because it did not need wait no more."""
        if not self._server.failures:
            return
        self._server.reset()
        self._opens, self._probe = 0.0, None
        self._ready.extend(lane for _, _, lane in sorted(self._waiting) if lane.whole)
        self._waiting = [entry for entry in self._waiting if not entry[2].whole]
        heapq.heapify(self._waiting)
