"""Texts with placeholders: `{subject} at {value} {unit}`, `{time:%Y%m%d}`, `{value:.1f}`."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from operators.events import Event, Reading
from operators.model.fields import field, text, time_text, value_of

_PLACEHOLDER = re.compile(r"\{([^{}:]*)(?::([^{}]*))?\}")
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_NUMBER_FORMAT = re.compile(r"[<>^+ ]?\d*,?(\.\d+)?[fegdn%]?")
_TIMES = frozenset({"time", "start", "recorded", "until"})


class Template:
    """A text with placeholders, read once and rendered for many events.

    `{field}` is a field of the event, `{time:%Y%m%d}` a time in a format of `strftime`,
    `{time:epoch}` its epoch seconds, `{value:.1f}` a number in a format. `{{` and `}}` stand for
    braces. Raises ValueError for a text that cannot be read.
    """

    def __init__(self, source: str, timezone: tzinfo = UTC) -> None:
        self.source = source
        self._parts = _read(source)
        self._timezone = timezone
        self._sole = (
            self._parts[0] if len(self._parts) == 1 and isinstance(self._parts[0], tuple) else None
        )

    def placeholders(self) -> list[str]:
        """Return the names of the fields it asks for, in order."""
        return [part[0] for part in self._parts if isinstance(part, tuple)]

    def render(self, event: Event) -> Any:
        """Return the text for one event.

        A text that is exactly one placeholder gives the field's own value and type.
        """
        if self._sole is not None:
            return self._value(event, *self._sole)
        return "".join(
            part if isinstance(part, str) else text(self._value(event, *part))
            for part in self._parts
        )

    def _value(self, event: Event, name: str, form: str | None) -> Any:
        found = _find(event, name)
        if name in _TIMES and isinstance(found, (int, float)):
            if form is None:
                return time_text(found)
            return (
                found
                if form == "epoch"
                else datetime.fromtimestamp(found, self._timezone).strftime(form)
            )
        if form is None or found is None:
            return found
        try:
            return format(
                int(found) if form.endswith("d") and isinstance(found, float) else found, form
            )
        except (TypeError, ValueError):
            return text(found)


def _find(event: Event, name: str) -> Any:
    if name == "value":
        found = value_of(event)
        return found if found is not None else field(event, name)
    found = field(event, name)
    if name == "raw" and found is None and isinstance(event, Reading):
        return text(value_of(event))
    return found


def _read(source: str) -> list[str | tuple[str, str | None]]:
    parts: list[str | tuple[str, str | None]] = []
    plain = ""
    at = 0
    while at < len(source):
        if source[at : at + 2] in ("{{", "}}"):
            plain, at = plain + source[at], at + 2
            continue
        if source[at] == "}":
            raise ValueError(
                f"{source!r} has a closing brace without an opening one; a brace itself is written"
                " doubled"
            )
        if source[at] != "{":
            plain, at = plain + source[at], at + 1
            continue
        match = _PLACEHOLDER.match(source, at)
        if match is None:
            raise ValueError(
                f"{source!r} has a brace that is not closed; a brace itself is written doubled"
            )
        if plain:
            parts.append(plain)
            plain = ""
        parts.append(_placeholder(match, source))
        at = match.end()
    return [*parts, plain] if plain or not parts else parts


def _placeholder(match: "re.Match[str]", source: str) -> tuple[str, str | None]:
    name, form = match[1], match[2]
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{match[0]!r} in {source!r} is not a placeholder; write a field's name, such as"
            " {subject}"
        )
    if form is not None and name not in _TIMES and not _NUMBER_FORMAT.fullmatch(form):
        raise ValueError(
            f"{form!r} in {source!r} is not a format of a number, such as {{value:.1f}}"
        )
    if form is not None and name in _TIMES and form != "epoch" and "%" not in form:
        raise ValueError(
            f"{form!r} in {source!r} is not a format of a time; write {{time:epoch}} or"
            " {time:%Y%m%d}"
        )
    return name, form


class Shape:
    """A map of new fields, each a text with placeholders, a constant, or a map or list of these."""

    def __init__(self, fields: Mapping[str, Any], timezone: tzinfo = UTC) -> None:
        self._names: list[str] = []
        self._render = self._compile(dict(fields), timezone)

    def placeholders(self) -> list[str]:
        """Names of the fields it asks for, in order."""
        return list(self._names)

    def render(self, event: Event) -> dict[str, Any]:
        """The new form of one event."""
        shaped: dict[str, Any] = self._render(event)
        return shaped

    def _compile(self, value: Any, timezone: tzinfo) -> Callable[[Event], Any]:
        if isinstance(value, Mapping):
            parts = {str(key): self._compile(inner, timezone) for key, inner in value.items()}
            return lambda event: {key: part(event) for key, part in parts.items()}
        if isinstance(value, list):
            items = [self._compile(inner, timezone) for inner in value]
            return lambda event: [item(event) for item in items]
        if isinstance(value, str):
            template = Template(value, timezone)
            self._names += template.placeholders()
            return template.render
        return lambda event: value
