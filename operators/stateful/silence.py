"""The step `silence`: notices when nothing comes."""

import math
from typing import Any, ClassVar

from pydantic import Field

from operators.component import Logic, Operator, StepContext
from operators.events import Event, Occurrence
from operators.model.fields import field, signal_of, text
from operators.model.keyed_logic import Entry, KeyedLogic
from operators.model.units import Duration, Some

FORGET = 7 * 86400.0


class Silence(Operator):
    """Says when a signal has fallen silent, and when it is back.

    For each signal (subject and metric, or the fields of `by`) from which something came once, an
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
        None,
        min_length=1,
        description="The field or fields that make a signal; subject and metric when left out.",
        examples=["subject"],
    )

    def placeholders(self) -> list[str]:
        """Names of the fields that make a signal."""
        return [self.by] if isinstance(self.by, str) else list(self.by or ())

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return SilenceLogic(self.after, tuple(self.placeholders()), context)


class _Signal(Entry):
    """A signal that has come once, `heard` at last; `since` is when it fell silent.

    Its deadline is when it will fall silent or, after that, will be forgotten.
    """

    __slots__ = ("heard", "labels", "last", "since", "subject")

    def __init__(self, key: tuple[str, ...], subject: str) -> None:
        super().__init__(key)
        self.subject = subject
        self.last = self.heard = -math.inf
        self.since: float | None = None
        self.labels: dict[str, str] = {}


class SilenceLogic(KeyedLogic[_Signal]):
    """State is one `_Signal` for each signal; up to version 1 `heard` was the time of the event."""

    VERSION: ClassVar[int] = 2

    def __init__(self, after: float, by: tuple[str, ...], context: StepContext) -> None:
        super().__init__(context)
        self._after = after
        self._by = by
        self._signals: dict[tuple[str, ...], _Signal] = {}

    def take(self, event: Event, out: list[Event]) -> None:
        """Move the signal's deadline on; a signal that was silent is back."""
        key = tuple(text(field(event, name)) for name in self._by) if self._by else signal_of(event)
        signal = self._signals.get(key)
        if signal is None:
            signal = self._signals[key] = _Signal(key, text(field(event, "subject")))
        elif event.time < signal.last:
            self.late.append(event)
            return
        elif signal.until < self.heard(event) and signal.since is None:
            self.expire(signal, out)
        if signal.since is not None:
            back = max(self.heard(event), signal.since)
            more = {"silent_for": back - signal.last}
            out.append(self._occurrence(signal, "back", back, f"{event.id}/{self.step}", more))
            signal.since = None
        signal.last, signal.heard = event.time, self.heard(event)
        signal.labels = getattr(event, "labels", {})
        self.arm(signal, signal.heard + self._after)

    def expire(self, signal: _Signal, out: list[Event]) -> None:
        """Say that the signal is silent, or forget one that has been for long."""
        if signal.since is not None:
            self.count("forgotten")
            del self._signals[signal.key]
            signal.until = math.inf
            return
        signal.since = signal.until
        identity = f"{'/'.join(signal.key)}/{self.step}/{signal.since}"
        out.append(self._occurrence(signal, "silent", signal.since, identity, {}))
        signal.until = signal.since + FORGET

    def _occurrence(
        self, signal: _Signal, kind: str, time: float, identity: str, more: dict[str, float]
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
        """Return (key, subject, last, since, labels, heard) of each, and the highest time."""
        signals = [
            (s.key, s.subject, s.last, s.since, dict(s.labels), s.heard)
            for s in self._signals.values()
        ]
        return signals, self.highest

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        signals, self.highest = state
        for key, subject, last, since, labels, *heard in signals:
            key = tuple(key)
            signal = self._signals[key] = _Signal(key, subject)
            signal.last, signal.since, signal.labels = last, since, dict(labels)
            signal.heard = heard[0] if heard else last
            self.arm(signal, signal.heard + self._after if since is None else since + FORGET)
