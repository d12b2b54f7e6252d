"""Tumbling and sliding windows, for `window` with `every`.

Panes are as long as `every`; windows are put together from them as they close.
"""

import math
from typing import Any

from operators.component import StepContext
from operators.events import Event
from operators.model.local_time import Grid
from operators.windows.base import Signal, Windows, WindowSettings
from operators.windows.pane import Pane


class WindowLogic(Windows):
    """Tumbling and sliding windows.

    `windows` of a signal are its panes by number, as the grid of `every` in the site's zone has it.
    """

    def __init__(self, settings: WindowSettings, context: StepContext) -> None:
        super().__init__(settings, context)
        self._grid = Grid(settings.every, context.timezone)

    def pane_of(self, signal: Signal, time: float, out: list[Event]) -> Pane | None:
        """Return the pane of a reading, after closing what it is past."""
        before = self._grid.number(time - self.lateness)
        if before > signal.next:
            while signal.windows and self._next_end(signal) < before:
                self.close_next(signal, out)
            signal.next = max(signal.next, before)
        number = self._grid.number(time)
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
        """Return the number of the pane with which the first open window ends that has readings."""
        return int(
            signal.next if signal.next in signal.windows else max(signal.next, min(signal.windows))
        )

    def close_next(self, signal: Signal, out: list[Event]) -> None:
        """Close the signal's next window."""
        end = self._next_end(signal)
        panes = self.settings.panes
        oldest = end - panes + 1
        if panes == 1:
            whole = signal.windows.pop(end)
        else:
            inside = [signal.windows[number] for number in sorted(signal.windows) if number <= end]
            whole = Pane.merged(inside, self.spread, self.keep) if len(inside) > 1 else inside[0]
            signal.windows.pop(oldest, None)
        signal.next = end + 1
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

    def _panes(self, signal: Signal) -> list[tuple[Any, Pane]]:
        return list(signal.windows.items())

    def saved(self, windows: Any) -> Any:
        """Return open windows as plain data."""
        return [(number, pane.state()) for number, pane in windows.items()]

    def reload(self, saved: Any) -> Any:
        """Return the windows that `saved` made plain data of."""
        return {number: Pane.of(state) for number, state in saved}
