"""The documentation of components, made from their classes."""

import inspect
import re
import types
import typing
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr, WithJsonSchema
from pydantic.fields import FieldInfo

from connectors.config.site import Site
from flows.language.catalogue import kinds
from flows.language.model import (
    Clock,
    Flow,
    Kinded,
    Page,
    PictureLine,
    Sink,
    Source,
    Step,
    Stream,
    Zone,
    summary,
)
from flows.language.model_of_tests import Do, Play, Test
from operators.component import Component
from operators.decoding.catalogue import listing
from operators.decoding.own_dialects import OwnDialect, OwnReading
from operators.model.units import Quantity, duration, duration_text, quantity

Entry = tuple[str, str, type[Component]]
DOCUMENT: dict[str, type[BaseModel]] = {
    "The definition": Flow,
    "`clock`": Clock,
    "An entry of `dialects`": OwnDialect,
    "A reading of a dialect": OwnReading,
    "An entry of `zones`": Zone,
    "An entry of `lines`": PictureLine,
    "An entry of `pages`": Page,
    "An entry of `sources`": Source,
    "An entry of `streams`": Stream,
    "A step": Step,
    "An entry of `sinks`": Sink,
    "A test": Test,
    "A moment of a test": Play,
    "`do` of a moment": Do,
    "The site file": Site,
}
HEADINGS = {"source": "Sources", "step": "Steps", "alarm": "Alarms", "sink": "Sinks"}


def matching(name: str | None) -> list[Entry]:
    """The components of a name; all of them for None."""
    return [entry for entry in kinds() if name is None or entry[1] == name]


def component_list() -> str:
    """Every component on one line: what it is, its name, its summary."""
    return "\n".join(f"{what:<7} {name:<15} {summary(cls)}" for what, name, cls in kinds())


def reference() -> str:
    """The whole reference, as Markdown."""
    parts = [
        "# Definitions and their components",
        "",
        (
            "Everything that may be written in a definition and in a site file. This page is"
            " printed by `vigie docs`."
        ),
        "",
        (
            "Durations are written `500ms`, `30s`, `2min`, `8h`, `7d`, `2w` or joined, `1h30min`."
            " Numbers may carry a unit: `30 °C`,"
        ),
        "`6 kW`. Texts may hold `{field}`, a field or label of the event.",
        "",
    ]
    for title, model in DOCUMENT.items():
        parts += [f"## {title}", "", *_text(model), "", *_table(model)]
    last = ""
    for what, name, cls in kinds():
        if what != last:
            parts += [f"## {HEADINGS[what]}", ""]
            last = what
        parts += [component_page(what, name, cls)]
    return "\n".join(parts).rstrip() + "\n"


def component_page(what: str, name: str, cls: type[Component]) -> str:
    """One component, as Markdown."""
    lines = [f"### {what} `{name}`", "", *_text(cls), ""]
    if getattr(cls, "STATEFUL", False):
        owner = "its own name" if what == "alarm" else "the name of its stream"
        lines += [f"It keeps state, which survives restarts under {owner}.", ""]
    lines += _settings(cls)
    connection = getattr(cls, "CONNECTION", None)
    if connection is not None:
        lines += [f"Connection in `site.yaml`: {summary(connection)}", "", *_table(connection)]
    for index, example in enumerate(cls.EXAMPLES):
        lines += ["Example:" if index == 0 else "or:", "", "```yaml", example.rstrip(), "```", ""]
    return "\n".join(lines)


def _text(cls: type) -> list[str]:
    text = inspect.cleandoc(cls.__doc__ or "").replace("{dialects}", listing())
    text = re.sub(r"^(Delivery|Back pressure):", r"\n**\1:**", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).split("\n")


def _settings(cls: type[Component]) -> list[str]:
    lines = _table(cls)
    if cls.SHORT is not None:
        lines += [f"Short form: `{cls.NAME}: {cls.SHORT.rstrip('_').upper()}`.", ""]
    for nested in _nested(cls):
        lines += [f"`{nested.__name__.lower()}`: {summary(nested)}", "", *_table(nested)]
    return lines


def _table(model: type[BaseModel]) -> list[str]:
    kinds_ = model.KINDS if issubclass(model, Kinded) else {}
    rows = [_row(name, info) for name, info in model.model_fields.items() if name not in kinds_]
    if kinds_:
        rows.append(
            f"| one of | {', '.join(f'`{name}`' for name in kinds_)} | required | The component,"
            " see below. |"
        )
    if not rows:
        return ["It has no settings.", ""]
    return ["| setting | type | default | what it is |", "|---|---|---|---|", *rows, ""]


