"""The condition of a threshold or an alarm: `when: {above: 30 °C, clear: 28 °C, for: 2min}`."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from operators.component import Spec
from operators.model.units import Amount, Duration, Quantity, Word, quantity

Kind = Literal["above", "below", "outside", "inside", "is", "silent", "seen"]
KINDS: tuple[Kind, ...] = ("above", "below", "outside", "inside", "is", "silent", "seen")
RANGES = ("outside", "inside")
"""Conditions with two limits."""


class Column(Spec):
    """A value from a column of the subject's row: of a table, of `lookup` labels, or of a rule."""

    column: str = Field(description="Name of the column.", examples=["limit"])
    default: Any = Field(
        None,
        description=(
            "Used where the row or the column is missing; without it such a subject is left out."
        ),
    )


def limit(value: Any) -> Any:
    """A `Quantity` of a number with its unit, or a `Column` of `{column: ..., default: ...}`."""
    if isinstance(value, Column):
        return value
    if isinstance(value, dict):
        column = Column.model_validate(value)
        if column.default is not None:
            quantity(column.default)
        return column
    return quantity(value)


_NUMBER = {"anyOf": [{"type": "number"}, {"type": "string"}]}
_COLUMN = {
    "type": "object",
    "properties": {"column": {"type": "string"}, "default": _NUMBER},
    "required": ["column"],
    "additionalProperties": False,
}
Limit = Annotated[
    Quantity | Column,
    BeforeValidator(limit),
    WithJsonSchema(
        {
            "anyOf": [*_NUMBER["anyOf"], _COLUMN],
            "examples": [30, "30 °C", {"column": "limit", "default": 30}],
        }
    ),
]


class When(Spec):
    """A condition on one signal.

    It is one of `above`, `below`, `outside`, `inside`, `is`, `silent`, `seen`. `for`, `clear_for`,
    and `times` with `in` say how long or how often it must hold before it counts.
    """

    above: Limit | None = Field(
        None, description="True while the value is higher than this.", examples=["30 °C"]
    )
    below: Limit | None = Field(
        None, description="True while the value is lower than this.", examples=["5 °C"]
    )
    outside: list[Amount] | None = Field(
        None, min_length=2, max_length=2,
        description="True while the value is under the first or over the second.",
        examples=[["40 %", "60 %"]],
    )  # fmt: skip
    inside: list[Amount] | None = Field(
        None, min_length=2, max_length=2,
        description="True while the value is from the first to the second, both included.",
        examples=[["40 Hz", "45 Hz"]],
    )  # fmt: skip
    is_: Word | None = Field(
        None, alias="is", description="True while the state is this one.", examples=["on", "open"]
    )
    silent: Duration | None = Field(
        None, description="True when nothing came for this long.", examples=["15min"]
    )
    seen: Duration | None = Field(
        None, description="True for this long after any event.", examples=["2min"]
    )
    clear: Limit | list[Amount] | None = Field(
        None,
        description=(
            "Where the condition ends, if not at the limit itself: the gap keeps it from"
            " flickering. Two values with `outside` and `inside`."
        ),
        examples=["28 °C", ["42 %", "58 %"]],
    )
    for_: Duration = Field(
        0.0,
        alias="for",
        description="How long it must be true before it counts.",
        examples=["2min"],
    )
    clear_for: Duration = Field(
        0.0, description="How long it must be over before it ends.", examples=["30s"]
    )
    times: int = Field(
        1,
        ge=1,
        le=1000,
        description="How many readings must fulfil it within `in`; it ends as soon as fewer do.",
        examples=[3],
    )
    in_: Duration | None = Field(
        None,
        alias="in",
        gt=0,
        description="The span in which `times` are counted.",
        examples=["1min"],
    )

    for_readings: int = Field(
        1, ge=1, le=1000, description="Of an alarm: how many readings in a row must be beyond it."
    )
    clear_for_readings: int = Field(
        1,
        ge=1,
        le=1000,
        description="Of an alarm: how many good readings in a row end it, also one of `times`.",
    )

    @field_validator("clear", mode="before")
    @classmethod
    def one_or_two(cls, value: Any) -> Any:
        """A `clear` as it is written: a limit, or two; raises ValueError."""
        if isinstance(value, list):
            if len(value) != 2:
                raise ValueError("needs one value, or two as 'outside' and 'inside' have")
            return [quantity(v) for v in value]
        return None if value is None else limit(value)

    @model_validator(mode="after")
    def _check(self) -> Self:
        used = [k for k in KINDS if getattr(self, k + "_" if k == "is" else k) is not None]
        if len(used) != 1:
            raise ValueError(
                f"needs exactly one of: {', '.join(KINDS)}"
                + (f"; {' and '.join(used)} are given" if used else "")
            )
        kind = used[0]
        for name in ("silent", "seen"):
            if getattr(self, name) is not None and getattr(self, name) <= 0:
                raise ValueError(f"'{name}' must be longer than 0s")
        if (self.times > 1) != (self.in_ is not None):
            raise ValueError("'times' and 'in' go together, such as  times: 3, in: 1min")
        if kind == "silent" and (self.times > 1 or self.for_):
            raise ValueError("'silent' is itself a span: it takes no 'for' and no 'times'")
        if kind in ("silent", "seen") and self.counts_readings:
            raise ValueError(f"'{kind}' is a span: readings in a row do not count")
        check_clear(kind, getattr(self, kind, None), self.clear)
        return self

    @property
    def counts_readings(self) -> bool:
        """Whether it begins or ends after a number of readings in a row."""
        return self.for_readings > 1 or self.clear_for_readings > 1

    @property
    def kind(self) -> Kind:
        """Which of the conditions this is."""
        return next(k for k in KINDS if getattr(self, k + "_" if k == "is" else k) is not None)

    @property
    def unit(self) -> str | None:
        """The unit of the limits, as written; None for conditions without one."""
        edges = [self.above, self.below, *(self.outside or self.inside or ())]
        for edge in edges:
            known: Quantity | None
            known = (
                (None if edge.default is None else quantity(edge.default))
                if isinstance(edge, Column)
                else edge
            )
            if known is not None and known.unit is not None:
                return known.unit
        return None


