"""When a picture was taken: from the stream's own times, held to the arrival, in plain arithmetic.

A stream's times (PTS) have no beginning that means anything, and its clock is a little fast or
slow, but the intervals between its pictures are exact. Arrivals are late by what the network takes,
but never early. So the offset between both is that of the picture that came quickest: it falls at
once, and rises slowly.
"""

from collections import deque

from connectors.runtime.steady_clock import SLOWED

SLEW = 0.001
"""Seconds by which the offset may rise a second: more than the clock of any camera is slow."""
WINDOW = 20.0
"""Seconds in which some picture is not delayed."""
LATE = 10.0
"""Seconds; a picture later than that is from a stream whose times jumped."""
BACK = 0.5
"""Seconds by which times may go back: pictures come in another order than they are shown."""
STEP = 0.5
"""Seconds; a wall clock that is off by more was set by somebody, not corrected."""
CATCH_UP = 1 - SLOWED
"""Seconds a second by which event times are slower while the wall clock is behind them: as the
clock of the process is, so that no picture is ahead of it."""
LEAST = 0.001
"""Seconds between two pictures of a camera."""


class WallClock:
    """Epoch seconds that run with a monotonic clock and never go back.

    They follow the wall clock: slowly while it is corrected, at once if it is set forward, at
    half of the speed if it was set back.
    """

    def __init__(self) -> None:
        self._base: float | None = None
        self._at = 0.0

    def base(self, monotonic: float, wall: float) -> float:
        """What to add to the monotonic clock now, given both clocks' present times."""
        wanted = wall - monotonic
        passed = max(0.0, monotonic - self._at)
        self._at = max(self._at, monotonic)
        if self._base is None or wanted > self._base + STEP:
            self._base = wanted
        elif wanted < self._base:
            rate = CATCH_UP if wanted < self._base - STEP else SLEW
            self._base = max(wanted, self._base - passed * rate)
        else:
            self._base = min(wanted, self._base + passed * SLEW)
        return self._base


class EventClock:
    """The times of one camera's pictures; they rise by at least a millisecond, whatever happens.

    `arrived` is told each packet or picture as it comes, `time_of` converts a stream's time, `next`
    gives the strictly rising time of a picture. Times in seconds; `pts` None is a stream without
    times, whose pictures have that of their arrival.
    """

    def __init__(self) -> None:
        self._wall = WallClock()
        self._base = 0.0
        self._offset: float | None = None
        self._highest = 0.0
        self._last_arrival = 0.0
        self._delays: deque[tuple[float, float]] = deque()
        self._last = 0.0
        self.jumps = 0

    def restart(self) -> None:
        """Another connection begins: nothing is known of its times."""
        self._offset = None
        self._delays.clear()

    def arrived(self, pts: float | None, monotonic: float, wall: float) -> None:
        """Something with the time `pts` came at these times of both clocks."""
        self._base = self._wall.base(monotonic, wall)
        passed = max(0.0, monotonic - self._last_arrival)
        self._last_arrival = monotonic
        if pts is None:
            return
        seen = monotonic - pts
        if self._offset is not None and (
            pts < self._highest - BACK or seen - self._offset > LATE or pts - self._highest > LATE
        ):
            self.jumps += 1
            self.restart()
        if self._offset is None:
            self._offset, self._highest = seen, pts
        self._highest = max(self._highest, pts)
        while self._delays and self._delays[-1][1] >= seen:
            self._delays.pop()
        self._delays.append((monotonic, seen))
        while self._delays[0][0] < monotonic - WINDOW:
            self._delays.popleft()
        least = self._delays[0][1]
        self._offset = min(least, self._offset + passed * SLEW)

    def time_of(self, pts: float | None) -> float:
        """The event time of a stream's time, in epoch seconds."""
        if pts is None or self._offset is None:
            return self._base + self._last_arrival
        return self._base + min(pts + self._offset, self._last_arrival)

    def next(self, pts: float | None) -> float:
        """The event time of the next picture, rounded to milliseconds."""
        self._last = round(max(self.time_of(pts), self._last + LEAST), 3)
        return self._last
