"""The step `silence`: notices when nothing comes."""

import math
from typing import Any, ClassVar

from pydantic import Field

from operators.component import Due, Logic, Now, Operator, StepContext
from operators.events import Event, Occurrence
from operators.model.fields import field, signal_of, text
from operators.model.timers import Timers
from operators.model.units import Duration, Some

FORGET = 7 * 86400.0


class Silence(Operator):
    """Says when a signal has fallen silent, and when it is back.

    For each signal (subject and metric, or the fields of `by`) that has been heard once, an
    occurrence `silent` is emitted when nothing came for `after`, with that very time, and an
    occurrence `back` with the next event. Their data name the signal, `last` (time of its last
    event, epoch seconds) and, for `back`, `silent_for` (seconds). The events themselves do not
    pass. A signal that stays silent for a week is forgotten.
    """

    NAME: ClassVar[str] = "silence"
    STATEFUL: ClassVar[bool] = True
    SHORT: ClassVar[str | None] = "after"
    DATA: ClassVar[tuple[str, ...]] = ("last", "silent_for")
    EXAMPLES: ClassVar[tuple[str, ...]] = ("silence: 10min", "silence: {after: 1h, by: subject}")

    after: Duration = Field(gt=0, description="How long nothing must come.", examples=["10min"])
    by: Some | None = Field(
        None, min_length=1, description="The field or fields that make a signal; subject and metric when left out.",
        examples=["subject"],
    )  # fmt: skip

    def placeholders(self) -> list[str]:
        """Names of the fields that make a signal."""
        return [self.by] if isinstance(self.by, str) else list(self.by or ())

    def logic(self, context: StepContext) -> Logic:
        return SilenceLogic(self.after, tuple(self.placeholders()), context)


class _Signal:
    """A signal that has been heard; `since` is when it fell silent, `until` when it will, or
    will be forgotten.
    """

    __slots__ = ("key", "labels", "last", "queued", "since", "subject", "until")

    def __init__(self, key: tuple[str, ...], subject: str) -> None:
        self.key = key
        self.subject = subject
        self.queued = math.inf
        self.last = -math.inf
        self.since: float | None = None
        self.until = math.inf
        self.labels: dict[str, str] = {}


class SilenceLogic(Logic):
    """State is one `_Signal` for each signal."""

    def __init__(self, after: float, by: tuple[str, ...], context: StepContext) -> None:
        super().__init__()
        self._after = after
        self._by = by
        self._step = context.step
        self._lateness = context.patience
        self._signals: dict[tuple[str, ...], _Signal] = {}
        self._timers: Timers[_Signal] = Timers()
        self._highest = -math.inf

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        out: list[Event] = []
        for event in events:
            self._hear(event, out)
            self._highest = max(self._highest, event.time)
            if self._highest >= self._timers.first() + self._lateness:
                self._fire(self._highest - self._lateness, out)
        return out

    def _hear(self, event: Event, out: list[Event]) -> None:
        key = tuple(text(field(event, name)) for name in self._by) if self._by else signal_of(event)
        signal = self._signals.get(key)
        if signal is None:
            signal = self._signals[key] = _Signal(key, text(field(event, "subject")))
        elif event.time < signal.last:
            self.late.append(event)
            return
        elif signal.until < event.time and signal.since is None:
            self._turn_silent(signal, out)
        if signal.since is not None:
            back = max(event.time, signal.since)
            silent_for = back - signal.last
            out.append(
                self._occurrence(
                    signal, "back", back, f"{event.id}/{self._step}", silent_for=silent_for
                )
            )
            signal.since = None
        signal.last = event.time
        signal.until = event.time + self._after
        signal.labels = getattr(event, "labels", {})
        self._timers.arm(signal, signal.until)

    def on_time(self, now: Now) -> list[Event]:
        out: list[Event] = []
        self._fire(now.event, out)
        self._highest = max(self._highest, now.event + self._lateness)
        return out

    def next_time(self) -> Due:
        return Due(event=self._timers.first())

    def _fire(self, limit: float, out: list[Event]) -> None:
        for deadline, signal in self._timers.due(limit):
            if signal.until <= deadline:
                if signal.since is not None:
                    self.count("forgotten")
                    del self._signals[signal.key]
                    continue
                self._turn_silent(signal, out)
            self._timers.arm(signal, signal.until)

    def _turn_silent(self, signal: _Signal, out: list[Event]) -> None:
        signal.since = signal.until
        identity = f"{'/'.join(signal.key)}/{self._step}/{signal.since}"
        out.append(self._occurrence(signal, "silent", signal.since, identity))
        signal.until = signal.since + FORGET

    def _occurrence(
        self, signal: _Signal, kind: str, time: float, identity: str, **more: float
    ) -> Occurrence:
        names = self._by or ("subject", "metric")
        return Occurrence(
            id=identity,
            time=time,
            subject=signal.subject,
            type=kind,
            data={**dict(zip(names, signal.key, strict=True)), "last": signal.last, **more},
            labels=signal.labels,
        )

    def snapshot(self) -> object:
        signals = [
            (s.key, s.subject, s.last, s.since, dict(s.labels)) for s in self._signals.values()
        ]
        return signals, self._highest

    def restore(self, state: Any, version: int) -> None:
        signals, self._highest = state
        self._signals = {}
        self._timers = Timers()
        for key, subject, last, since, labels in signals:
            signal = self._signals[key] = _Signal(key, subject)
            signal.last, signal.since, signal.labels = last, since, dict(labels)
            signal.until = last + self._after if since is None else since + FORGET
            self._timers.arm(signal, signal.until)
