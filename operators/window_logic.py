"""The logic of `window`: panes as long as `every`, from which windows are put together as they close."""

import math
from typing import Any, NamedTuple

from operators.component import Due, Logic, Now, StepContext
from operators.events import Event, Reading, Summary
from operators.fields import field, number_of, signal_of, text
from operators.quantity import convert
from operators.timers import Timers

FORGET = 3600.0
_INF = math.inf


class Pane:
    """What is known of the readings of one pane, or of several merged. Mean and variance after Welford and Chan."""

    __slots__ = ("count", "first", "first_time", "last", "last_time", "max", "mean", "min", "squares", "sum", "values")

    def __init__(self) -> None:
        self.count = 0
        self.sum = self.mean = self.squares = 0.0
        self.min, self.max = math.inf, -math.inf
        self.first = self.last = 0.0
        self.first_time, self.last_time = math.inf, -math.inf
        self.values: list[float] = []

    def add(self, time: float, value: float, spread: bool, keep: bool) -> None:
        """Take one reading; `spread` is wanted for the standard deviation, `keep` for percentiles."""
        self.count += 1
        self.sum += value
        if value < self.min:
            self.min = value
        if value > self.max:
            self.max = value
        if time < self.first_time:
            self.first_time, self.first = time, value
        if time >= self.last_time:
            self.last_time, self.last = time, value
        if spread:
            delta = value - self.mean
            self.mean += delta / self.count
            self.squares += delta * (value - self.mean)
        if keep:
            self.values.append(value)

    def merge(self, later: "Pane") -> None:
        """Take in a pane of later readings."""
        count = self.count + later.count
        delta = later.mean - self.mean
        self.mean += delta * later.count / count
        self.squares += later.squares + delta * delta * self.count * later.count / count
        if self.count == 0:
            self.first_time, self.first = later.first_time, later.first
        self.count = count
        self.sum += later.sum
        self.min = min(self.min, later.min)
        self.max = max(self.max, later.max)
        self.last_time, self.last = later.last_time, later.last
        self.values += later.values

    def statistic(self, name: str) -> float:
        if name == "delta":
            return self.last - self.first
        if name == "spread":
            return self.max - self.min
        if name == "stddev":
            return math.sqrt(self.squares / self.count)
        if name == "p95":
            return sorted(self.values)[math.ceil(0.95 * self.count) - 1]
        if name == "mean":
            return self.sum / self.count
        return float(getattr(self, name))

    def state(self) -> tuple[Any, ...]:
        return (*(getattr(self, name) for name in self.__slots__ if name != "values"), tuple(self.values))

    @classmethod
    def of(cls, state: tuple[Any, ...]) -> "Pane":
        pane = cls()
        *numbers, values = state
        for name, number in zip((n for n in cls.__slots__ if n != "values"), numbers, strict=True):
            setattr(pane, name, number)
        pane.values = list(values)
        return pane


_NO_PANE = Pane()
_GOOD = Reading(id="", time=0.0, subject="", metric="").quality


class WindowSettings(NamedTuple):
    """Seconds of `every`, panes to a window, names of statistics and of the fields that keep windows apart."""

    every: float
    panes: int
    calculate: tuple[str, ...]
    by: tuple[str, ...]


class _Signal:
    """Open panes by number. Windows that end with a pane below `next` are closed; `lag` is how far the signal's last reading
    was behind those of the others. A reading from `start` to `end` belongs to `pane` and closes nothing."""

    __slots__ = ("by", "end", "key", "labels", "lag", "last", "next", "pane", "panes", "queued", "start", "unit")

    def __init__(self, key: tuple[str, ...], by: dict[str, str]) -> None:
        self.key = key
        self.by = by
        self.queued = math.inf
        self.panes: dict[int, Pane] = {}
        self.pane = _NO_PANE
        self.start = self.end = math.inf
        self.next: float = -math.inf
        self.last = -math.inf
        self.lag = 0.0
        self.unit: str | None = None
        self.labels: dict[str, str] = {}


