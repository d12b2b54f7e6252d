"""The step `deduplicate`: drops what says nothing new."""

import math
from typing import Any, ClassVar

from pydantic import Field

from operators.component import Logic, Now, Operator, StepContext
from operators.events import Event, Occurrence, Reading, Summary
from operators.model.fields import field, signal_of, text
from operators.model.keyed_logic import Entry, KeyedLogic
from operators.model.saved_state import tuples
from operators.model.units import Duration, Some


class Deduplicate(Operator):
    """Drops events that repeat an earlier one of their signal within a span of time.

    A signal is a subject and a metric. By `value`, it repeats the latest one that passed: a steady
    signal passes once in each span, a change at once. By any other field, such as `id`, it repeats
    any that passed within the span. Dropped events are counted as `duplicate`. What was seen is
    forgotten after the span, both by its own time and by the flow's clock: a repetition with an old
    time is known as one.
    """

    NAME: ClassVar[str] = "deduplicate"
    STATEFUL: ClassVar[bool] = True
    SHORT: ClassVar[str | None] = "within"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "deduplicate: 10s",
        "deduplicate: {by: id, within: 10min}",
        "deduplicate: {by: [type, label.area], within: 1min}",
    )

    within: Duration = Field(
        gt=0, description="The span in which a repetition is dropped.", examples=["10s"]
    )
    by: Some = Field(
        "value",
        min_length=1,
        description="The field or fields that make two events the same.",
        examples=["id"],
    )

    def placeholders(self) -> list[str]:
        """Names of the fields that it compares."""
        return [self.by] if isinstance(self.by, str) else list(self.by)

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        names = self.placeholders()
        return (
            ByValue(self.within, context)
            if names == ["value"]
            else ByFields(self.within, names, context)
        )


class _DeduplicateLogic(KeyedLogic[Entry]):
    """Forgets once in each span what is older than the span, by its own time and by its arrival.

    An event arrived at the time of the newest event before it less the lateness; or, where the wall
    clock has moved the flow's clock past all events, at that.
    """

    VERSION = 2

    def __init__(self, within: float, context: StepContext) -> None:
        super().__init__(context)
        self._within = within
        self._lateness = context.lateness
        self._swept = -math.inf
        self._newest = -math.inf

    def clock_ahead(self, events: list[Event], now: Now) -> float:
        """Return the flow's clock if it is past what the events make of it."""
        newest = max(self._newest, max((event.time for event in events), default=-math.inf))
        return now.event if now.event > newest - self._lateness else -math.inf

    def sweep(self, clock: float) -> None:
        """Forget what is older than the span."""
        self._swept = clock
        left = self._drop_before(clock - self._within)
        self.sweep_at = clock + self._within if left else math.inf

    def _drop_before(self, time: float) -> bool:
        """Drop what came at `time` or earlier; whether anything is left."""
        raise NotImplementedError


class _Passed:
    """The latest event of a signal that passed."""

    __slots__ = ("arrived", "quality", "rest", "time", "value")

    def __init__(self, time: float, arrived: float, content: tuple[Any, Any, Any]) -> None:
        self.time = time
        self.arrived = arrived
        self.value, self.rest, self.quality = content


