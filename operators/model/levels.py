"""The `levels:` of an alarm: limits at which it takes a higher priority."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from operators.component import Spec
from operators.model.condition import RANGES, Limit, When, check_clear
from operators.model.priority import Priority
from operators.model.units import Amount, Quantity

LevelKind = Literal["above", "below", "outside", "inside"]
LEVEL_KINDS: tuple[LevelKind, ...] = ("above", "below", "outside", "inside")
Two = Annotated[list[Amount], Field(min_length=2, max_length=2)]


class Level(Spec):
    """A further limit, of the kind that `when` has, and the priority of the alarm beyond it."""

    priority: Priority = Field(
        description="How urgent the alarm is beyond this limit.", examples=["critical"]
    )
    above: Limit | None = Field(
        None, description="While the value is higher than this.", examples=["35 °C"]
    )
    below: Limit | None = Field(
        None, description="While the value is lower than this.", examples=["2 °C"]
    )
    outside: Two | None = Field(
        None,
        description="While the value is under the first or over the second.",
        examples=[["30 %", "70 %"]],
    )
    inside: Two | None = Field(
        None,
        description="While the value is from the first to the second, both included.",
        examples=[["42 Hz", "43 Hz"]],
    )
    clear: Limit | Two | None = Field(
        None, description="Where the level ends, if not at its limit itself.", examples=["33 °C"]
    )

    @field_validator("clear", mode="before")
    @classmethod
    def _one_or_two(cls, value: Any) -> Any:
        return When.one_or_two(value)

    @model_validator(mode="after")
    def _check(self) -> Self:
        used = [kind for kind in LEVEL_KINDS if getattr(self, kind) is not None]
        if len(used) != 1:
            raise ValueError(f"needs exactly one of: {', '.join(LEVEL_KINDS)}")
        check_clear(used[0], getattr(self, used[0]), self.clear)
        return self

    @property
    def kind(self) -> LevelKind:
        """Which of the limits this is."""
        return next(kind for kind in LEVEL_KINDS if getattr(self, kind) is not None)


def why_not(before: "When | Level", level: Level) -> str | None:
    """What is wrong with a level behind a condition or another level; None if nothing is."""
    kind = before.kind
    if kind not in LEVEL_KINDS:
        return f"levels go with above, below, outside or inside, not with '{kind}'"
    if level.kind != kind:
        return f"a level has the kind of limit that 'when' has, '{kind}', not '{level.kind}'"
    lesser, greater = getattr(before, kind), getattr(level, kind)
    pairs = list(zip(lesser, greater, strict=True)) if kind in RANGES else [(lesser, greater)]
    if not all(isinstance(limit, Quantity) for pair in pairs for limit in pair):
        return None
    for old, new in pairs:
        if old.kind() != new.kind():
            return (
                f"this limit is in {new.unit or 'no unit'}, the one before it in"
                f" {old.unit or 'no unit'}"
            )
    signs = {"above": (1,), "below": (-1,), "outside": (-1, 1), "inside": (1, -1)}[kind]
    if all(
        sign * new.base() > sign * old.base() for sign, (old, new) in zip(signs, pairs, strict=True)
    ):
        return None
    shown = [
        str(limit) if kind not in RANGES else f"[{limit[0]}, {limit[1]}]"
        for limit in (greater, lesser)
    ]
    return f"{shown[0]} must be {_FURTHER[kind]} the limit before it, {shown[1]}"


_FURTHER: dict[LevelKind, str] = {
    "above": "higher than", "below": "lower than", "outside": "wider than",
    "inside": "narrower than",
}  # fmt: skip
