"""The step `debounce`: holds back the end of a two-state signal until it is quiet."""

import math
from typing import Any, ClassVar

import msgspec
from pydantic import Field

from operators.component import Logic, Now, Operator, StepContext
from operators.events import Event, Reading
from operators.model import two_state
from operators.model.keyed_logic import Entry, KeyedLogic
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
        """Make the step's logic for one shard."""
        return DebounceLogic(self.clear_after, context)


class _Signal(Entry):
    """A signal that is on; `off` is the reading that may end it.

    Its deadline is when it ends or, without `off`, will be forgotten.
    """

    __slots__ = ("last", "off")

    def __init__(self, key: tuple[str, str], last: float) -> None:
        super().__init__(key)
        self.last = last
        self.off: Reading | None = None


class DebounceLogic(KeyedLogic[_Signal]):
    """State is one `_Signal` for each signal that is on, by subject and metric."""

    def __init__(self, clear_after: float, context: StepContext) -> None:
        super().__init__(context)
        self._clear_after = clear_after
        self._subjects: dict[str, dict[str, _Signal]] = {}
        self._two_state: dict[str, bool] = {}

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        """Take events as the base class does, those that change nothing without a call."""
        out: list[Event] = []
        get = self._subjects.get
        highest = self.highest
        fire_at = self.timers.first() + self.patience
        for event in events:
            if type(event) is Reading:
                value = event.value
                if value == 1.0 or value == 0.0:
                    metrics = get(event.subject)
                    signal = metrics.get(event.metric) if metrics is not None else None
                    if signal is not None or value == 1.0:
                        self._take(event, signal, out)
                        fire_at = self.timers.first() + self.patience
                    else:
                        out.append(event)
                else:
                    out.append(event)
            else:
                out.append(event)
            if event.time > highest:
                highest = event.time
            if highest >= fire_at:
                self.fire(highest - self.patience, out)
                fire_at = self.timers.first() + self.patience
        self.highest = highest
        return out

    def _take(self, event: Reading, signal: _Signal | None, out: list[Event]) -> None:
        if event.quality != "good" or not self._is_two_state(event.metric):
            out.append(event)
            return
        if signal is not None:
            if event.time < signal.last:
                self.late.append(event)
                return
            if signal.until < event.time:
                self.expire(signal, out)
                signal = None
        if signal is None:
            out.append(event)
            if event.value == 1.0:
                self._hold(_Signal((event.subject, event.metric), event.time))
            return
        self.count("held")
        signal.last = event.time
        if event.value == 1.0:
            signal.off = None
            signal.until = event.time + FORGET_ON
        elif signal.off is None:
            signal.off = event
            self.arm(signal, event.time + self._clear_after)

    def _hold(self, signal: _Signal) -> None:
        subject, metric = signal.key
        self._subjects.setdefault(subject, {})[metric] = signal
        if signal.off is None:
            self.arm(signal, signal.last + FORGET_ON)
        else:
            self.arm(signal, signal.off.time + self._clear_after)

    def _is_two_state(self, metric: str) -> bool:
        is_two_state = self._two_state.get(metric)
        if is_two_state is None:
            is_two_state = self._two_state[metric] = two_state.word(metric, 1.0) is not None
        return is_two_state

    def expire(self, signal: _Signal, out: list[Event]) -> None:
        """Let `off` pass with the time of the deadline; forget a signal that never said `off`."""
        subject, metric = signal.key
        metrics = self._subjects[subject]
        del metrics[metric]
        if not metrics:
            del self._subjects[subject]
        end, signal.until = signal.until, math.inf
        if signal.off is None:
            self.count("forgotten")
            return
        identity = f"{subject}/{metric}/{self.step}/{end}"
        out.append(msgspec.structs.replace(signal.off, id=identity, time=end))

    def snapshot(self) -> object:
        """Return (subject, metric, last, off) of each signal, and the highest time."""
        signals = [
            (
                *signal.key,
                signal.last,
                None if signal.off is None else msgspec.msgpack.encode(signal.off),
            )
            for metrics in self._subjects.values()
            for signal in metrics.values()
        ]
        return signals, self.highest

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        signals, self.highest = state
        for subject, metric, last, off in signals:
            signal = _Signal((subject, metric), last)
            signal.off = None if off is None else msgspec.msgpack.decode(off, type=Reading)
            self._hold(signal)
