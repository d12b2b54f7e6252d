"""How hard a run is, and when each flow is killed; the moments are random but the same for the
same seed.
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Each source sends `rate` events a second. Each flow is killed `kills` times, at most
    `pause` seconds apart; each service is away for `outage` seconds, `together` of them at the
    same time, and after each fault the run waits `quiet` seconds at most until all have caught
    up."""

    rate: float
    kills: int
    pause: float
    outage: float
    together: int
    quiet: float
    full_disk: bool
    seed: int = 1


FULL = Scale(rate=40, kills=10, pause=12.0, outage=20.0, together=1, quiet=60.0, full_disk=True)
SHORT = Scale(rate=20, kills=1, pause=4.0, outage=3.0, together=3, quiet=1.0, full_disk=False)


def kill_times(scale: Scale, sources: list[str]) -> list[tuple[float, str]]:
    """(seconds from the start, source) of every kill, in order: each flow has its own random
    moments.
    """
    chance = random.Random(scale.seed)
    times = []
    for source in sources:
        at = 0.0
        for _ in range(scale.kills):
            at += chance.uniform(0.2, scale.pause)
            times.append((at, source))
    return sorted(times)
