"""Base class of steps that compare each reading of a signal with the ones before it."""

import math
from typing import Any

from operators.component import Now, StepContext
from operators.events import Event, Reading
from operators.model.fields import signal_of
from operators.model.keyed_logic import Entry, KeyedLogic
from operators.model.units import convert


class SignalLogic(KeyedLogic[Entry]):
    """State of a signal (subject and metric): time of its last reading, unit, and what is kept.

    A signal from which nothing came for `keep` seconds begins anew; it is freed within another such
    span. Readings without a good number are counted as `not_data`, those in a unit of another kind
    than the signal's first as `unit`.
    """

    def __init__(self, keep: float, context: StepContext) -> None:
        super().__init__(context)
        self._keep = keep
        self._lateness = context.lateness
        self._signals: dict[tuple[str, str], tuple[float, tuple[str | None, Any]]] = {}

    def take_value(
        self, event: Reading, value: float, unit: str | None, before: Any, out: list[Event]
    ) -> Any:
        """Take a reading whose value in the signal's unit is `value`.

        Returns what to pass as `before` with the next one (None with the first), or None to leave
        the state as it was.
        """
        raise NotImplementedError

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        """Take events one by one."""
        out: list[Event] = []
        for event in events:
            time = event.time
            if time - self._lateness >= self.sweep_at:
                self.sweep(time - self._lateness)
            key = signal_of(event)
            last, state = self._signals.get(key, (-math.inf, None))
            if time < last:
                self.late.append(event)
                continue
            if not isinstance(event, Reading):
                self.count("not_data")
                continue
            if state is None or time - last > self._keep:
                state = (event.unit, None)
            unit, before = state
            value = self._value(event, unit)
            if value is None:
                continue
            kept = self.take_value(event, value, unit, before, out)
            if kept is None:
                continue
            self._signals[key] = (time, (unit, kept))
            if self.sweep_at == math.inf:
                self.sweep_at = time + self._keep
        return out

    def _value(self, event: Reading, unit: str | None) -> float | None:
        value = event.value
        if value is None or event.quality != "good" or not math.isfinite(value):
            self.count("not_data")
            return None
        if event.unit == unit or event.unit is None or unit is None:
            return value
        try:
            return convert(value, event.unit, unit)
        except ValueError:
            self.count("unit")
            return None

    def sweep(self, clock: float) -> None:
        """Free the signals from which nothing came for `keep`."""
        for key in [key for key, (last, _) in self._signals.items() if last + self._keep < clock]:
            del self._signals[key]
        self.sweep_at = clock + self._keep if self._signals else math.inf

    def snapshot(self) -> object:
        """Return (time, (unit, kept)) by signal, and the time of the next sweep."""
        return dict(self._signals), self.sweep_at

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        signals, self.sweep_at = state
        self._signals = dict(signals)
