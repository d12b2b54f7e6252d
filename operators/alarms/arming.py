"""What a stream of two-state readings says of whether alarms are armed (`armed: {while: ...}`)."""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

from operators.alarms.engine.state import About
from operators.alarms.rule_builder import known, sample
from operators.alarms.signals import is_state
from operators.component import Selects
from operators.model.fields import number_of


class Arming:
    """The latest word of a stream, for each of its subjects and of all.

    A reading counts for its own subject, or for all that never had one; the latest is the one of
    the latest time, whenever it came. `by` is the stream, and `selected` what comes of it.
    """

    def __init__(self, by: str | None, selected: Selects | None) -> None:
        self.by = by
        self._selected = selected
        self._by_subject: dict[str, bool] = {}
        self._times: dict[str, float] = {}
        self._abouts: dict[str, tuple[About, str | None]] = {}
        self._latest: bool | None = None
        self._latest_time = -math.inf

    def take(self, event: Any) -> str | None:
        """Take a reading; return why where it does not count: `not_data` or `late`."""
        value = number_of(event)
        if value is None or not is_state(event):
            return "not_data"
        subject = getattr(event, "subject", "")
        if event.time < self._times.get(subject, -math.inf):
            return "late"
        self._by_subject.pop(subject, None)  # the last one stands last
        self._by_subject[subject], self._times[subject] = bool(value), event.time
        about = (getattr(event, "metric", None), getattr(event, "labels", {}))
        self._abouts[subject] = (about, getattr(event, "unit", None))
        if event.time >= self._latest_time:
            self._latest, self._latest_time = bool(value), event.time
        return None

    def has(self, subject: str) -> bool:
        """Whether a subject has a word of its own."""
        return subject in self._by_subject

    def is_closed(self, subject: str) -> bool:
        """Whether a subject's alarm is not armed."""
        return self.by is not None and not self._by_subject.get(subject, self._latest)

    def snapshot(self) -> dict[str, Any]:
        """What is known, as plain data."""
        return {
            "armed_by": self.by,
            "arming": self._text,
            "gates": dict(self._by_subject),
            "gate": self._latest,
            "gate_times": dict(self._times),
            "gate_abouts": {
                subject: [metric, dict(labels), unit]
                for subject, ((metric, labels), unit) in self._abouts.items()
            },
            "gate_labels": sorted(self._selected.names) if self._selected else [],
        }

    def restore(self, saved: Mapping[str, Any], renamed: Callable[[str], str]) -> bool:
        """Take back what `snapshot` returned, if it is of the same stream.

        Return whether other subjects may come of that stream than before.
        """
        by = saved.get("armed_by", self.by)
        if by is None or renamed(by) != self.by:
            return False
        self._by_subject, self._latest = dict(saved["gates"]), saved["gate"]
        self._times = dict(saved.get("gate_times", ()))
        self._latest_time = max(self._times.values(), default=-math.inf)
        self._abouts = {
            subject: ((metric, labels), unit)
            for subject, (metric, labels, unit) in saved.get("gate_abouts", {}).items()
        }
        if saved.get("arming", self._text) == self._text:
            return False
        had = saved.get("gate_labels", ())
        kept = {
            subject: is_armed
            for subject, is_armed in self._by_subject.items()
            if self._selected is None or self._comes(self._selected, subject, had)
        }
        if len(kept) < len(self._by_subject):
            self._keep(kept)
        return True

    def _keep(self, kept: dict[str, bool]) -> None:
        """Forget other subjects than these."""
        self._by_subject = kept
        self._times = {subject: time for subject, time in self._times.items() if subject in kept}
        newest = max(reversed(kept), key=lambda one: self._times.get(one, -math.inf), default="")
        self._latest, self._latest_time = kept.get(newest), self._times.get(newest, -math.inf)

    def _comes(self, selected: Selects, subject: str, had: Collection[str]) -> bool:
        """Whether the last reading of a subject would come now; steps had given it labels."""
        about, unit = self._abouts.get(subject, (None, None))
        event, fields = sample(subject, about, unit), known(about, unit)
        if about is None:  # kept by a version that knew the subject alone
            return selected.may_pass(event, fields)
        return selected.arriving(event, fields, had) is not None

    @property
    def _text(self) -> str:
        return "" if self._selected is None else self._selected.text
