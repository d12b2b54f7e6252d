"""Outputs of a flow under test: events of streams, changes of alarms, what sinks would write."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from flows.language.model import Sink
from operators.events import AlarmTransition, DeadLetter, Event, Frame, Message
from operators.model import fields
from operators.model.fields import text, value_of
from operators.model.template import Shape, Template
from operators.model.wording import title_of

WIDEST = 140
Zone = Any
_QUIET = frozenset({"id", "time", "kind", "recorded", "rule", "rule_hash", "occ", "seq", "flags",
"before", "isa",
                    "evidence", "severity", "annunciate", "jpeg", "frame", "response",
                    "start"})  # fmt: skip
"""Fields that are shown only when somebody asks for them."""
_SAID = ("subject", "metric", "value", "unit", "labels")
_FIXED = ("channel", "title", "topic", "to")
"""Settings of sinks that may be expected even if they are the same for all events."""


@dataclass(frozen=True)
class Output:
    """One event of a stream, alarm or sink.

    `shaped` is the sink's own form, `settings` what the sink adds to an event, of which `told`
    differ from event to event.
    """

    event: Event
    shaped: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    told: frozenset[str] = frozenset()

    def get(self, name: str) -> Any:
        """A field by the name that definitions use; None where there is none."""
        if name in self.settings:
            return self.settings[name]
        if self.shaped is not None:
            return self.shaped.get(name)
        if name == "value":
            return value_of(self.event)
        if isinstance(self.event, DeadLetter) and name == "payload":
            return self.event.payload.decode("utf-8", "replace")
        return fields.field(self.event, name)

    def shown(self) -> dict[str, Any]:
        """The fields that tell this output from others, in their order."""
        if self.shaped is not None:
            return dict(self.shaped)
        event = msgspec.to_builtins(self.event, builtin_types=(bytes,))
        out: dict[str, Any] = {}
        for name, value in event.items():
            if name in _QUIET or value in (None, {}, []):
                continue
            if name == "values" and isinstance(value, dict):
                out |= value
            elif name == "value":
                out[name] = value_of(self.event)
            else:
                out[name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        return {
            **out,
            **{name: value for name, value in self.settings.items() if name in self.told},
        }

    def names(self) -> list[str]:
        """Every field that it has, by the names that definitions use."""
        if self.shaped is not None:
            return [*self.settings, *self.shaped]
        own = [name for name in fields.ATTRIBUTES if fields.field(self.event, name) is not None]
        inside = getattr(self.event, "data", None) or getattr(self.event, "values", None) or {}
        return list(
            dict.fromkeys([*self.settings, *own, *getattr(self.event, "labels", {}), *inside])
        )

    def __str__(self) -> str:
        return _sentence(self)


def _sentence(output: Output) -> str:
    """One line for a person: who, what, how much."""
    event = output.event
    if output.shaped is not None:
        return _short(output.shaped)
    if isinstance(event, AlarmTransition):
        words = [event.subject, event.alarm, event.change + ",", "now", event.state]
    elif isinstance(event, DeadLetter):
        words = [event.reason, "from", event.origin + ":", event.detail]
    elif isinstance(event, Message):
        words = [event.topic, _cut(event.payload.decode("utf-8", "replace"))]
    elif isinstance(event, Frame):
        words = [event.subject, "picture"]
    else:
        shown = {k: v for k, v in output.shown().items() if k not in _SAID and k not in output.told}
        value = value_of(event)
        head = [text(fields.field(event, name)) for name in ("subject", "metric")]
        tail = [] if value is None else [text(value), text(fields.field(event, "unit"))]
        words = [*head, *tail, *([_short(shown)] if shown else [])]
    rest = {name: value for name, value in output.settings.items() if name in output.told}
    return " ".join(word for word in (*words, _short(rest) if rest else "") if word)


def _short(values: Mapping[str, Any]) -> str:
    """`{a: 1, b: open}`, cut where it is long."""
    whole = "{" + ", ".join(f"{name}: {shown(value)}" for name, value in values.items()) + "}"
    return _cut(whole)


def _cut(line: str) -> str:
    return line if len(line) <= WIDEST else line[: WIDEST - 1] + "…"


def shown(value: Any) -> str:
    """A value as one would write it in a definition."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        plain = (
            value
            and value == value.strip()
            and not set(value) & set("{}[],#\"'\n")
            and ": " not in value
        )
        return value if plain else repr(value)
    return text(value)


class SinkView:
    """What one sink would write; every event counts by itself, none are grouped or batched."""

    def __init__(self, sink: Sink, zone: Zone) -> None:
        self._shape = Shape(sink.shape, zone) if sink.shape else None
        self._texts = {
            name: texts for name, value in sink.settings if (texts := _templates(name, value, zone))
        }
        self._says = getattr(sink.settings, "title", "") is None
        self._told = frozenset(
            name for name, texts in self._texts.items() if any(t.placeholders() for t in texts)
        )

    def output(self, event: Event) -> Output | None:
        """The event in the sink's form; None if the sink leaves it out (no channel for it)."""
        settings: dict[str, Any] = {}
        for name, texts in self._texts.items():
            values = [
                value
                for one in texts
                if (value := _rendered(one, event, name == "channel")) is not None
            ]
            if not values:
                if name == "channel":
                    return None
                continue
            settings[name] = values[0] if len(values) == 1 else AnyOf(values)
        if self._says:
            settings["title"] = title_of(event)
        return Output(
            event, self._shape.render(event) if self._shape else None, settings, self._told
        )


class AnyOf(list[Any]):
    """Several texts of one setting, such as channels: expecting one of them is enough."""


def _templates(name: str, value: Any, zone: Zone) -> list[Template]:
    if name == "connection":
        return []
    texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    templates = [Template(one, zone) for one in texts if isinstance(one, str)]
    return templates if name in _FIXED or any(one.placeholders() for one in templates) else []


def _rendered(template: Template, event: Event, only_whole: bool) -> Any:
    """A setting's text for an event; with `only_whole` None where the event lacks a field of it."""
    if only_whole and any(fields.field(event, name) is None for name in template.placeholders()):
        return None
    return text(template.render(event))
