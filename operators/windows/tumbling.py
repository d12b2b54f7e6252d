"""Tumbling and sliding windows, for `window` with `every`.

Panes are as long as `every`; windows are put together from them as they close. Where nothing but
the count is asked for, a window of a known signal in which nothing came is a count of 0.
"""

import math
from collections.abc import Sequence
from typing import Any

from operators.component import Due, Now, StepContext
from operators.events import Event
from operators.model.local_time import DAY, Grid
from operators.windows.base import Windows, WindowSettings
from operators.windows.pane import Pane
from operators.windows.signal import Signal

FORGET_COUNTED = 7 * DAY
"""Seconds for which windows of a signal go on that came once and that no table lists."""
MOST_EMPTY = 100
"""So many windows without readings are told of one signal when time leaps."""


class WindowLogic(Windows):
    """Tumbling and sliding windows.

    `windows` of a signal are its panes by number, as the grid of `every` in the site's zone has it.
    """

    def __init__(self, settings: WindowSettings, context: StepContext) -> None:
        super().__init__(settings, context)
        self._grid = Grid(settings.every, context.timezone)
        self._counts_none = settings.calculate == ("count",)
        is_listed = self._counts_none and not settings.by
        self._listed = (
            {(subject, metric) for subject in context.known for metric in context.metrics}
            if is_listed
            else set()
        )
        self._waits = bool(self._listed)
        self._earliest = -math.inf

    def on_batch(self, events: Sequence[Event], now: Now) -> list[Event]:
        """Take events in order of arrival."""
        if self._waits:
            self._expect(now)
        return super().on_batch(events, now)

    def on_time(self, now: Now) -> list[Event]:
        """Act on what is due."""
        if self._waits:
            self._expect(now)
        return super().on_time(now)

    def next_time(self) -> Due:
        """Return the next deadlines; the start, until it has come."""
        return Due(wall=-math.inf) if self._waits else super().next_time()

    def _expect(self, now: Now) -> None:
        """Let windows of the signals that tables list count from the next whole one on."""
        self._waits = False
        at = now.event if now.event > -math.inf else now.wall
        first = self._grid.number(at)
        first += self._grid.start(first) < at
        for key in sorted(self._listed):
            if key not in self.signals and self.owns(key[0]):
                signal = self.add(key, {})
                signal.next, signal.since = first, first + self.settings.panes - 1
                self.arm(signal)

    def fire(self, limit: float, out: list[Event]) -> None:
        """Close what is due at `limit`; a long leap is not filled with counts of 0."""
        if self._counts_none and limit > -math.inf:
            self._earliest = self._grid.number(limit) - MOST_EMPTY
        super().fire(limit, out)

    def is_open(self, signal: Signal) -> bool:
        """Whether a window of the signal will close."""
        if super().is_open(signal) or not self._counts_none:
            return super().is_open(signal)
        if signal.key in self._listed:
            return True
        if signal.next == -math.inf or signal.last == -math.inf:
            return False
        return self._grid.start(int(signal.next)) < signal.last + signal.lag + FORGET_COUNTED

    def is_over(self, signal: Signal, clock: float) -> bool:
        """Whether a signal may be forgotten."""
        return not self.is_open(signal) and super().is_over(signal, clock)

    def pane_of(self, signal: Signal, time: float, out: list[Event]) -> Pane | None:
        """Return the pane of a reading, after closing what it is past."""
        before = self._grid.number(time - self.lateness)
        number = self._grid.number(time)
        if not self.is_open(signal):
            signal.since = number
        if before > signal.next:
            while self.is_open(signal) and self._next_end(signal) < before:
                self.close_next(signal, out)
            signal.next = max(signal.next, before)
        if number + self.settings.panes <= signal.next:
            return None
        pane: Pane | None = signal.windows.get(number)
        if pane is None:
            pane = signal.windows[number] = Pane()
        return pane

    def end_of(self, signal: Signal) -> float:
        """Return before which time readings belong to `signal.pane`."""
        start, number = self._grid.start, self._grid.number(signal.last)
        return min(start(number + 1), start(int(signal.next) + 1) + self.lateness)

    def deadline(self, signal: Signal) -> float:
        """Return when something is due next."""
        return self._grid.start(self._next_end(signal) + 1)

    def _next_end(self, signal: Signal) -> int:
        """Return the number of the pane with which the first open window ends that counts."""
        if self._counts_none:
            return int(signal.next)
        return int(
            signal.next if signal.next in signal.windows else max(signal.next, min(signal.windows))
        )

    def close_next(self, signal: Signal, out: list[Event]) -> None:
        """Close the signal's next window."""
        end = self._next_end(signal)
        panes = self.settings.panes
        oldest = end - panes + 1
        inside = [signal.windows[number] for number in sorted(signal.windows) if number <= end]
        signal.windows.pop(oldest, None)
        signal.next = end + 1
        if inside:
            whole = Pane.merged(inside, self.spread, self.keep) if len(inside) > 1 else inside[0]
            signal.labels = whole.labels if self._counts_none else {}
        elif end < max(signal.since, self._earliest):
            signal.next = max(signal.next, min(self._earliest, *signal.windows, math.inf))
            return
        else:
            whole = Pane()
            whole.labels = signal.labels
        start = self._grid.start
        out.append(self.summary(signal, whole, start(oldest), start(end + 1)))

    def renumber(self, signal: Signal) -> None:
        """Put panes that were numbered from the epoch under the numbers of the site's clock."""
        if self._grid.is_plain:
            return
        self.settle(signal)
        found: dict[int, list[Pane]] = {}
        for number in sorted(signal.windows):
            pane = signal.windows[number]
            found.setdefault(self._grid.number(pane.last_time), []).append(pane)
        signal.windows = {
            number: panes[0] if len(panes) == 1 else Pane.merged(panes, self.spread, self.keep)
            for number, panes in found.items()
        }
        if signal.next > -math.inf:
            signal.next = self._grid.number(signal.next * self.settings.every)
        signal.pane, signal.end = Pane(), -math.inf

    def panes(self, signal: Signal) -> list[tuple[Any, Pane]]:
        """Return the open panes of a signal."""
        return list(signal.windows.items())

    def saved(self, windows: Any) -> Any:
        """Return open windows as plain data."""
        return [(number, pane.state()) for number, pane in windows.items()]

    def reload(self, saved: Any) -> Any:
        """Return the windows that `saved` made plain data of."""
        return {number: Pane.of(state) for number, state in saved}