class ByValue(_DeduplicateLogic):
    """State is one `_Passed` for each signal."""

    def __init__(self, within: float, context: StepContext) -> None:
        super().__init__(within, context)
        self._subjects: dict[str, dict[str, _Passed]] = {}

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        """Take events in order of arrival."""
        out: list[Event] = []
        get = self._subjects.get
        within, lateness, ahead = self._within, self._lateness, self.clock_ahead(events, now)
        highest = self._newest
        fire_at = self.sweep_at + lateness
        for event in events:
            time = event.time
            if time > highest:
                highest = self._newest = time
            if time >= fire_at:
                self.sweep(time - lateness)
                fire_at = self.sweep_at + lateness
            if type(event) is Reading:
                metrics = get(event.subject)
                passed = metrics.get(event.metric) if metrics is not None else None
                if passed is not None:
                    before = passed.time
                    if (
                        event.value == passed.value
                        and -within < time - before < within
                        and event.text == passed.rest
                        and event.quality == passed.quality
                    ):
                        continue
                    if time >= before:
                        passed.time = time
                        passed.arrived = max(highest - lateness, ahead)
                        passed.value = event.value
                        passed.rest = event.text
                        passed.quality = event.quality
                    out.append(event)
                    continue
            if self._passes(event, max(highest - lateness, ahead)):
                out.append(event)
                if self.sweep_at == math.inf:
                    self.sweep_at = max(time, self._swept) + within
                    fire_at = self.sweep_at + lateness
        if len(out) < len(events):
            self.count("duplicate", len(events) - len(out))
        return out

    def _passes(self, event: Event, arrived: float) -> bool:
        subject, name = signal_of(event)
        content = _content(event)
        metrics = self._subjects.setdefault(subject, {})
        passed = metrics.get(name)
        if passed is not None:
            same = (passed.value, passed.rest, passed.quality) == content
            if same and -self._within < event.time - passed.time < self._within:
                return False
            if event.time < passed.time:
                return True
        metrics[name] = _Passed(event.time, arrived, content)
        return True

    def _drop_before(self, time: float) -> bool:
        for subject, metrics in list(self._subjects.items()):
            for name in [
                name
                for name, passed in metrics.items()
                if passed.time <= time and passed.arrived <= time
            ]:
                del metrics[name]
            if not metrics:
                del self._subjects[subject]
        return bool(self._subjects)

    def snapshot(self) -> object:
        """Return the state as plain data."""
        signals = [
            (subject, name, p.time, (p.value, p.rest, p.quality), p.arrived)
            for subject, metrics in self._subjects.items()
            for name, p in metrics.items()
        ]
        return "value", signals, self.sweep_at, self._swept, self._newest

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        kind, signals, sweep, swept, *more = state
        if kind != "value":
            return
        self._newest = more[0] if more else swept
        self._subjects = {}
        self.sweep_at, self._swept = sweep, swept
        for subject, name, time, content, *arrived in signals:
            self._subjects.setdefault(subject, {})[name] = _Passed(
                time, arrived[0] if arrived else time, tuples(content)
            )


def _content(event: Event) -> tuple[Any, Any, Any]:
    if isinstance(event, Reading):
        return event.value, event.text, event.quality
    if isinstance(event, Summary):
        return None, tuple(sorted(event.values.items())), event.quality
    if isinstance(event, Occurrence):
        return None, text(event.data), event.type
    return None, event.id, None


class ByFields(_DeduplicateLogic):
    """State is (time, arrival) of what passed, by signal and the values of the fields."""

    def __init__(self, within: float, names: list[str], context: StepContext) -> None:
        super().__init__(within, context)
        self._names = names
        self._seen: dict[tuple[str, ...], tuple[float, float]] = {}

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        """Take events in order of arrival."""
        out: list[Event] = []
        seen = self._seen
        within, lateness, ahead = self._within, self._lateness, self.clock_ahead(events, now)
        fire_at = self.sweep_at + lateness
        for event in events:
            time = event.time
            self._newest = max(self._newest, time)
            if time >= fire_at:
                self.sweep(time - lateness)
                fire_at = self.sweep_at + lateness
            key = (*signal_of(event), *(text(field(event, name)) for name in self._names))
            before = seen.get(key)
            if before is not None and -within < time - before[0] < within:
                self.count("duplicate")
                continue
            out.append(event)
            seen[key] = (
                time if before is None else max(time, before[0]),
                max(self._newest - lateness, ahead),
            )
            if self.sweep_at == math.inf:
                self.sweep_at = max(time, self._swept) + within
                fire_at = self.sweep_at + lateness
        return out

    def _drop_before(self, time: float) -> bool:
        for key in [key for key, seen in self._seen.items() if max(seen) <= time]:
            del self._seen[key]
        return bool(self._seen)

    def snapshot(self) -> object:
        """Return the state as plain data."""
        return "fields", dict(self._seen), self.sweep_at, self._swept, self._newest

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        kind, seen, sweep, swept, *more = state
        if kind == "fields":
            self._seen = (
                {key: (time, time) for key, time in seen.items()} if version == 1 else dict(seen)
            )
            self._newest = more[0] if more else swept
            self.sweep_at, self._swept = sweep, swept
