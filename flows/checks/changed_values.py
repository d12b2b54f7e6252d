"""What the values of a metric can be behind steps that change them."""

import math
import re
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

from flows.language.model import Flow, Step, inputs

Span = tuple[float, float, str | None]
"""The least and the greatest value, and their unit."""
Change = Callable[[Span | None], Span | None]
OTHER_VALUES = (
    "scale", "rename", "translate", "shape", "window", "threshold", "combine", "rate", "counter",
    "pick",
)  # fmt: skip
"""Steps after which a value is no longer the metric's own."""
COUNT: Span = (0.0, math.inf, None)
_OF_THE_METRIC = re.compile(r"mean|min|max|median|first|last|p\d+(\.\d+)?")


def change_on(flow: Flow, names: list[str]) -> Change:
    """How values change on the one way to a name; what is not known becomes None."""
    steps: list[Step] = []
    while len(names) == 1 and (stream := flow.streams.get(names[0])) is not None:
        steps, names = [*stream.steps, *steps], inputs(stream.from_)
    many = len(names) > 1

    def change(span: Span | None) -> Span | None:
        return reduce(_after, steps, None if many else span)

    return change


def is_count(flow: Flow, names: Iterable[str]) -> bool:
    """Whether all that comes of these names is a count of events."""
    return all(change_on(flow, [name])(None) == COUNT for name in names)


def _after(span: Span | None, step: Step) -> Span | None:
    settings: Any = step.settings
    if step.kind == "window":
        [*some] = settings.calculate
        if some == ["count"]:
            return COUNT
        return span if len(some) == 1 and _OF_THE_METRIC.fullmatch(some[0]) else None
    if step.kind == "scale" and span is not None:
        low, high, unit = span
        edges = sorted((edge * settings.times + settings.plus) for edge in (low, high))
        return edges[0], edges[1], settings.unit or unit
    return None if step.kind in OTHER_VALUES else span
