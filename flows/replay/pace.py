"""How far a pass of a replay may reach: the shortest span that anything in a definition waits."""

import math
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, BeforeValidator

from flows.language.model import Flow
from flows.replay.player import Pace
from operators.component import Logic, Operator, StepContext
from operators.model.units import duration
from operators.vision.visitor import BACK
from operators.vision.zones import Zones
from operators.windows.step import Window

MINUTE = 60.0
QUARTER = 900.0
"""Spans of the day begin and end at such multiples since 1970 where they are written so: zones
differ from UTC by quarters.
"""


def pace_of(flow: Flow, names: Container[str], rules: Iterable[Mapping[str, Any]] = ()) -> Pace:
    """The pace for the played streams (`names`) of a definition, its alarms and run-time rules."""
    waits: list[float] = []
    grids: set[float] = set()
    for name, stream in flow.streams.items():
        for step in stream.steps if name in names else ():
            if isinstance(step.settings, Window) and step.settings.every is not None:
                grids.add(min(step.settings.every, QUARTER))
            waits += _spans(step.settings) if _has_timers(step.settings) else ()
            waits += [BACK] if isinstance(step.settings, Zones) else []
    for alarm in flow.alarms.values():
        waits += _spans(alarm)
        if alarm.armed is not None and (alarm.armed.hours or alarm.armed.days):
            times = (alarm.armed.hours or "00:00-24:00").split("-")
            grids.add(QUARTER if all(int(time[3:]) % 15 == 0 for time in times) else MINUTE)
    for row in rules:
        waits += _written(row)
    return Pace(min((wait for wait in waits if wait > 0), default=math.inf), tuple(sorted(grids)))


def _has_timers(operator: Operator) -> bool:
    """Whether a step's logic ever asks to be woken."""
    try:
        logic = operator.logic(StepContext("", "//"))
    except (ValueError, KeyError):  # it needs the tables or zones of its flow
        return True
    return type(logic).next_time is not Logic.next_time


def _spans(model: BaseModel) -> Iterator[float]:
    """Every span of time in a component's settings, in seconds."""
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _spans(value)
        elif isinstance(value, float) and (
            _is_duration(info.annotation) or _is_marked(info.metadata)
        ):
            yield value


def _is_duration(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_marked(annotation.__metadata__)
    return any(_is_duration(part) for part in get_args(annotation))


def _is_marked(metadata: Iterable[Any]) -> bool:
    return any(isinstance(mark, BeforeValidator) and mark.func is duration for mark in metadata)


def _written(value: Any) -> Iterator[float]:
    """Every span of time that a row of rules writes."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _written(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _written(inner)
    elif isinstance(value, str):
        try:
            yield duration(value)
        except ValueError:
            return
