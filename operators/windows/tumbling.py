"""The logic of `window` with `every`: panes as long as `every`, from which windows are put
together as they close.
"""

import math
from typing import Any

from operators.events import Event
from operators.windows.base import Signal, Windows
from operators.windows.pane import Pane


class WindowLogic(Windows):
    """Tumbling and sliding windows. `windows` of a signal are its panes by number, as multiples
    of `every`.
    """

    def place(self, signal: Signal, time: float, out: list[Event]) -> Pane | None:
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
        every = self.settings.every
        return min(
            (math.floor(signal.last / every) + 1) * every, (signal.next + 1) * every + self.lateness
        )

    def deadline(self, signal: Signal) -> float:
        return (self._next_end(signal) + 1) * self.settings.every

    def _next_end(self, signal: Signal) -> int:
        """The number of the pane with which the first window ends that has readings and is still
        open.
        """
        return int(
            signal.next if signal.next in signal.windows else max(signal.next, min(signal.windows))
        )

    def close_next(self, signal: Signal, out: list[Event]) -> None:
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
        return [(number, pane.state()) for number, pane in windows.items()]

    def reload(self, saved: Any) -> Any:
        return {number: Pane.of(state) for number, state in saved}
