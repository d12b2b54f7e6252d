"""Base class of windows: signals, units, the pane of a reading, and closing in time."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from operators.columnar.lazy import LazyEvents, as_list
from operators.columnar.store import SOME
from operators.component import Due, Logic, Now, StepContext
from operators.events import GOOD, Event, Reading, Summary
from operators.model.fields import field, number_of, signal_of, text
from operators.model.saved_state import tuples
from operators.model.timers import Rounds
from operators.model.units import convert
from operators.windows.pane import CHUNK, Pane, percentile, statistic
from operators.windows.signal import Signal

if TYPE_CHECKING:
    from operators.windows.columns import Passage

FORGET = 3600.0
MANY_A_PANE = 8
"""So many readings of a signal in a batch and a pane are worth their sorting by signal."""
_INF = math.inf


class WindowSettings(NamedTuple):
    """Names of statistics and of the fields that keep windows apart, and the spans.

    `every` in seconds with `panes` to a window, or the `gap` in seconds that ends a session.
    """

    calculate: tuple[str, ...]
    by: tuple[str, ...]
    every: float = 0.0
    panes: int = 1
    gap: float = 0.0


class Windows(Logic):
    """State is the open panes of each signal.

    A signal without open windows is freed an hour or two after its last reading. Up to version 2
    panes were numbered from the epoch.
    """

    VERSION = 3

    def __init__(self, settings: WindowSettings, context: StepContext) -> None:
        super().__init__()
        self.settings = settings
        self.lateness = context.lateness
        self.keep = any(percentile(name) is not None for name in settings.calculate)
        self.spread = "stddev" in settings.calculate
        self.timers: Rounds[Signal] = Rounds()
        self._step = context.step
        self._statistics = [(name, statistic(name)) for name in settings.calculate]
        self._counts_all = set(settings.calculate) == {"count"}
        self.signals: dict[tuple[str, ...], Signal] = {}
        self._first: dict[str, Signal] = {}
        self.highest = -math.inf
        self._sweep = math.inf

    def on_batch(self, events: Sequence[Event], now: Now) -> list[Event]:
        """Take events in order of arrival."""
        out: list[Event] = []
        passage = self._passage(events)
        if passage is None:
            self.look(as_list(events), out)
        else:
            passage.go(out)
        return out

    def _passage(self, events: Sequence[Event]) -> "Passage | None":
        """The way through columns, where most readings only join a pane that is open."""
        if not isinstance(events, LazyEvents) or len(events) < SOME or self.settings.by:
            return None
        from operators.columnar.reading_columns import ReadingColumns
        from operators.windows.columns import Passage

        if not isinstance(events, ReadingColumns) or 2 * len(events.columns.others) > len(events):
            return None
        panes = 1 + (events.newest - events.oldest) / (self.settings.every or _INF)
        is_worth_it = MANY_A_PANE * panes * len(events.subjects()) <= len(events)
        return Passage(self, events, self.settings.gap) if is_worth_it else None

    def look(self, events: list[Event], out: list[Event]) -> None:
        """The loop over events, one by one."""
        first = self._first.get
        lateness, gap = self.lateness, self.settings.gap
        highest = self.highest
        floor = highest - lateness
        fire_at = self.first_due()
        for event in events:
            time = event.time
            if type(event) is Reading:
                signal = first(event.subject)
                metric = event.metric
                while signal is not None and signal.metric != metric:
                    signal = signal.other
                value = event.value
                if (
                    signal is not None
                    and value is not None
                    and floor <= time
                    and signal.last <= time < signal.end
                    and -_INF < value < _INF
                    and event.unit == signal.unit
                    and event.quality == GOOD
                ):
                    signal.last = time
                    pane = signal.pane
                    pane.labels = event.labels
                    fresh = pane.fresh
                    fresh.append(value)
                    if gap:
                        signal.end = time + gap
                    if len(fresh) >= CHUNK:
                        self.settle(signal)
                else:
                    self._take(event, signal, out)
                    fire_at = self.first_due()
            else:
                self._take(event, None, out)
                fire_at = self.first_due()
            if time > highest:
                highest = self.highest = time
                floor = time - lateness
            if floor >= fire_at:
                self.fire(floor, out)
                fire_at = self.first_due()

    def find(self, subject: str, metric: str | None) -> Signal | None:
        """Return the signal of a metric of a subject, where no field keeps windows apart."""
        signal = self._first.get(subject)
        while signal is not None and signal.metric != metric:
            signal = signal.other
        return signal

    def on_time(self, now: Now) -> list[Event]:
        """Act on what is due."""
        out: list[Event] = []
        self.fire(now.event, out)
        self.highest = max(self.highest, now.event + self.lateness)
        return out

    def next_time(self) -> Due:
        """Return the next deadlines."""
        return Due(event=self.first_due())

    # ------------------------------------------------------------------------
    # what kinds of windows differ in
    def pane_of(self, signal: Signal, time: float, out: list[Event]) -> Pane | None:
        """Close what a reading is past; return its pane, or None if that has closed."""
        raise NotImplementedError

    def end_of(self, signal: Signal) -> float:
        """Return before which time the next readings belong to `signal.pane` and close nothing."""
        raise NotImplementedError

    def deadline(self, signal: Signal) -> float:
        """Return when the flow's clock closes the signal's next window, less its lag.

        Infinity if none is open.
        """
        raise NotImplementedError

    def close_next(self, signal: Signal, out: list[Event]) -> None:
        """Close the signal's next window."""
        raise NotImplementedError

    def is_present(self, signal: Signal) -> bool:
        """Whether the pane of the signal's last reading is open."""
        return any(pane is signal.pane for _, pane in self.panes(signal))

    def is_open(self, signal: Signal) -> bool:
        """Whether a window of the signal will close."""
        return bool(signal.windows)

    def is_over(self, signal: Signal, clock: float) -> bool:
        """Whether a signal may be forgotten."""
        age = FORGET + self.settings.every * self.settings.panes + self.settings.gap
        return not signal.windows and signal.last + signal.lag + age <= clock

    def saved(self, windows: Any) -> Any:
        """Return the open windows of a signal as plain data."""
        raise NotImplementedError

    def reload(self, saved: Any) -> Any:
        """Return the windows that `saved` made plain data of."""
        raise NotImplementedError

    def renumber(self, signal: Signal) -> None:
        """Put panes that were numbered from the epoch under their present numbers."""

    def form(self) -> tuple[Any, ...]:
        """Return the settings on which state depends."""
        return (self.settings.every, self.settings.panes, self.settings.by, self.keep, self.spread)

    # ------------------------------------------------------------------------
    # readings
    def _take(self, event: Event, signal: Signal | None, out: list[Event]) -> None:
        """Take any event; `signal` is its signal, where that is known already."""
        value = self._value(event)
        if value is None:
            self.count("not_data")
            return
        if signal is None:
            signal = self._signal(event)
        unit = getattr(event, "unit", None)
        if signal.unit != unit:
            if signal.unit is None or unit is None:
                if not signal.windows:
                    signal.unit = unit or signal.unit
            else:
                try:
                    value = convert(value, unit, signal.unit)
                except ValueError:
                    if signal.windows:
                        self.count("unit")
                        return
                    signal.unit = unit
        self.settle(signal)
        time = event.time
        if self._sweep == _INF:
            self._sweep = (math.floor(time / FORGET) + 1) * FORGET
        pane = self.pane_of(signal, time, out)
        if pane is None:
            self.late.append(event)
            return
        arm = signal.queued == _INF or signal.lag > 0 or time < signal.last
        if time >= signal.last:
            signal.last, signal.pane = time, pane
            if not pane.count:
                pane.first_time, pane.first = time, value
            pane.fresh.append(value)
            pane.labels = getattr(event, "labels", {})
        else:
            if time >= pane.last_time:
                pane.labels = getattr(event, "labels", {})
            pane.take([value], time, time, self.spread, self.keep)
        signal.lag = max(0.0, self.highest - self.lateness - time)
        signal.end = -_INF if signal.lag else self.end_of(signal)
        if arm:
            self.arm(signal)

    def _value(self, event: Event) -> float | None:
        if isinstance(event, (Reading, Summary)):
            value = number_of(event) if event.quality == "good" else None
            return value if value is not None and math.isfinite(value) else None
        return 0.0 if self._counts_all else None

    def _signal(self, event: Event) -> Signal:
        by = self.settings.by
        texts = [text(field(event, name)) for name in by]
        key = (*signal_of(event), *texts)
        signal = self.signals.get(key)
        return signal or self.add(
            key, {n.removeprefix("label."): t for n, t in zip(by, texts, strict=True)}
        )

    def add(self, key: tuple[str, ...], by: dict[str, str]) -> Signal:
        """Make the state of a signal; `by` are the values that keep it apart."""
        signal = self.signals[key] = Signal(key, by, self._step)
        signal.windows = self.reload([])
        if not self.settings.by:
            signal.other = self._first.get(key[0])
            self._first[key[0]] = signal
        return signal

    def _free(self, signal: Signal) -> None:
        if signal.waiting is not None:
            signal.waiting.lose()
        del self.signals[signal.key]
        subject = signal.key[0]
        before = self._first.get(subject)
        if before is signal:
            if signal.other is None:
                del self._first[subject]
            else:
                self._first[subject] = signal.other
            return
        while before is not None and before.other is not signal:
            before = before.other
        if before is not None:
            before.other = signal.other

    def settle(self, signal: Signal) -> None:
        """Work in the values that came last."""
        signal.pane.settle(signal.last, self.spread, self.keep)

    # ------------------------------------------------------------------------
    # time
    def first_due(self) -> float:
        """Return before which time nothing is due."""
        return min(self.timers.first(), self._sweep)

    def arm(self, signal: Signal) -> None:
        """See to it that the signal's next window closes in time."""
        self.timers.arm(signal, self.deadline(signal) + signal.lag)

    def fire(self, limit: float, out: list[Event]) -> None:
        """Close what is due at `limit`."""
        for deadline, signals in self.timers.due(limit):
            for signal in signals:
                if signal.waiting is not None:
                    signal.waiting.work_in()
                if not self.is_open(signal):
                    continue
                if self.deadline(signal) + signal.lag <= deadline:
                    self.settle(signal)
                    self.close_next(signal, out)
                    is_present = not signal.lag and self.is_present(signal)
                    signal.end = self.end_of(signal) if is_present else -_INF
                if self.is_open(signal):
                    self.arm(signal)
        if self._sweep <= limit:
            self._free_idle(limit)

    def _free_idle(self, clock: float) -> None:
        for signal in list(self.signals.values()):
            if signal.waiting is not None:
                signal.waiting.work_in()
            if self.is_over(signal, clock):
                self._free(signal)
        self._sweep = (math.floor(clock / FORGET) + 1) * FORGET if self.signals else _INF

    def summary(self, signal: Signal, pane: Pane, start: float, end: float) -> Summary:
        """Return the summary of a window from `start` to `end`.

        A number too large for a float is left out.
        """
        values = {name: number(pane) for name, number in self._statistics}
        if not all(map(math.isfinite, values.values())):
            self.count("overflow")
            values = {name: value for name, value in values.items() if math.isfinite(value)}
        return Summary(
            id=f"{signal.prefix}{end}",
            time=end,
            start=start,
            subject=signal.key[0],
            metric=signal.metric,
            values=values,
            unit=signal.unit,
            labels={**pane.labels, **signal.by} if signal.by else pane.labels,
        )

    # ------------------------------------------------------------------------
    # snapshot
    def snapshot(self) -> object:
        """Return the state as plain data."""
        signals = []
        for s in self.signals.values():
            current = next((n for n, (_, pane) in enumerate(self.panes(s)) if pane is s.pane), -1)
            times = (s.next, s.last, s.lag, s.end)
            empty = (s.since, dict(s.labels))
            signals.append(
                (s.key, dict(s.by), *times, s.unit, current, self.saved(s.windows), *empty)
            )
        return self.form(), (self.highest, self._sweep), signals

    def panes(self, signal: Signal) -> list[tuple[Any, Pane]]:
        """Return the open panes of a signal, each with what tells it from the others."""
        raise NotImplementedError

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        form, clock, signals = state
        if tuples(form) != tuples(self.form()):
            return
        self.highest, self._sweep = (clock, clock) if version == 1 else clock
        self.signals, self._first = {}, {}
        self.timers = Rounds()
        for saved in signals:
            key, by, next_end, last, lag, *more = saved
            signal = self.add(tuple(key), dict(by))
            signal.next, signal.last, signal.lag = next_end, last, lag
            if version == 1:
                signal.unit, labels, panes = more
                signal.windows = {number: Pane.of_version_1(pane, labels) for number, pane in panes}
            else:
                signal.end, signal.unit, current, windows, *empty = more
                if empty:
                    signal.since, signal.labels = empty[0], dict(empty[1])
                signal.windows = self.reload(windows)
                signal.pane = self.panes(signal)[current][1] if current >= 0 else Pane()
            if version < 3:
                self.renumber(signal)
            if self.is_open(signal):
                self.arm(signal)
