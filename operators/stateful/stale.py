"""The step `stale`: marks readings that no longer say how things are."""

import math
from typing import Any, ClassVar, Self

import msgspec
from pydantic import Field, model_validator

from operators.component import Logic, Operator, StepContext
from operators.events import Event, Reading
from operators.model.keyed_logic import Entry, KeyedLogic
from operators.model.units import Duration

FORGET = 7 * 86400.0


class Stale(Operator):
    """Gives quality `stale` to readings of a sensor that fell silent, or that is stuck.

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
        """Make the step's logic for one shard."""
        return StaleLogic(self, context)


class _Signal(Entry):
    """The last reading of a signal, when it was heard, and since when it has had its value.

    `is_stale` says that the reading came once more, as stale. The deadline is when it will be
    stale, or will be forgotten.
    """

    __slots__ = ("heard", "is_stale", "last", "since")

    def __init__(self, last: Reading) -> None:
        super().__init__((last.subject, last.metric))
        self.last = last
        self.since = self.heard = last.time
        self.is_stale = False


class StaleLogic(KeyedLogic[_Signal]):
    """State is the last reading of each signal; up to version 1 it was heard at its own time."""

    VERSION: ClassVar[int] = 2

    def __init__(self, settings: Stale, context: StepContext) -> None:
        super().__init__(context)
        self._after = settings.after or math.inf
        self._unchanged = settings.unchanged or math.inf
        self._signals: dict[tuple[str, ...], _Signal] = {}

    def take(self, event: Event, out: list[Event]) -> None:
        """Pass the event, as stale where its value has been the same for too long."""
        if not isinstance(event, Reading) or event.quality != "good":
            out.append(event)
            return
        signal = self._signals.get((event.subject, event.metric))
        if signal is None:
            signal = self._signals[event.subject, event.metric] = _Signal(event)
        else:
            if event.time < signal.last.time:
                self.late.append(event)
                return
            if not signal.is_stale and signal.heard + self._after < self.heard(event):
                self._reissue(signal, out)
            if (event.value, event.text) != (signal.last.value, signal.last.text):
                signal.since = event.time
            signal.last, signal.is_stale = event, False
        signal.heard = self.heard(event)
        if event.time - signal.since > self._unchanged:
            self.count("unchanged")
            event = msgspec.structs.replace(event, quality="stale")
        out.append(event)
        self.arm(signal, self._deadline(signal))

    def _deadline(self, signal: _Signal) -> float:
        if self._after == math.inf or signal.is_stale:
            return signal.heard + FORGET + (self._after if signal.is_stale else self._unchanged)
        return signal.heard + self._after

    def _reissue(self, signal: _Signal, out: list[Event]) -> None:
        signal.is_stale = True
        at = signal.heard + self._after
        identity = f"{'/'.join(signal.key)}/{self.step}/{at}"
        out.append(msgspec.structs.replace(signal.last, id=identity, time=at, quality="stale"))

    def expire(self, signal: _Signal, out: list[Event]) -> None:
        """Give the last reading once more, as stale; forget a signal that is so already."""
        if signal.is_stale or self._after == math.inf:
            del self._signals[signal.key]
            signal.until = math.inf
            self.count("forgotten")
        else:
            self._reissue(signal, out)
            signal.until = self._deadline(signal)

    def snapshot(self) -> object:
        """Return (last reading, since, whether stale, heard) of each, and the highest time."""
        signals = [
            (msgspec.msgpack.encode(s.last), s.since, s.is_stale, s.heard)
            for s in self._signals.values()
        ]
        return signals, self.highest

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        signals, self.highest = state
        for last, since, is_stale, *heard in signals:
            signal = _Signal(msgspec.msgpack.decode(last, type=Reading))
            signal.since, signal.is_stale = since, is_stale
            signal.heard = heard[0] if heard else signal.last.time
            self._signals[signal.key] = signal
            self.arm(signal, self._deadline(signal))