def _row(name: str, info: FieldInfo) -> str:
    known = info.examples or _json_schema(info).get("examples", ())
    examples = ", ".join(
        f"`{_written(example, info)}`"
        for example in known
        if not _is_duration(info) or info.examples
    )
    description = (info.description or "") + (f" Example: {examples}." if examples else "")
    bounds = _bounds(info)
    kind = type_name(info) + (f", {bounds}" if bounds else "")
    cells = (f"`{info.alias or name}`", kind, _default(info), description)
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    make = info.default_factory
    value = make() if make else info.get_default()  # type: ignore[call-arg]
    if value is None or isinstance(value, SecretStr) or value in ([], {}):
        return ""
    return f"`{_written(value, info)}`"


def _written(value: Any, info: FieldInfo) -> str:
    """A value as it is written in a definition."""
    if _is_duration(info) and isinstance(value, (int, float)) and not isinstance(value, bool):
        return duration_text(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, BaseModel) and not isinstance(value, Quantity):
        inner = {
            field.alias or name: _written(getattr(value, name), field)
            for name, field in type(value).model_fields.items()
            if getattr(value, name) is not None
        }
        return "{" + ", ".join(f"{key}: {text}" for key, text in inner.items()) + "}"
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{key}: {_written(item, _PLAIN)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_written(item, _PLAIN) for item in value) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    return f'"{text}"' if "{" in text and not text.startswith('"') else text


_PLAIN = FieldInfo(annotation=str)


def _is_duration(info: FieldInfo) -> bool:
    return _mentions(info, duration)


def _mentions(info: FieldInfo, function: Any) -> bool:
    return any(getattr(part, "func", None) is function for part in _metadata(info))


def _json_schema(info: FieldInfo) -> dict[str, Any]:
    return next(
        (part.json_schema or {} for part in _metadata(info) if isinstance(part, WithJsonSchema)), {}
    )


def _metadata(info: FieldInfo) -> list[Any]:
    """What is annotated on a field or on a member of its union."""
    found = list(info.metadata)
    waiting = [info.annotation]
    while waiting:
        annotation = waiting.pop()
        if get_origin(annotation) is Annotated:
            found += get_args(annotation)[1:]
            waiting.append(get_args(annotation)[0])
        elif get_origin(annotation) in (typing.Union, types.UnionType):
            waiting += get_args(annotation)
    return found


def _bounds(info: FieldInfo) -> str:
    words = []
    for part in info.metadata:
        for attribute, text in (
            ("ge", "at least"),
            ("gt", "more than"),
            ("le", "at most"),
            ("lt", "less than"),
        ):
            bound = getattr(part, attribute, None)
            if bound is not None:
                shown = (
                    duration_text(bound) if _is_duration(info) else f"{bound:,}".replace(",", " ")
                )
                words.append(f"{text} {shown}")
    return ", ".join(words)


def type_name(info: FieldInfo) -> str:
    """The type of a setting in words."""
    if _is_duration(info):
        return "duration"
    if _mentions(info, quantity):
        return "number with unit"
    names = [name for name in _names(info.annotation) if name]
    if names == ["value"] and _json_schema(info).get("type") == "string":
        return "text"
    if {"true or false", "whole number", "number", "text"} <= set(names):
        names = [
            name
            for name in names
            if name not in ("true or false", "whole number", "text", "number")
        ]
        listed = [name for name in names if name.startswith("list of true")]
        others = [name for name in names if name not in listed]
        names = ["word", "number", *others, *(["list of these"] if listed else [])]
    return " or ".join(dict.fromkeys(names))


def _names(annotation: Any) -> list[str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        functions = [getattr(part, "func", None) for part in arguments[1:]]
        if duration in functions:
            return ["duration"]
        if quantity in functions:
            return ["number with unit"]
        return _names(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return [name for argument in arguments for name in _names(argument)]
    if origin is Literal:
        return [
            ", ".join(
                f"`{str(value).lower() if isinstance(value, bool) else value}`"
                for value in arguments
            )
        ]
    if origin in (list, tuple):
        inner = " or ".join(dict.fromkeys(_names(arguments[0]))) if arguments else "value"
        return [f"list of {inner}"]
    if origin is dict:
        return ["map"]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation is Quantity:
            return ["number with unit"]
        return [f"`{annotation.__name__.lower()}`"]
    plain = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
        type(None): "",
        SecretStr: "secret text",
    }
    return [plain.get(annotation, "value")]


def _nested(cls: type[BaseModel]) -> list[type[BaseModel]]:
    """Models used inside a component's settings, each once."""
    found: list[type[BaseModel]] = []
    waiting: list[Any] = [info.annotation for info in cls.model_fields.values()]
    while waiting:
        annotation = waiting.pop(0)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if annotation not in found and annotation is not Quantity:
                found.append(annotation)
                waiting += [info.annotation for info in annotation.model_fields.values()]
        else:
            waiting += [argument for argument in get_args(annotation) if argument is not None]
    return found
