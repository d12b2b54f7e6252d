"""Base class of steps that keep an entry for each key and act when its deadline has passed."""

import math
from typing import Generic, TypeVar

from operators.component import Due, Logic, Now, StepContext
from operators.events import Event
from operators.model.timers import Timers


class Entry:
    """State of one key.

    `until` is its deadline in epoch seconds, infinity when the entry has been given up; `queued`
    belongs to the timers.
    """

    __slots__ = ("key", "queued", "until")

    def __init__(self, key: tuple[str, ...], until: float = math.inf) -> None:
        self.key = key
        self.until = until
        self.queued = math.inf


E = TypeVar("E", bound=Entry)


class KeyedLogic(Logic, Generic[E]):
    """Deadlines of entries on the clock of events, and sweeps that free idle keys.

    The clock is the time of the newest event (`highest`) less the lateness, or the flow's clock
    where that is ahead. An entry whose deadline the clock reaches is handed to `expire`; when it
    reaches `sweep_at`, `sweep` is called. Subclasses keep the entries in a map of their own and
    implement `take` and what they need of `expire` and `sweep`.
    """

    def __init__(self, context: StepContext) -> None:
        super().__init__()
        self.step = context.step
        self.patience, self.slowness = context.patience, context.slowness
        self.timers: Timers[E] = Timers()
        self.highest = -math.inf
        self.sweep_at = math.inf

    def take(self, event: Event, out: list[Event]) -> None:
        """Take one event; append what follows from it to `out`."""
        raise NotImplementedError

    def expire(self, entry: E, out: list[Event]) -> None:
        """Act on an entry whose deadline has passed, and move its `until` on or give it up."""
        raise NotImplementedError

    def sweep(self, clock: float) -> None:
        """Free what is idle at `clock`, and say with `sweep_at` when to come back."""
        raise NotImplementedError

    def heard(self, event: Event) -> float:
        """Return when an event was heard on the clock of events.

        A device whose clock is slow speaks now, whatever time it tells.
        """
        slow = event.time < self.highest - self.slowness
        return self.highest - self.patience if slow else event.time

    def arm(self, entry: E, until: float) -> None:
        """Give an entry a deadline in place of its present one."""
        entry.until = until
        self.timers.arm(entry, until)

    def first_due(self) -> float:
        """Return the earliest time at which something may be due, infinity if nothing is."""
        return min(self.timers.first(), self.sweep_at)

    def fire(self, clock: float, out: list[Event]) -> None:
        """Act on every deadline not later than `clock`, in order of time and key."""
        for deadline, entry in self.timers.due(clock):
            if entry.until <= deadline:
                self.expire(entry, out)
            self.timers.arm(entry, entry.until)
        if self.sweep_at <= clock:
            self.sweep(clock)

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        """Take events one by one; before and after each, act on what it makes due."""
        out: list[Event] = []
        self.highest = max(self.highest, now.before + self.patience)
        for event in events:
            clock = max(self.highest, event.time) - self.patience
            if clock >= self.first_due():
                self.fire(clock, out)
            self.take(event, out)
            if event.time > self.highest:
                self.highest = event.time
            if clock >= self.first_due():
                self.fire(clock, out)
        return out

    def on_time(self, now: Now) -> list[Event]:
        """Act on what the flow's clock makes due."""
        out: list[Event] = []
        self.fire(now.event, out)
        self.highest = max(self.highest, now.event + self.patience)
        return out

    def next_time(self) -> Due:
        """Return the earliest deadline on the clock of events."""
        return Due(event=self.first_due())
