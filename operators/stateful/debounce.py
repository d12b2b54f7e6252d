"""The step `debounce`: holds back the end of a two-state signal until it is quiet."""

import math
from typing import Any, ClassVar

import msgspec
from pydantic import Field

from operators.component import Due, Logic, Now, Operator, StepContext
from operators.events import Event, Reading
from operators.model import two_state
from operators.model.timers import Timers
from operators.model.units import Duration

FORGET_ON = 7 * 86400.0


class Debounce(Operator):
    """Makes one `on` and one `off` of a chattering two-state signal (motion, door).

    The first `on` passes at once. An `off` passes only when no `on` came for `clear_after`, with
    the time at which that was; an `on` before then takes it back, and so does each further one.
    What is held back is counted as `held`, an event older than the last of its signal goes to
    `late`. A signal that is off already passes, and so do readings that are not two-state. A sensor
    that never says `off` stays on; after a week without a word it is forgotten.
    """

    NAME: ClassVar[str] = "debounce"
    STATEFUL: ClassVar[bool] = True
    SHORT: ClassVar[str | None] = "clear_after"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("debounce: 30s", "debounce: {clear_after: 2min}")

    clear_after: Duration = Field(
        gt=0, description="How long it must be quiet before `off` passes.", examples=["30s"]
    )

    def logic(self, context: StepContext) -> Logic:
        return DebounceLogic(self.clear_after, context)


class _Signal:
    """A signal that is on. `off` is the reading that may end it; `until` the deadline, of that
    or of being forgotten.
    """

    __slots__ = ("key", "last", "off", "queued", "until")

    def __init__(self, key: tuple[str, str], last: float) -> None:
        self.key: tuple[str, ...] = key
        self.queued = math.inf
        self.last = last
        self.until = last + FORGET_ON
        self.off: Reading | None = None


class DebounceLogic(Logic):
    """State is one `_Signal` for each signal that is on."""

    def __init__(self, clear_after: float, context: StepContext) -> None:
        super().__init__()
        self._clear_after = clear_after
        self._step = context.step
        self._lateness = context.patience
        self._subjects: dict[str, dict[str, _Signal]] = {}
        self._timers: Timers[_Signal] = Timers()
        self._two_state: dict[str, bool] = {}
        self._highest = -math.inf

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        out: list[Event] = []
        get = self._subjects.get
        highest = self._highest
        fire_at = self._timers.first() + self._lateness
        for event in events:
            if type(event) is Reading:
                value = event.value
                if value == 1.0 or value == 0.0:
                    metrics = get(event.subject)
                    signal = metrics.get(event.metric) if metrics is not None else None
                    if signal is not None or value == 1.0:
                        self._two(event, signal, out)
                        fire_at = self._timers.first() + self._lateness
                    else:
                        out.append(event)
                else:
                    out.append(event)
            else:
                out.append(event)
            if event.time > highest:
                highest = event.time
            if highest >= fire_at:
                self._fire(highest - self._lateness, out)
                fire_at = self._timers.first() + self._lateness
        self._highest = highest
        return out

    def _two(self, event: Reading, signal: _Signal | None, out: list[Event]) -> None:
        if event.quality != "good" or not self._is_two_state(event.metric):
            out.append(event)
            return
        if signal is not None:
            if event.time < signal.last:
                self.late.append(event)
                return
            if signal.until < event.time:
                self._end(signal, out)
                signal = None
        if signal is None:
            out.append(event)
            if event.value == 1.0:
                signal = _Signal((event.subject, event.metric), event.time)
                self._subjects.setdefault(event.subject, {})[event.metric] = signal
                self._timers.arm(signal, signal.until)
            return
        self.count("held")
        signal.last = event.time
        if event.value == 1.0:
            signal.off = None
            signal.until = event.time + FORGET_ON
        elif signal.off is None:
            signal.off = event
            signal.until = event.time + self._clear_after
            self._timers.arm(signal, signal.until)

    def _is_two_state(self, metric: str) -> bool:
        known = self._two_state.get(metric)
        if known is None:
            known = self._two_state[metric] = two_state.word(metric, 1.0) is not None
        return known

    def on_time(self, now: Now) -> list[Event]:
        out: list[Event] = []
        self._fire(now.event, out)
        self._highest = max(self._highest, now.event + self._lateness)
        return out

    def next_time(self) -> Due:
        return Due(event=self._timers.first())

    def _fire(self, limit: float, out: list[Event]) -> None:
        for deadline, signal in self._timers.due(limit):
            if self._subjects.get(signal.key[0], {}).get(signal.key[1]) is not signal:
                continue
            if signal.until <= deadline:
                self._end(signal, out)
            else:
                self._timers.arm(signal, signal.until)

    def _end(self, signal: _Signal, out: list[Event]) -> None:
        """The signal was quiet until its deadline: `off` passes with that time, or a signal
        never heard of again is freed.
        """
        subject, metric = signal.key
        metrics = self._subjects[subject]
        del metrics[metric]
        if not metrics:
            del self._subjects[subject]
        if signal.off is None:
            self.count("forgotten")
            return
        identity = f"{subject}/{metric}/{self._step}/{signal.until}"
        out.append(msgspec.structs.replace(signal.off, id=identity, time=signal.until))

    def snapshot(self) -> object:
        signals = [
            (
                *signal.key,
                signal.last,
                None if signal.off is None else msgspec.msgpack.encode(signal.off),
            )
            for metrics in self._subjects.values()
            for signal in metrics.values()
        ]
        return signals, self._highest

    def restore(self, state: Any, version: int) -> None:
        signals, self._highest = state
        self._subjects = {}
        self._timers = Timers()
        for subject, metric, last, off in signals:
            signal = _Signal((subject, metric), last)
            if off is not None:
                signal.off = msgspec.msgpack.decode(off, type=Reading)
                signal.until = signal.off.time + self._clear_after
            self._subjects.setdefault(subject, {})[metric] = signal
            self._timers.arm(signal, signal.until)
