"""The step `combine`: adds and subtracts signals."""

import math
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from operators.component import Due, Now, Operator, StepContext
from operators.events import Event, Reading, Summary
from operators.model.fields import number_of, signal_of
from operators.model.units import Duration, convert
from operators.stateful.roles import RoleLogic


class Combine(Operator):
    """Makes a new signal: the sum of the roles under `plus` minus those under `minus`.

    The stream's `from` names the roles. With each reading of a role the new value is emitted, in
    the unit of the first role under `plus`, as soon as every role has a value that is not older
    than `max_age`; until then readings are counted as `incomplete`. A role with several signals
    counts with the sum of them. Readings without a number, of bad or stale quality are counted as
    `not_data`, those of a unit of another kind as `unit`.
    """

    NAME: ClassVar[str] = "combine"
    STATEFUL: ClassVar[bool] = True
    CROSS_SUBJECT: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "combine: {subject: house, metric: surplus, plus: [made], minus: [bought], max_age: 1min}",
    )

    subject: str = Field(min_length=1, description="Subject of the new signal.", examples=["house"])
    metric: str = Field(min_length=1, description="Metric of the new signal.", examples=["surplus"])
    plus: list[str] = Field(min_length=1, description="Roles that are added.", examples=[["made"]])
    minus: list[str] = Field([], description="Roles that are subtracted.", examples=[["bought"]])
    max_age: Duration = Field(gt=0, description="How old a role's value may be.", examples=["1min"])

    @model_validator(mode="after")
    def _once(self) -> Self:
        roles = [*self.plus, *self.minus]
        if twice := sorted({role for role in roles if roles.count(role) > 1}):
            raise ValueError(f"the role {twice[0]!r} is named twice")
        return self

    def roles(self) -> list[str]:
        """Return the roles that the stream's `from` must name."""
        return [*self.plus, *self.minus]

    def logic(self, context: StepContext) -> "CombineLogic":
        """Make the step's logic for one shard."""
        return CombineLogic(self, context)


class CombineLogic(RoleLogic):
    """State is the latest time, value and unit of each signal of each role."""

    STATE = tuple[dict[str, dict[tuple[str, str], tuple[float, float, str | None]]], float]

    def __init__(self, settings: Combine, context: StepContext) -> None:
        super().__init__()
        self._settings = settings
        self._step = context.step
        self._signs = {**dict.fromkeys(settings.plus, 1.0), **dict.fromkeys(settings.minus, -1.0)}
        self._roles: dict[str, dict[tuple[str, str], tuple[float, float, str | None]]] = {
            r: {} for r in self._signs
        }
        self._newest = -math.inf

    def take(self, role: str, event: Event, out: list[Event]) -> None:
        """Take one event of a role."""
        good = isinstance(event, (Reading, Summary)) and event.quality == "good"
        value = number_of(event) if good else None
        signals = self._roles.get(role)
        if value is None or signals is None or not math.isfinite(value):
            self.count("not_data")
            return
        assert isinstance(event, (Reading, Summary))
        key = signal_of(event)
        if key in signals and event.time < signals[key][0]:
            self.late.append(event)
            return
        before = signals.get(key)
        signals[key] = (event.time, value, event.unit)
        self._newest = max(self._newest, event.time)
        try:
            total, unit = self._total()
        except ValueError:
            self.count("unit")
            if before is None:
                del signals[key]
            else:
                signals[key] = before
            return
        if total is None:
            self.count("incomplete")
            return
        combined = Reading(
            id=f"{event.id}/{self._step}",
            time=self._newest,
            subject=self._settings.subject,
            metric=self._settings.metric,
            value=total,
            unit=unit,
        )
        out.append(combined)

    def _total(self) -> tuple[float | None, str | None]:
        """Return the sum and its unit; no sum while a role has no value that is new enough.

        Raises ValueError for other units.
        """
        oldest = self._newest - self._settings.max_age
        unit: str | None = None
        total = 0.0
        complete = True
        for role, sign in self._signs.items():
            signals = self._roles[role]
            for key in [key for key, (time, _, _) in signals.items() if time < oldest]:
                del signals[key]
            complete = complete and bool(signals)
            for _, value, own in sorted(signals.values()):
                unit = unit or own
                total += sign * (
                    value if own in (None, unit) or unit is None else convert(value, str(own), unit)
                )
        return (total if complete else None), unit

    def on_due(self, now: Now, out: list[Event]) -> None:
        """Do what is due at `now`."""
        if self._newest + self._settings.max_age < now.event:
            for signals in self._roles.values():
                signals.clear()
            self._newest = -math.inf

    def deadline(self) -> Due:
        """Return when something is due next."""
        expires = self._newest + self._settings.max_age
        return Due(event=math.nextafter(expires, math.inf) if math.isfinite(expires) else math.inf)

    def snapshot(self) -> object:
        """Return the state as plain data."""
        return {role: dict(signals) for role, signals in self._roles.items()}, self._newest

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        roles, self._newest = state
        self._roles = {role: dict(roles.get(role, {})) for role in self._signs}
