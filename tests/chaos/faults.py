"""What is done to the running flows, and when; the moments are random but the same for the same seed."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """How hard and how long. `kills` are SIGKILLs of each flow at random moments, `pause` seconds apart at most;
    `outage` is how long each service is away, and `quiet` the longest wait until all flows have caught up."""

    rate: float
    kills: int
    pause: float
    outage: float
    quiet: float
    full_disk: bool
    seed: int


FULL = Scale(rate=100, kills=10, pause=12.0, outage=20.0, quiet=60.0, full_disk=True, seed=1)
SHORT = Scale(rate=100, kills=2, pause=5.0, outage=3.0, quiet=20.0, full_disk=False, seed=1)


def kill_times(scale: Scale, sources: list[str]) -> list[tuple[float, str]]:
    """(seconds from the start, source) of every kill, in order: each flow has its own random moments."""
    chance = random.Random(scale.seed)
    times = []
    for source in sources:
        at = 0.0
        for _ in range(scale.kills):
            at += chance.uniform(0.2, scale.pause)
            times.append((at, source))
    return sorted(times)
