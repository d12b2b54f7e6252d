"""The logic of `threshold`: a small state for each signal, and a loop that mostly only looks."""

import math
import sys
from collections.abc import Sequence
from typing import Any

from operators.columnar.lazy import as_list
from operators.component import Due, Logic, Now, StepContext
from operators.events import GOOD, Event, Reading, Summary
from operators.model.condition import When
from operators.model.fields import signal_of
from operators.model.hysteresis import BREACH, NORMAL, NOTHING, NoLimit
from operators.model.phase import ACTIVE, PENDING, RECOVERING, next_phase, recent
from operators.model.phase import NORMAL as INACTIVE
from operators.model.timers import Timers
from operators.threshold.signal import NEW, Signal
from operators.threshold.signal_limits import LimitsOf
from operators.threshold.signals import Signals

FORGET_OFF = 3600.0
FORGET_ON = 7 * 86400.0


class ThresholdLogic(Logic):
    """Judges signals.

    `since` is when the condition, or its end, began to hold; `pulse` is the deadline at which it
    changes by itself.
    """

    def __init__(self, when: When, context: StepContext) -> None:
        super().__init__()
        self._when = when
        self._kind = when.kind
        self._span = when.seen or when.silent
        self._limits = LimitsOf(when, context)
        self._step = context.step
        self._lateness = context.patience
        self._signals = Signals()
        self._timers: Timers[Signal] = Timers()
        self._sweep = math.inf
        self._highest = -math.inf
        self._timed = bool(when.for_ or when.clear_for or when.times > 1)
        self._simple_presence = self._span is not None and not self._timed

    def on_batch(self, events: Sequence[Event], now: Now) -> list[Event]:
        """Take events in order of arrival; return edges."""
        out: list[Event] = []
        if self._span is not None:
            self._presence(as_list(events), out)
        elif self._limits.columns:
            self._look(as_list(events), out)
        else:
            ahead = 0.0 if self._timed else FORGET_OFF
            for newest, changing in self._signals.runs(events, self._fire_at, ahead):
                self._highest = max(self._highest, newest)
                self._look(changing, out)
        return out

    def _look(self, events: list[Event], out: list[Event]) -> None:
        """The loop over events, one by one."""
        get = self._signals.get
        judge = self._judge
        columns = self._limits.columns
        lateness, highest = self._lateness, self._highest
        fire_at = self._fire_at()
        for event in events:
            time = event.time
            if type(event) is Reading:
                signal = get(event.subject)
                if signal is not None:
                    event.subject = signal.subject  # one string for all steps
                    if signal.metric != event.metric:
                        signal = self._signals.find(event.subject, event.metric) or NEW
                    value = event.value
                    if (
                        value is not None
                        and signal.low <= value <= signal.high
                        and signal.last <= time < signal.until
                        and event.quality is GOOD
                        and event.unit == signal.unit
                        and not (columns and self._limits.cells(event) != signal.cells)
                    ):
                        signal.last = time
                        if time > highest:
                            highest = time
                            if time >= fire_at:
                                self._fire(time - lateness, out)
                                fire_at = self._fire_at()
                        continue
            judge(event, out)
            if time > highest:
                highest = time
            fire_at = self._fire_at()
            if highest >= fire_at:
                self._fire(highest - lateness, out)
                fire_at = self._fire_at()
        self._highest = highest

    def _presence(self, events: list[Event], out: list[Event]) -> None:
        """The loop of `silent` and `seen`: an event in time only moves the deadline."""
        assert self._span is not None
        span = self._span
        find = self._signals.find
        simple = self._simple_presence
        lateness, highest = self._lateness, self._highest
        fire_at = self._fire_at()
        for event in events:
            time = event.time
            if simple and type(event) is Reading and event.quality is GOOD:
                signal = find(event.subject, event.metric)
                if signal is not None and signal.last <= time < signal.until < math.inf:
                    signal.last = time
                    signal.pulse = signal.until = time + span
                    if time > highest:
                        highest = time
                        if time >= fire_at:
                            self._fire(time - lateness, out)
                            fire_at = self._fire_at()
                    continue
            self._judge(event, out)
            if time > highest:
                highest = time
            fire_at = self._fire_at()
            if highest >= fire_at:
                self._fire(highest - lateness, out)
                fire_at = self._fire_at()
        self._highest = highest

    def on_time(self, now: Now) -> list[Event]:
        """Fire the timers that are due."""
        out: list[Event] = []
        self._fire(now.event, out)
        self._highest = max(self._highest, now.event + self._lateness)
        return out

    def next_time(self) -> Due:
        """The next deadline, in event time."""
        return Due(event=min(self._timers.first(), self._sweep))

    def _fire_at(self) -> float:
        return min(self._timers.first(), self._sweep) + self._lateness

    def _fire(self, limit: float, out: list[Event]) -> None:
        """Fire the timers due by `limit`, in the order of their deadlines."""
        for deadline, signal in self._timers.due(limit):
            if signal.until <= deadline:
                self._fire_one(signal, out)
            self._settle(signal)
        if self._sweep <= limit:
            self._forget(limit)

    def _fire_own(self, signal: Signal, limit: float, out: list[Event]) -> None:
        while signal.until <= limit:
            self._fire_one(signal, out)
            self._settle(signal)

    def _fire_one(self, signal: Signal, out: list[Event]) -> None:
        deadline = signal.clock = signal.until
        if signal.pulse <= deadline:
            signal.pulse = math.inf
            self._step_to(signal, self._zone_at(signal, deadline), deadline, None, out)
        else:
            signal.phase = ACTIVE if signal.phase == PENDING else INACTIVE
            signal.since = None
            self._emit(signal, deadline, None, out)

    def _judge(self, event: Any, out: list[Event]) -> None:
        """Take an event that may change something."""
        presence = self._span is not None
        subject, metric = signal_of(event)
        if not presence and not isinstance(event, (Reading, Summary)):
            self.count("not_data")
            return
        signal = self._signals.find(subject, metric) or Signal(subject, metric)
        time = event.time
        if time < signal.last:
            self.late.append(event)
            return
        self._fire_own(signal, math.nextafter(time, -math.inf), out)
        good = getattr(event, "quality", "good") == "good"
        raw = BREACH if presence else self._raw(event, signal) if good else None
        if raw is None or not good:
            if not good:
                self.count("not_data")
            if not presence:
                self._keep(signal, time)
                self._settle(signal)
            self._fire_own(signal, time, out)
            return
        at = max(time, signal.clock)
        if self._when.times > 1 and raw == BREACH:
            signal.hits = (*signal.hits, at)[-self._when.times :]
        signal.raw = raw
        signal.labels = getattr(event, "labels", {})
        self._keep(signal, time)
        self._step_to(signal, self._zone_at(signal, at), at, event, out)
        self._settle(signal)
        self._fire_own(signal, time, out)

    def _keep(self, signal: Signal, time: float) -> None:
        if self._signals.find(signal.subject, signal.metric) is None:
            self._signals.add(signal)
        signal.last = time
        self._sweep = min(self._sweep, time + FORGET_OFF)

    def _raw(self, event: Any, signal: Signal) -> int | None:
        """Where the reading lies by itself; None, counted, if it cannot be judged."""
        cells = self._limits.cells(event)
        if signal.limit is None or event.unit != signal.unit or cells != signal.cells:
            try:
                signal.limit = self._limits.limit(event)
            except NoLimit:
                self.count("no_limit")
                return None
            except ValueError:
                self.count("unit")
                return None
            signal.unit, signal.cells = (
                None if event.unit is None else sys.intern(event.unit),
                cells,
            )
        raw = self._limits.zone(event, signal.limit)
        if raw is None:
            self.count("not_data")
        return raw

    def _zone_at(self, signal: Signal, at: float) -> int:
        """The zone at an instant; sets `pulse` to the next at which it changes by itself."""
        raw = signal.raw
        if self._span is not None:
            end = signal.last + self._span
            raw = BREACH if (at < end) == (self._when.seen is not None) else NORMAL
            signal.pulse = end if at < end else math.inf
        times, span = self._when.times, self._when.in_
        if times == 1 or span is None:
            return raw
        signal.hits = recent(signal.hits, at, span)
        if len(signal.hits) >= times:
            signal.pulse = min(signal.pulse, signal.hits[0] + span)
            return BREACH
        return NORMAL

    def _step_to(self, signal: Signal, zone: int, at: float, cause: Any, out: list[Event]) -> None:
        was, when = signal.phase, self._when
        phase = next_phase(was, zone == BREACH, zone == NORMAL, when.for_, when.clear_for)
        if phase != was:
            on = signal.on
            signal.phase = phase
            signal.since = at if phase in (PENDING, RECOVERING) else None
            if signal.on != on:
                self._emit(signal, at, cause, out)

    def _emit(self, signal: Signal, at: float, cause: Any, out: list[Event]) -> None:
        subject, metric = signal.subject, signal.metric
        reading = Reading(
            id=(
                f"{cause.id}/{self._step}"
                if cause is not None
                else f"{subject}/{metric}/{self._step}/{at}"
            ),
            time=at,
            subject=subject,
            metric=f"{metric}_{self._kind}",
            value=1.0 if signal.on else 0.0,
            labels=signal.labels,
        )
        out.append(reading)

    def _settle(self, signal: Signal) -> None:
        """Set the bounds within which nothing changes, and the timer, from the state."""
        limit, phase, until = signal.limit, signal.phase, signal.pulse
        if signal.since is not None:
            delay = self._when.for_ if phase == PENDING else self._when.clear_for
            until = min(until, signal.since + delay)
        if limit is None or (self._when.times > 1 and (phase != INACTIVE or signal.hits)):
            unchanging = NOTHING
        elif phase == INACTIVE:
            unchanging = limit.unbreached
        elif phase == ACTIVE:
            unchanging = limit.held
        else:
            unchanging = limit.breach if phase == PENDING else limit.normal
        signal.low, signal.high = unchanging
        signal.until = until
        if until != math.inf:
            self._timers.arm(signal, until)
        self._signals.settled(signal)

    def _forget(self, clock: float) -> None:
        """Free signals without a reading for long; those that are on are kept longer."""
        self._sweep = math.inf

        def over(signal: Signal) -> bool:
            end = self._signals.last(signal) + (FORGET_ON if signal.on else FORGET_OFF)
            if end > clock or signal.until != math.inf:
                self._sweep = clock + FORGET_OFF
                return False
            return True

        for signal in self._signals.forget(over):
            if signal.on:
                self.count("forgotten")

    def snapshot(self) -> object:
        """Return all signals, the next sweep and the highest time."""
        signals = [signal.saved(self._signals.last(signal)) for signal in self._signals.all()]
        return signals, self._sweep, self._highest

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        signals, self._sweep, self._highest = state
        self._signals = Signals()
        self._timers = Timers()
        for subject, metric, *saved in signals:
            signal = Signal(subject, metric)
            self._restore_one(signal, saved)
            self._signals.add(signal)

    def _restore_one(self, signal: Signal, saved: list[Any]) -> None:
        judged, pulsing = signal.take(saved)
        if judged:
            cells = zip(self._limits.columns, signal.cells, strict=False)
            labelled = {column: cell for column, cell in cells if cell is not None}
            probe = Reading(
                id="",
                time=signal.last,
                subject=signal.subject,
                metric=signal.metric,
                unit=signal.unit,
                labels=labelled,
            )
            try:
                signal.limit = self._limits.limit(probe)
            except (NoLimit, ValueError):
                signal.limit = None
        if pulsing:
            self._zone_at(signal, max(signal.last, signal.clock))
        self._settle(signal)
