"""Tumbling and sliding windows, for `window` with `every`.

Panes are as long as `every`; windows are put together from them as they close.
"""

import math
from typing import Any

from operators.events import Event
from operators.windows.base import Signal, Windows
from operators.windows.pane import Pane


class WindowLogic(Windows):
    """Tumbling and sliding windows.

    `windows` of a signal are its panes by number, as multiples of `every`.
    """

    def pane_of(self, signal: Signal, time: float, out: list[Event]) -> Pane | None:
        """Return the pane of a reading, after closing what it is past."""
        every = self.settings.every
        before = math.floor((time - self.lateness) / every)
        if before > signal.next:
            while signal.windows and self._next_end(signal) < before:
                self.close_next(signal, out)
            signal.next = max(signal.next, before)
        number = math.floor(time / every)
        if number + self.settings.panes <= signal.next:
            return None
        pane: Pane | None = signal.windows.get(number)
        if pane is None:
            pane = signal.windows[number] = Pane()
        return pane

    def end_of(self, signal: Signal) -> float:
        """Return before which time readings belong to `signal.pane`."""
        every = self.settings.every
        return min(
            (math.floor(signal.last / every) + 1) * every, (signal.next + 1) * every + self.lateness
        )

    def deadline(self, signal: Signal) -> float:
        """Return when something is due next."""
        return (self._next_end(signal) + 1) * self.settings.every

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
        time = (end + 1) * self.settings.every
        out.append(self.summary(signal, whole, time - self.settings.every * panes, time))

    def _panes(self, signal: Signal) -> list[tuple[Any, Pane]]:
        return list(signal.windows.items())

    def saved(self, windows: Any) -> Any:
        """Return open windows as plain data."""
        return [(number, pane.state()) for number, pane in windows.items()]

    def reload(self, saved: Any) -> Any:
        """Return the windows that `saved` made plain data of."""
        return {number: Pane.of(state) for number, state in saved}