def check_clear(kind: str, edge: Any, clear: Any) -> None:
    """Raise `ValueError` if `clear` is not on the side of the limit `edge` where it ends."""
    if kind in RANGES:
        _check_range(kind, edge, clear)
        return
    if clear is None:
        return
    if kind not in ("above", "below"):
        raise ValueError(f"'clear' goes with above, below, outside or inside, not with '{kind}'")
    if isinstance(clear, list):
        raise ValueError(f"'clear' of '{kind}' is one value")
    if isinstance(clear, Quantity) and isinstance(edge, Quantity):
        _same_kind(clear, edge, "'clear'", f"'{kind}'")
        if kind == "above" and clear.base() >= edge.base():
            raise ValueError(f"'clear' ({clear}) must be lower than 'above' ({edge})")
        if kind == "below" and clear.base() <= edge.base():
            raise ValueError(f"'clear' ({clear}) must be higher than 'below' ({edge})")


def _check_range(kind: str, edges: list[Quantity], clear: Any) -> None:
    low, high = edges
    _same_kind(low, high, f"the first value of '{kind}'", "the second")
    if low.base() >= high.base():
        raise ValueError(f"'{kind}' needs the lower value first, such as [40 %, 60 %]")
    if clear is None:
        return
    if not isinstance(clear, list):
        example = "[42 %, 58 %]" if kind == "outside" else "[38 %, 62 %]"
        raise ValueError(f"'clear' of '{kind}' needs two values, such as {example}")
    for one in clear:
        _same_kind(one, low, "'clear'", f"'{kind}'")
    inner, outer, lies = (clear, edges, "inside") if kind == "outside" else (edges, clear, "around")
    if not outer[0].base() <= inner[0].base() <= inner[1].base() <= outer[1].base():
        ends, limits = (f"[{a}, {b}]" for a, b in (clear, edges))
        raise ValueError(f"'clear' {ends} must lie {lies} '{kind}' {limits}, the lower value first")


def _same_kind(one: Quantity, other: Quantity, one_name: str, other_name: str) -> None:
    if one.kind() != other.kind():
        raise ValueError(
            f"{one_name} is in {one.unit or 'no unit'}, {other_name} in {other.unit or 'no unit'}"
        )
