"""The step `stale`: marks readings that no longer say how things are."""

import math
from typing import Any, ClassVar, Self

import msgspec
from pydantic import Field, model_validator

from operators.component import Due, Logic, Now, Operator, StepContext
from operators.events import Event, Reading
from operators.model.timers import Rounds
from operators.model.units import Duration

FORGET = 7 * 86400.0


class Stale(Operator):
    """Gives quality `stale` to readings that are not to be trusted: of a sensor that fell silent,
    or that is stuck.

    With `after`, the last reading of a signal (subject and metric) comes once more, as stale, when
    nothing came for that long; it has that very time. With `unchanged`, readings pass as stale
    while the value has been the same for longer than that, until it changes. Windows leave such
    readings out. Alarms leave them alone, too: an alarm with `expect_every` that gets nothing
    better for so long does what its `bad` says. What is stale or bad already, and what is no
    reading, passes as it is. A reading older than the last of its signal goes to `late`. A signal
    is forgotten a week after it fell silent.
    """

    NAME: ClassVar[str] = "stale"
    STATEFUL: ClassVar[bool] = True
    SHORT: ClassVar[str | None] = "after"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "stale: 15min",
        "stale: {unchanged: 6h}",
        "stale: {after: 15min, unchanged: 1d}",
    )

    after: Duration | None = Field(
        None, gt=0, description="How long nothing must come.", examples=["15min"]
    )
    unchanged: Duration | None = Field(
        None, gt=0, description="How long the value must be the same.", examples=["6h"]
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.after is None and self.unchanged is None:
            raise ValueError(
                "needs 'after' (nothing came) or 'unchanged' (always the same value), or both"
            )
        return self

    def logic(self, context: StepContext) -> Logic:
        return StaleLogic(self, context)


class _Signal:
    """The last reading, and since when it has had its value; `told` once it was given as stale."""

    __slots__ = ("key", "last", "queued", "since", "told")

    def __init__(self, last: Reading) -> None:
        self.key: tuple[str, ...] = (last.subject, last.metric)
        self.last = last
        self.since = last.time
        self.told = False
        self.queued = math.inf


class StaleLogic(Logic):
    """State is the last reading of each signal."""

    def __init__(self, settings: Stale, context: StepContext) -> None:
        super().__init__()
        self._after = settings.after or math.inf
        self._unchanged = settings.unchanged or math.inf
        self._step = context.step
        self._lateness = context.patience
        self._signals: dict[tuple[str, ...], _Signal] = {}
        self._timers: Rounds[_Signal] = Rounds()
        self._highest = -math.inf

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        out: list[Event] = []
        for event in events:
            if isinstance(event, Reading) and event.quality == "good":
                self._take(event, out)
            else:
                out.append(event)
            self._highest = max(self._highest, event.time)
            if self._highest - self._lateness >= self._timers.first():
                self._fire(self._highest - self._lateness, out)
        return out

    def _take(self, event: Reading, out: list[Event]) -> None:
        signal = self._signals.get((event.subject, event.metric))
        if signal is None:
            signal = self._signals[event.subject, event.metric] = _Signal(event)
        else:
            if event.time < signal.last.time:
                self.late.append(event)
                return
            if not signal.told and signal.last.time + self._after < event.time:
                self._tell(signal, out)
            if (event.value, event.text) != (signal.last.value, signal.last.text):
                signal.since = event.time
            signal.last, signal.told = event, False
        if event.time - signal.since > self._unchanged:
            self.count("unchanged")
            event = msgspec.structs.replace(event, quality="stale")
        out.append(event)
        self._timers.arm(signal, self._deadline(signal))

    def _deadline(self, signal: _Signal) -> float:
        if self._after == math.inf or signal.told:
            return signal.last.time + FORGET + (self._after if signal.told else self._unchanged)
        return signal.last.time + self._after

    def _tell(self, signal: _Signal, out: list[Event]) -> None:
        signal.told = True
        at = signal.last.time + self._after
        identity = f"{'/'.join(signal.key)}/{self._step}/{at}"
        out.append(msgspec.structs.replace(signal.last, id=identity, time=at, quality="stale"))

    def on_time(self, now: Now) -> list[Event]:
        out: list[Event] = []
        self._fire(now.event, out)
        self._highest = max(self._highest, now.event + self._lateness)
        return out

    def next_time(self) -> Due:
        return Due(event=self._timers.first())

    def _fire(self, limit: float, out: list[Event]) -> None:
        for deadline, signals in self._timers.due(limit):
            for signal in signals:
                if self._deadline(signal) <= deadline:
                    if signal.told or self._after == math.inf:
                        del self._signals[signal.key]
                        self.count("forgotten")
                        continue
                    self._tell(signal, out)
                self._timers.arm(signal, self._deadline(signal))

    def snapshot(self) -> object:
        signals = [
            (msgspec.msgpack.encode(s.last), s.since, s.told) for s in self._signals.values()
        ]
        return signals, self._highest

    def restore(self, state: Any, version: int) -> None:
        signals, self._highest = state
        self._signals, self._timers = {}, Rounds()
        for last, since, told in signals:
            signal = _Signal(msgspec.msgpack.decode(last, type=Reading))
            signal.since, signal.told = since, told
            self._signals[signal.key] = signal
            self._timers.arm(signal, self._deadline(signal))
