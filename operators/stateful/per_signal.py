"""Steps that keep a little of each signal and look at its readings one by one."""

import math
from typing import Any

from operators.component import Due, Logic, Now, StepContext
from operators.events import Event
from operators.model.fields import signal_of


class SignalLogic(Logic):
    """State is one immutable value for each signal (subject and metric), with the time of its last
    event.

    A signal from which nothing came for `keep` seconds begins anew; it is freed within another such
    span. Subclasses implement `take`.
    """

    def __init__(self, keep: float, context: StepContext) -> None:
        super().__init__()
        self.step = context.step
        self._keep = keep
        self._lateness = context.lateness
        self._signals: dict[tuple[str, str], tuple[float, Any]] = {}
        self._sweep = math.inf
        self._refused = False

    def take(self, event: Event, state: Any, out: list[Event]) -> Any:
        """Take an event of a signal in `state` (None for a new one) and return its new state; or
        `refuse` it.
        """
        raise NotImplementedError

    def refuse(self, word: str) -> None:
        """Leave the state as it was, and count the event under a word."""
        self.count(word)
        self._refused = True

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        out: list[Event] = []
        for event in events:
            time = event.time
            if time - self._lateness >= self._sweep:
                self._forget(time - self._lateness)
            key = signal_of(event)
            last, state = self._signals.get(key, (-math.inf, None))
            if time < last:
                self.late.append(event)
                continue
            taken = self.take(event, state if time - last <= self._keep else None, out)
            if self._refused:
                self._refused = False
                continue
            self._signals[key] = (time, taken)
            if self._sweep == math.inf:
                self._sweep = time + self._keep
        return out

    def on_time(self, now: Now) -> list[Event]:
        if self._sweep <= now.event:
            self._forget(now.event)
        return []

    def next_time(self) -> Due:
        return Due(event=self._sweep)

    def _forget(self, clock: float) -> None:
        for key in [key for key, (last, _) in self._signals.items() if last + self._keep < clock]:
            del self._signals[key]
        self._sweep = clock + self._keep if self._signals else math.inf

    def snapshot(self) -> object:
        return dict(self._signals), self._sweep

    def restore(self, state: Any, version: int) -> None:
        signals, self._sweep = state
        self._signals = dict(signals)
