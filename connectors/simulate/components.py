"""A simulated site: readings like those of real devices, the same at every run."""

import math
from collections.abc import Callable
from typing import Annotated, ClassVar

from pydantic import Field

from connectors.base import Batch, ConnectorContext, Reader, Source
from connectors.runtime import steady_clock
from connectors.simulate.signals import Signal
from operators.events import Event, Reading
from operators.model.units import Duration

READ_EVENTS = 4_000

SignalName = Annotated[str, Field(pattern=r"^[^/\s].*/[a-z][a-z0-9_]*$")]


class Simulate(Source):
    """Makes readings without any device: noise, drift, a day's curve, doors, motion.

    Values depend only on the seed, the signal's name and the time, and times are whole multiples of
    `every`: two runs give the same readings with the same ids. A door or motion sensor reports when
    it changes, the others at every tick.

    Delivery: a flow that was stopped gets the readings of the time between, as from a log.
    Back pressure: makes readings only when the flow takes them.
    """

    NAME: ClassVar[str] = "simulate"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "simulate: {every: 5s, signals: {living_room/temperature: {random: 17..24 °C}}}",
        """\
simulate:
  every: 5s
  history: 1h
  signals:
    solar/power: {day_curve: 0..3200 W}
    rack/temperature: {drift: 19..27 °C}
    hall/door: {door: {open: 30s, closed: 10min}}
    hall/motion: {motion: {on: 20s, off: 3min}}
    probe/temperature: {square: 20..32 °C, period: 10min}
""",
    )

    every: Duration = Field(
        description="Time between two readings of a signal.", examples=["5s"], gt=0.0009
    )
    signals: dict[SignalName, Signal] = Field(
        description="What to make, by `subject/metric`.",
        min_length=1,
        examples=[{"rack/temperature": {"drift": "19..27 °C"}}],
    )
    seed: int = Field(1, description="Another number makes another site.")
    history: Duration = Field(
        0.0,
        description="How far back to begin when the flow starts for the first time.",
        examples=["1d"],
    )
    count: int | None = Field(
        None, ge=1, description="Stop after so many ticks; none to go on for ever."
    )

    def open(
        self,
        context: ConnectorContext,
        partition: str,
        position: object | None,
        now: Callable[[], float] = steady_clock.now,
    ) -> Reader:
        """Open the source at a saved position."""
        return _SimulatedSite(self, context.name, position, now)


class _SimulatedSite:
    """The ticks from `first` on; tick n is at n * every seconds since 1970."""

    def __init__(
        self, settings: Simulate, source: str, position: object | None, now: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._now = now
        self._live = False
        self._read_until = -math.inf
        saved = _ticks(position, settings.every)
        self._first, self._next = (
            saved or (math.ceil((now() - settings.history) / settings.every),) * 2
        )
        self._step = max(1, READ_EVENTS // len(settings.signals))
        self._makers = []
        for name, signal in settings.signals.items():
            subject, _, metric = name.rpartition("/")
            maker = signal.maker(f"{settings.seed}/{name}", settings.every)
            self._makers.append((f"{source}/{name}/", subject, metric, signal.unit(), maker))

    def read(self) -> Batch | None:
        every = self._settings.every
        now = self._now()
        due = math.floor(now / every + 1e-9) + 1
        if self._settings.count is not None:
            due = min(due, self._first + self._settings.count)
        ticks = range(self._next, min(due, self._next + self._step))
        if not ticks:
            self._read_until = now
            if self._live:
                return None
            self._live = True
            return Batch([], now, True)
        events: list[Event] = []
        arrivals: list[tuple[int, float]] = []
        for tick in ticks:
            at = round(tick * every, 6)
            before = len(events)
            for prefix, subject, metric, unit, maker in self._makers:
                value = maker(tick, at)
                if value is not None:
                    events.append(
                        Reading(
                            id=f"{prefix}{tick}",
                            time=at,
                            subject=subject,
                            metric=metric,
                            value=value,
                            unit=unit,
                        )
                    )
            arrivals.append((len(events) - before, at))
        self._next = ticks.stop
        wall = now if self._live else events[-1].time if events else now
        return Batch(events, wall, self._live, arrivals=arrivals)

    def position(self) -> object:
        return (self._settings.every, self._first, self._next)

    def read_until(self) -> float:
        return self._read_until

    def lag(self) -> int | None:
        return None

    def close(self) -> None:
        """Nothing to release."""


def _ticks(position: object | None, every: float) -> tuple[int, int] | None:
    """First and next tick of a saved position; ticks of another `every` count by their times."""
    if position is None:
        return None
    if not (isinstance(position, tuple) and len(position) == 3):
        raise ValueError(
            "expected the saved position (every, first tick, next tick) of a simulated site, got"
            f" {position!r}"
        )
    was, first, following = position
    if was == every:
        return first, following
    return math.ceil(first * was / every), math.ceil(following * was / every)
