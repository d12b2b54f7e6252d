"""Sessions, for `window` with a `gap`: they end when nothing came for that long."""

from typing import Any

from operators.events import Event
from operators.windows.base import Windows
from operators.windows.pane import Pane
from operators.windows.signal import Signal


class _Session:
    """Readings from `start` to `last`, each less than the gap after the one before."""

    __slots__ = ("last", "pane", "start")

    def __init__(self, start: float, last: float, pane: Pane) -> None:
        self.start = start
        self.last = last
        self.pane = pane


class SessionLogic(Windows):
    """Session windows.

    `windows` of a signal are its open sessions by time; `next` is the end of the last one closed.
    """

    def settle(self, signal: Signal) -> None:
        """Work in the values that came last."""
        if signal.pane.fresh:
            signal.windows[-1].last = signal.last
        super().settle(signal)

    def pane_of(self, signal: Signal, time: float, out: list[Event]) -> Pane | None:
        """Return the pane of a reading, after closing what it is past."""
        gap, sessions = self.settings.gap, signal.windows
        done = time - self.lateness
        while sessions and sessions[0].last + gap <= done:
            self.close_next(signal, out)
        if time < signal.next:
            return None
        touched: list[_Session] = [
            one for one in sessions if one.start - gap < time < one.last + gap
        ]
        if not touched:
            if time + gap <= signal.last - self.lateness:
                return None
            one = _Session(time, time, Pane())
            sessions.append(one)
            sessions.sort(key=lambda session: session.start)
            return one.pane
        whole = touched[0]
        if len(touched) > 1:
            later = touched[1]
            merged = Pane.merged([whole.pane, later.pane], self.spread, self.keep)
            if signal.pane is later.pane:
                signal.pane = merged
            sessions.remove(later)
            whole.pane, whole.last = merged, later.last
        whole.start, whole.last = min(whole.start, time), max(whole.last, time)
        return whole.pane

    def end_of(self, signal: Signal) -> float:
        """Return before which time readings belong to `signal.pane`."""
        return signal.last + self.settings.gap if len(signal.windows) == 1 else -float("inf")

    def deadline(self, signal: Signal) -> float:
        """Return when something is due next."""
        first = signal.windows[0]
        last = signal.last if first.pane is signal.pane else first.last
        return float(last + self.settings.gap)

    def close_next(self, signal: Signal, out: list[Event]) -> None:
        """Close the signal's next window."""
        session = signal.windows.pop(0)
        end = signal.next = session.last + self.settings.gap
        out.append(self.summary(signal, session.pane, session.start, end))

    def form(self) -> tuple[Any, ...]:
        """Return the settings on which state depends."""
        return ("session", self.settings.gap, self.settings.by, self.keep, self.spread)

    def panes(self, signal: Signal) -> list[tuple[Any, Pane]]:
        """Return the open panes of a signal."""
        return [(one, one.pane) for one in signal.windows]

    def saved(self, windows: Any) -> Any:
        """Return open windows as plain data."""
        return [(one.start, one.last, one.pane.state()) for one in windows]

    def reload(self, saved: Any) -> Any:
        """Return the windows that `saved` made plain data of."""
        return [_Session(start, last, Pane.of(state)) for start, last, state in saved]
