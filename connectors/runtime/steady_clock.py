"""The wall clock of a process, kept from the jumps of the host's clock.

Spans run on the monotonic clock. The host's clock corrects it as long as it differs by little; a
jump is told once and followed if it lasts.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

log = logging.getLogger("vigie")

TOLERATED = 1.0
"""Seconds by which the host's clock may be corrected at once."""
LASTS = 60.0
"""Seconds after which a jump of the host's clock is believed."""
SLOWED = 0.5
"""The share of its speed at which time goes on while the host's clock is behind it."""

_RUNS = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

Anchor = tuple[str, float, float]
"""The boot of the host, its monotonic clock and the wall clock at one instant."""


class SteadyClock:
    """Epoch seconds that never go back and never leap by a jump that is over within a minute.

    A jump ahead that lasts is followed at once after that. Behind it, time goes on at half its
    speed until the host's clock has caught up, so that no timer stands still.
    """

    def __init__(
        self,
        host: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = lambda: time.clock_gettime(_RUNS),
        boot: str | None = None,
    ) -> None:
        self._host, self._monotonic = host, monotonic
        self._boot = boot
        self._lock = threading.Lock()
        self._at, self._wall = monotonic(), host()
        self._jump: tuple[float, float] | None = None

    def __call__(self) -> float:
        """The time now."""
        return self._read()[0]

    @property
    def offset(self) -> float:
        """How far the host's clock is ahead of this one."""
        now, host = self._read()
        return host - now

    def anchor(self) -> Anchor:
        """What `resume` needs, in another process of the same boot."""
        return self._boot or _boot(), self._monotonic(), self()

    def resume(self, anchor: Anchor) -> None:
        """Go on from an earlier process, so that a jump meanwhile is seen as one."""
        boot, at, wall = anchor
        with self._lock:
            if boot == (self._boot or _boot()) and at <= self._monotonic():
                self._at, self._wall = at, wall

    def _read(self) -> tuple[float, float]:
        with self._lock:
            at, host = self._monotonic(), self._host()
            ran = max(0.0, at - self._at)
            wall = self._wall + ran
            ahead = host - wall
            if abs(ahead) <= TOLERATED:
                self._jump = None
                wall = max(host, self._wall)
            elif self._lasts(at, ahead):
                wall = host if ahead > 0 else max(host, self._wall + ran * SLOWED)
            self._at, self._wall = at, wall
            return wall, host

    def _lasts(self, at: float, ahead: float) -> bool:
        """Whether the host's clock has been away for so long that it is believed."""
        if self._jump is None or (ahead > 0) != (self._jump[1] > 0):
            log.warning(
                "the host's clock has jumped by %+.0f s; time goes on without the jump, and follows"
                " it if it lasts for a minute",
                ahead,
            )
            self._jump = (at, ahead)
        return at - self._jump[0] >= LASTS


@cache
def _boot() -> str:
    """Tells this run of the host from others."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


now = SteadyClock()
"""The wall clock of this process: of arrival, and of the timers of people."""
