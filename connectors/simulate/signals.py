"""Simulated signals: pure functions of seed, tick and time, so that they resume anywhere."""

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, Self
from zlib import crc32

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from operators.component import Spec
from operators.model.units import Duration, quantity

DAY = 86400.0
_MASK = (1 << 64) - 1

Maker = Callable[[int, float], float | None]
"""Value of a signal at (tick, time); None where it has nothing to report."""


class Span(NamedTuple):
    """A range of values, with its unit where one was written."""

    low: float
    high: float
    unit: str | None

    def at(self, fraction: float) -> float:
        """The value at a fraction from 0 to 1 of the range, as a cheap sensor would round it."""
        return round(self.low + (self.high - self.low) * fraction, self._digits())

    def _digits(self) -> int:
        return max(0, 3 - math.floor(math.log10(max(abs(self.low), abs(self.high), 1e-9))) - 1)


def _span(value: Any) -> Span:
    if isinstance(value, Span):
        return value
    ends = re.fullmatch(r"\s*(.+?)\s*\.\.\s*(.+?)\s*", str(value))
    if not ends:
        raise ValueError(f"{str(value)!r} is not a range; write 17..24 °C")
    low, high = quantity(ends[1]), quantity(ends[2])
    if low.number >= high.number:
        raise ValueError(
            f"{str(value)!r} is empty: the first number must be smaller than the second"
        )
    return Span(low.in_unit(high.unit), high.number, high.unit)


Range = Annotated[
    Span,
    BeforeValidator(_span),
    WithJsonSchema({"type": "string", "pattern": r"\.\.", "examples": ["17..24 °C"]}),
]


class Door(Spec):
    """How long a door is open and closed, on average."""

    open: Duration = Field(30.0, description="How long it is open.", gt=0, examples=["30s"])
    closed: Duration = Field(600.0, description="How long it is closed.", gt=0, examples=["10min"])


class Motion(Spec):
    """How long somebody moves and how long nobody does, on average."""

    on: Duration = Field(20.0, description="How long somebody moves.", gt=0, examples=["20s"])
    off: Duration = Field(180.0, description="How long nobody does.", gt=0, examples=["3min"])


class Signal(Spec):
    """One simulated signal: exactly one kind."""

    random: Range | None = Field(
        None, description="Any value of the range, independent of the one before."
    )
    drift: Range | None = Field(None, description="Wanders smoothly in the range, over `period`.")
    day_curve: Range | None = Field(
        None,
        description=(
            "Low at night, high at noon (UTC), with passing clouds, as a solar panel has it."
        ),
    )
    door: Door | None = Field(None, description="Open and closed, reported when it changes.")
    motion: Motion | None = Field(None, description="On and off, reported when it changes.")
    square: Range | None = Field(
        None, description="Half a `period` low, half a period high: for trying out alarms."
    )
    period: Duration = Field(
        1800.0, description="Period of `square`, and how fast `drift` is.", gt=0, examples=["30min"]
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = ("random", "drift", "day_curve", "door", "motion", "square")
        used = [kind for kind in kinds if getattr(self, kind) is not None]
        if len(used) != 1:
            raise ValueError(
                f"needs exactly one of: {', '.join(kinds)}"
                + (f"; got {', '.join(used)}" if used else "")
            )
        return self

    def unit(self) -> str | None:
        """The unit; None without one."""
        span = self.random or self.drift or self.day_curve or self.square
        return span.unit if span else None

    def maker(self, key: str, every: float) -> Maker:
        """The function that makes the signal `key` (seed and name), asked every `every` seconds."""
        seed = _mix(crc32(key.encode()) | crc32(key[::-1].encode()) << 32)
        if self.random:
            span = self.random
            return lambda tick, at: span.at(_uniform(seed, tick))
        if self.drift:
            span, period = self.drift, self.period
            return lambda tick, at: span.at(_smooth(seed, at / period))
        if self.day_curve:
            span = self.day_curve
            return lambda tick, at: span.at(
                _daylight(at) * (1 - 0.6 * _smooth(seed, at / 900) ** 2)
            )
        if self.square:
            span, period = self.square, self.period
            return lambda tick, at: span.high if at % period >= period / 2 else span.low
        if self.door:
            return _on_change(seed, self.door.open, self.door.closed, every)
        assert self.motion
        return _on_change(seed, self.motion.on, self.motion.off, every)


def _mix(x: int) -> int:
    """splitmix64: 64 well mixed bits of an integer."""
    x = (x + 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def _uniform(seed: int, n: int) -> float:
    """A number in [0, 1) that depends on the seed and n only."""
    return (_mix(seed ^ _mix(n & _MASK)) >> 11) * 2.0**-53


def _smooth(seed: int, x: float) -> float:
    """A smooth curve through [0, 1] with features of length 1 and a quarter."""
    total = 0.0
    for octave, (weight, scale) in enumerate(((0.75, 1.0), (0.25, 4.0))):
        n = math.floor(x * scale)
        f = x * scale - n
        f = f * f * (3 - 2 * f)
        a, b = _uniform(seed + octave, n), _uniform(seed + octave, n + 1)
        total += weight * (a + (b - a) * f)
    return total


def _daylight(at: float) -> float:
    """0 at night, 1 at noon: a day from six to six, in UTC."""
    return max(0.0, math.sin((at % DAY / DAY - 0.25) * 2 * math.pi))


def _on_change(seed: int, on: float, off: float, every: float) -> Maker:
    """1.0 and 0.0 on change: one episode at any time of every `on + off` seconds."""
    stretch = on + off

    def state(at: float) -> float:
        n, place = divmod(at, stretch)
        length = on * (0.5 + _uniform(seed, 2 * int(n)))
        begin = _uniform(seed, 2 * int(n) + 1) * max(0.0, stretch - length)
        return 1.0 if begin <= place < begin + length else 0.0

    def make(tick: int, at: float) -> float | None:
        value = state(at)
        return value if value != state(at - every) else None

    return make
