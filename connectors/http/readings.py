"""Posted objects as readings, after the templates of a definition."""

import math
import re
from typing import Any

from operators.decoding.payloads import values
from operators.decoding.payloads.timestamps import own_time
from operators.events import Occurrence, Reading
from operators.model import two_state
from operators.model.fields import text
from operators.model.template import Template

_OPENING = re.compile(r"(?<!\{)((?:\{\{)*)\{(?=[A-Za-z_])")
LONGEST_NAME = 512


class Unreadable(ValueError):
    """An object does not hold what the templates ask for."""


class Readings:
    """Makes a reading of an object by templates; a missing field of a placeholder is an error."""

    def __init__(self, topic: str, subject: str, metric: str, value: str, time: str | None) -> None:
        self._topic = topic
        self._subject, self._metric, self._value = (
            _inside(source) for source in (subject, metric, value)
        )
        self._time = _inside(f"{{{time}}}") if time else None

    def read(self, item: dict[str, Any], id: str, received: float) -> Reading:
        """The reading of one object; `received` in epoch seconds. Raises `Unreadable`."""
        holder = Occurrence(id="", time=0.0, subject="", type="", data=item)
        subject, metric = (
            text(_render(template, holder)) for template in (self._subject, self._metric)
        )
        for name, found in (("subject", subject), ("metric", metric)):
            if not 0 < len(found) <= LONGEST_NAME:
                raise Unreadable(
                    f"expected a {name} of 1 to {LONGEST_NAME} characters, got {found[:40]!r}"
                )
        number, word = _value(_render(self._value, holder), metric)
        time = None if self._time is None else own_time(_render(self._time, holder), received)
        return Reading(
            id=id,
            time=received if time is None else time,
            subject=subject,
            metric=metric,
            value=number,
            text=word,
            topic=self._topic,
        )


def _inside(source: str) -> Template:
    """A template whose placeholders are looked up in an occurrence's data, whatever their names."""
    Template(source)
    return Template(_OPENING.sub(r"\1{data.", source))


def _render(template: Template, holder: Occurrence) -> Any:
    for name in template.placeholders():
        found: Any = holder.data
        for key in name.split(".")[1:]:
            found = found.get(key) if isinstance(found, dict) else None
        if found is None:
            raise Unreadable(
                f"expected the field {name.removeprefix('data.')!r}, which is missing or null"
            )
    return template.render(holder)


def _value(raw: Any, metric: str) -> tuple[float | None, str | None]:
    """A number, or else a text."""
    if isinstance(raw, str):
        number = values.number(raw)
        number = two_state.number(metric, raw) if number is None else number
        return (number, None) if number is not None else (None, raw)
    if not isinstance(raw, bool | int | float):
        raise Unreadable(
            f"expected a number, a text, true or false as the value, got {type(raw).__name__}"
        )
    try:
        number = float(raw)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Unreadable("expected a number that 64 bits can hold as the value")
    return number, None