class WindowLogic(Logic):
    """State is the open panes of each signal. An idle signal is freed an hour after its last window."""

    def __init__(self, settings: WindowSettings, context: StepContext) -> None:
        super().__init__()
        self._settings = settings
        self._step = context.step
        self._lateness = context.lateness
        self._keep = "p95" in settings.calculate
        self._spread = "stddev" in settings.calculate
        self._form = (settings.every, settings.panes, settings.by, self._keep, self._spread)
        self._signals: dict[tuple[str, ...], _Signal] = {}
        self._timers: Timers[_Signal] = Timers()
        self._highest = -math.inf

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        out: list[Event] = []
        get = self._signals.get
        take = self._take
        plain, spread, keep = not self._settings.by, self._spread, self._keep
        lateness, highest = self._lateness, self._highest
        fire_at = self._timers.first() + lateness
        for event in events:
            time = event.time
            if plain and type(event) is Reading:
                signal = get((event.subject, event.metric))
                value = event.value
                if (
                    signal is not None
                    and value is not None
                    and not signal.lag
                    and signal.start <= time < signal.end
                    and highest - lateness <= time
                    and -_INF < value < _INF
                    and event.unit == signal.unit
                    and event.quality == _GOOD
                ):
                    signal.pane.add(time, value, spread, keep)
                    if time > signal.last:
                        signal.last = time
                    signal.labels = event.labels
                else:
                    take(event, out)
                    fire_at = self._timers.first() + lateness
            else:
                take(event, out)
                fire_at = self._timers.first() + lateness
            if time > highest:
                highest = self._highest = time
            if highest >= fire_at:
                self._fire(highest - lateness, out)
                fire_at = self._timers.first() + lateness
        return out

    def on_time(self, now: Now) -> list[Event]:
        out: list[Event] = []
        self._fire(now.event, out)
        self._highest = max(self._highest, now.event + self._lateness)
        return out

    def next_time(self) -> Due:
        return Due(event=self._timers.first())

    def _take(self, event: Event, out: list[Event]) -> None:
        value = number_of(event) if isinstance(event, (Reading, Summary)) and event.quality == "good" else None
        if value is None or not math.isfinite(value):
            self.count("not_data")
            return
        assert isinstance(event, (Reading, Summary))
        signal = self._signal(event)
        if signal.unit != event.unit:
            if not signal.panes:
                signal.unit = event.unit
            elif signal.unit is not None and event.unit is not None:
                try:
                    value = convert(value, event.unit, signal.unit)
                except ValueError:
                    self.count("unit")
                    return
        every = self._settings.every
        self._close(signal, math.floor((event.time - self._lateness) / every), out)
        number = math.floor(event.time / every)
        if number + self._settings.panes <= signal.next:
            self.late.append(event)
            return
        pane = signal.panes.get(number)
        if pane is None:
            pane = signal.panes[number] = Pane()
        pane.add(event.time, value, self._spread, self._keep)
        signal.last = max(signal.last, event.time)
        signal.lag = max(0.0, self._highest - self._lateness - event.time)
        signal.labels = event.labels
        self._arm(signal)
        signal.pane, signal.start = pane, number * every
        signal.end = min((number + 1) * every, (signal.next + 1) * every + self._lateness)

    def _signal(self, event: Reading | Summary) -> _Signal:
        by = self._settings.by
        texts = [text(field(event, name)) for name in by]
        key = (*signal_of(event), *texts)
        signal = self._signals.get(key)
        if signal is None:
            signal = self._signals[key] = _Signal(
                key, {n.removeprefix("label."): t for n, t in zip(by, texts, strict=True)}
            )
        return signal

    def _arm(self, signal: _Signal) -> None:
        self._timers.arm(signal, self._deadline(signal))

    def _deadline(self, signal: _Signal) -> float:
        """When the flow's clock closes the signal's next window, or frees it."""
        if not signal.panes:
            return signal.last + FORGET + signal.lag + self._settings.every * self._settings.panes
        return (self._first_end(signal) + 1) * self._settings.every + signal.lag

    def _first_end(self, signal: _Signal) -> int:
        """The number of the pane with which the first window ends that has readings and is still open."""
        return int(max(signal.next, min(signal.panes)))

    def _fire(self, limit: float, out: list[Event]) -> None:
        for deadline, signal in self._timers.due(limit):
            if self._deadline(signal) <= deadline:
                if not signal.panes:
                    del self._signals[signal.key]
                    continue
                self._close(signal, self._first_end(signal) + 1, out)
            self._arm(signal)

    def _close(self, signal: _Signal, before: int, out: list[Event]) -> None:
        """Emit the windows that end with a pane whose number is below `before`."""
        panes = signal.panes
        while panes and (end := self._first_end(signal)) < before:
            oldest = end - self._settings.panes + 1
            inside = sorted(number for number in panes if oldest <= number <= end)
            out.append(self._summary(signal, end, inside))
            signal.next = end + 1
            signal.end = -_INF
            if oldest in panes:
                del panes[oldest]
        signal.next = max(signal.next, before)

    def _summary(self, signal: _Signal, end: int, inside: list[int]) -> Summary:
        settings = self._settings
        whole = signal.panes[inside[0]]
        if len(inside) > 1:
            whole = Pane()
            for number in inside:
                whole.merge(signal.panes[number])
        time = (end + 1) * settings.every
        return Summary(
            id=f"{'/'.join(signal.key)}/{self._step}/{time}",
            time=time,
            start=time - settings.every * settings.panes,
            subject=signal.key[0],
            metric=signal.key[1],
            values={name: whole.statistic(name) for name in settings.calculate},
            unit=signal.unit,
            labels={**signal.labels, **signal.by},
        )

    def snapshot(self) -> object:
        signals = [
            (
                s.key, dict(s.by), s.next, s.last, s.lag, s.unit, dict(s.labels),
                [(number, pane.state()) for number, pane in s.panes.items()],
            )
            for s in self._signals.values()
        ]  # fmt: skip
        return self._form, self._highest, signals

    def restore(self, state: Any, version: int) -> None:
        form, highest, signals = state
        if form != self._form:
            return
        self._highest = highest
        self._signals = {}
        self._timers = Timers()
        for key, by, next_end, last, lag, unit, labels, panes in signals:
            signal = self._signals[key] = _Signal(key, dict(by))
            signal.next, signal.last, signal.lag, signal.unit, signal.labels = next_end, last, lag, unit, dict(labels)
            signal.panes = {number: Pane.of(pane) for number, pane in panes}
            self._arm(signal)
