"""Which events are meant: a map in which every key must match; a list means any of."""

import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from operators.component import Spec
from operators.events import AlarmTransition, Event
from operators.model import changes, two_state
from operators.model.fields import field, number_of, text
from operators.model.units import Amount, Quantity, Some, Word

Matcher = Callable[[Event], bool]


class Range(Spec):
    """Numbers above and below limits; the limits themselves are outside."""

    above: Amount | None = Field(
        None, description="The value must be higher than this.", examples=[-40, "6 kW"]
    )
    below: Amount | None = Field(
        None, description="The value must be lower than this.", examples=["85 °C"]
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("needs 'above', 'below' or both")
        if self.above and self.below:
            if self.above.kind() != self.below.kind():
                raise ValueError(
                    f"'above' is in {self.above.unit or 'no unit'}, 'below' in"
                    f" {self.below.unit or 'no unit'}"
                )
            if self.above.base() >= self.below.base():
                raise ValueError("'above' must be lower than 'below': the range lies between them")
        return self


class Selector(Spec):
    """Which events are meant. Every key must match; a list means any of.

    In names, `*` stands for any characters but `/` and `.`, `**` for any characters, `?` for one
    character.
    """

    subject: Some | None = Field(None, description="What is watched.", examples=["*.server_room_*"])
    metric: Some | None = Field(
        None, description="What is measured.", examples=[["temperature", "humidity"]]
    )
    value: Range | Word | list[Word] | None = Field(
        None,
        description="A range, a number, or the word of a state.",
        examples=[{"above": -40, "below": 85}, "on"],
    )
    quality: Some | None = Field(None, description="`good`, `stale` or `bad`.", examples=["good"])
    label: dict[str, Some] | None = Field(
        None, min_length=1, description="Labels by name.", examples=[{"area": "yard"}]
    )
    unit: Some | None = Field(None, description="The unit of the value.", examples=["kWh"])
    class_: Some | None = Field(
        None, alias="class", description="What was seen on a picture.", examples=["person"]
    )
    in_zone: Some | None = Field(
        None, description="The zone it was seen in.", examples=["hall_floor"]
    )
    line: Some | None = Field(None, description="The line that it crossed.", examples=["gate"])
    direction: Some | None = Field(
        None, description="The side to which it crossed a line.", examples=["left"]
    )
    phase: Some | None = Field(
        None, description="Where it is in its track or stay.", examples=["entered"]
    )
    alarm: Some | None = Field(None, description="Name of the alarm.", examples=["too_hot"])
    priority: Some | None = Field(
        None,
        description="The alarm's priority.",
        examples=[["high", "critical"]],
    )
    change: Some | None = Field(
        None,
        description=(
            "What happened to the alarm; also `over` (its condition is, acknowledged or not),"
            " `annunciated` (what people are told) and `all`. In a sink for people, `raised` and"
            " `cleared` are what they are told of its start and its end."
        ),
        examples=["over", ["raised", "cleared"]],
    )
    state: Some | None = Field(
        None, description="The alarm's state after the change.", examples=["unacked"]
    )
    topic: Some | None = Field(
        None, description="The MQTT topic it came from.", examples=["sensor/*"]
    )
    type: Some | None = Field(
        None, description="What happened, of an occurrence.", examples=["button_pressed"]
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not any(getattr(self, name) is not None for name in Selector.model_fields):
            raise ValueError(f"selects nothing in particular; give one of: {', '.join(_KEYS)}")
        return self

    @field_validator("subject", "metric")
    @classmethod
    def _is_no_expression(cls, value: Some | None) -> Some | None:
        for one in [value] if isinstance(value, str) else value or ():
            if one.startswith("^") or (one.endswith("$") and set(one) & set("*+\\[(")):
                raise ValueError(
                    f"{one!r} is a regular expression; write a pattern such as *.kitchen_*, in"
                    " which * stands for any characters but / and ."
                )
        return value

    @property
    def wants_all(self) -> bool:
        """Whether it takes every change of alarms, as what records does."""
        return self.change is not None and changes.ALL in (
            [self.change] if isinstance(self.change, str) else self.change
        )

    def matcher(self, people: bool = False) -> Matcher:
        """A function that says of one event whether it is meant.

        With `people`, its changes of alarms are what people are told, and by default all of that.
        """
        checks: list[Matcher] = []
        if people and self.change is None:
            checks.append(changes.is_annunciated)
        for name in Selector.model_fields:
            wanted = getattr(self, name)
            if wanted is None:
                continue
            if name == "value":
                checks.append(_value_check(wanted))
            elif name == "change":
                checks.append(
                    _change_check(wanted, changes.for_people if people else changes.recorded)
                )
            elif name == "label":
                checks += [_label_check(label, texts) for label, texts in wanted.items()]
            else:
                checks.append(_text_check(name, wanted))
        if len(checks) == 1:
            return checks[0]
        if len(checks) == 2:
            first, second = checks
            return lambda event: first(event) and second(event)
        return lambda event: all(check(event) for check in checks)


_KEYS = [info.alias or name for name, info in Selector.model_fields.items()]


def glob(pattern: str) -> "re.Pattern[str]":
    """Return a pattern of names as a regular expression.

    `*` stays between the separators `/` and `.`, `**` crosses them, `?` is one character.
    """
    out = ""
    for part in re.split(r"(\*\*|\*|\?)", pattern):
        out += {"**": ".*", "*": "[^/.]*", "?": "[^/.]"}.get(part, re.escape(part))
    return re.compile(out, re.DOTALL)


class _Matches(dict[str, bool]):
    """Answers for names met before; forgets all when too many have been met."""

    LIMIT = 50_000

    def __init__(self, wanted: Some) -> None:
        super().__init__()
        self._patterns = [glob(one) for one in ([wanted] if isinstance(wanted, str) else wanted)]

    def __missing__(self, name: str) -> bool:
        if len(self) >= self.LIMIT:
            self.clear()
        answer = self[name] = any(pattern.fullmatch(name) for pattern in self._patterns)
        return answer


def _text_check(name: str, wanted: Some) -> Matcher:
    matches = _Matches(wanted)
    if name in ("subject", "metric", "quality"):

        def attribute(event: Any) -> bool:
            found = getattr(event, name, None)
            return found is not None and matches[found]

        return attribute
    key = name.rstrip("_")

    def check(event: Event) -> bool:
        found = field(event, key)
        return found is not None and matches[found if isinstance(found, str) else text(found)]

    return check


def _change_check(wanted: Some, words: changes.Words) -> Matcher:
    matches, field_check = _Matches(wanted), _text_check("change", wanted)

    def check(event: Event) -> bool:
        if isinstance(event, AlarmTransition):
            return any(matches[word] for word in words(event))
        return field_check(event)

    return check


def _label_check(label: str, wanted: Some) -> Matcher:
    matches = _Matches(wanted)

    def check(event: Any) -> bool:
        labels: dict[str, str] = getattr(event, "labels", None) or {}
        return label in labels and matches[labels[label]]

    return check


def _value_check(wanted: Range | Word | list[Word]) -> Matcher:
    if isinstance(wanted, Range):
        return _range_check(wanted)
    words = wanted if isinstance(wanted, list) else [wanted]
    matches = [is_word(one) for one in words]
    return lambda event: any(match(event) for match in matches)


def is_word(wanted: Word) -> Matcher:
    """A function that says whether an event's value is a number, or the word or text of a state."""
    if isinstance(wanted, bool):
        wanted = "on" if wanted else "off"
    if isinstance(wanted, (int, float)):
        return lambda event: number_of(event) == wanted
    as_text = str(wanted)

    @cache
    def as_number(metric: str) -> float | None:
        return two_state.number(metric, as_text)

    def check(event: Any) -> bool:
        value = number_of(event)
        if value is None:
            return getattr(event, "text", None) == as_text
        return value == as_number(event.metric)

    return check


def _range_check(wanted: Range) -> Matcher:
    limits = Limits(wanted.above, wanted.below)

    def check(event: Any) -> bool:
        value = number_of(event)
        if value is None:
            return False
        low, high = limits[event.unit]
        return low < value < high

    return check


class Limits(dict[str | None, tuple[float, float]]):
    """A lower and an upper limit, converted once for each unit met.

    A unit of another kind has an empty range.
    """

    def __init__(self, low: Quantity | None, high: Quantity | None) -> None:
        super().__init__()
        self._low = low
        self._high = high

    def __missing__(self, unit: str | None) -> tuple[float, float]:
        try:
            limits = (
                -math.inf if self._low is None else self._low.in_unit(unit),
                math.inf if self._high is None else self._high.in_unit(unit),
            )
        except ValueError:
            limits = (math.inf, -math.inf)
        self[unit] = limits
        return limits
