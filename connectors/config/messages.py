"""pydantic's errors about a document as problems at the right place, in plain words."""

import re
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel

from connectors.config.document import Document, Path_
from connectors.config.forms import form_problem
from connectors.config.late_model import annotation_of
from connectors.config.suggestion import near

FEW = 6
Made = TypeVar("Made", bound=BaseModel)


def validate(model: type[Made], value: Any) -> Made:
    """Validate by the names that are written in files; raises `ValidationError`."""
    return model.model_validate(value, by_alias=True, by_name=False)


def explain(
    document: Document,
    model: type[BaseModel],
    errors: Iterable[Any],
    what: str,
    base: Path_ = (),
    hints: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Note each error (as pydantic's `errors()` lists them) of the value at `base` at its place.

    `what` names the document (`the flow`, `the site file`); `hints` explain keys that are missing.
    """
    taken = {problem.place for problem in document.errors}
    entries = [_Entry.make(document, base, e) for e in errors]
    for entry in _choose(document, entries):
        missing = entry.error["type"] == "missing"
        if missing or document.place(entry.path, key=entry.in_key) not in taken:
            _say(document, model, entry, what, hints)


@dataclass
class _Entry:
    """An error, the part of its path that the document has, and the union branches left over."""

    error: Any
    path: Path_
    labels: list[tuple[int, str]]
    base: Path_
    in_key: bool = False

    @classmethod
    def make(cls, document: Document, base: Path_, error: Any) -> "_Entry":
        entry = cls(error, base, [], base)
        node = document.node(base)
        loc = error["loc"][:-1] if error["type"] == "missing" else error["loc"]
        for part in loc:
            child = node.get(part) if node is not None else None
            if child is not None:
                node, entry.path = child, (*entry.path, part)
            elif part == "[key]":
                entry.in_key = True
            else:
                entry.labels.append((len(entry.path), str(part)))
        return entry


def _choose(document: Document, entries: list[_Entry]) -> list[_Entry]:
    """Keep the branch of a union that went deepest; what remains at one scalar is one message."""
    kept = entries
    for round_ in range(4):
        groups: dict[tuple[Path_, str], dict[str, list[_Entry]]] = {}
        for entry in kept:
            if len(entry.labels) > round_:
                depth, label = entry.labels[round_]
                prefix = (entry.path[:depth], ".".join(name for _, name in entry.labels[:round_]))
                groups.setdefault(prefix, {}).setdefault(label, []).append(entry)
        dropped: set[int] = set()
        for branches in groups.values():
            best = max(_weight(document, branch) for branch in branches.values())
            for branch in branches.values():
                if _weight(document, branch) < best:
                    dropped |= {id(entry) for entry in branch}
        kept = [entry for entry in kept if id(entry) not in dropped]
    at: dict[tuple[Path_, bool], list[_Entry]] = {}
    for entry in kept:
        key = (entry.path, entry.in_key)
        if entry.labels and entry.error["type"] != "missing":
            at.setdefault(key, []).append(entry)
    for alike in at.values():
        if len({entry.error["type"] for entry in alike}) > 1:
            alike.sort(key=lambda entry: _TAILORED.get(entry.error["type"], 9))
            wanted = list(dict.fromkeys(w for e in alike if (w := _WANTED.get(e.error["type"]))))
            alike[0].error = {**alike[0].error, "wanted": wanted}
        for other in alike[1:]:
            kept = [entry for entry in kept if entry is not other]
    return kept


def _weight(document: Document, branch: Sequence[_Entry]) -> tuple[int, int]:
    deepest = max(len(entry.path) for entry in branch)
    tailored = min(_TAILORED.get(entry.error["type"], 9) for entry in branch)
    return deepest, -min(tailored, 3)


_TAILORED = {"extra_forbidden": 0, "value_error": 1, "literal_error": 2, "missing": 3}

_WANTED = {
    "string_type": "a text", "int_type": "a whole number", "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number", "float_parsing": "a number", "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list", "tuple_type": "a list", "dict_type": "a map of names and values",
    "model_type": "a map of settings", "model_attributes_type": "a map of settings",
    "finite_number": "a finite number",
    "dataclass_type": "a map of settings",
}  # fmt: skip


def _say(
    document: Document, model: type[BaseModel], entry: _Entry, what: str, hints: Mapping[str, str]
) -> None:
    error, path = entry.error, entry.path
    kind, value, context = error["type"], error.get("input"), error.get("ctx") or {}
    relative = error["loc"]
    name = str(relative[-1]) if relative else ""
    if kind == "extra_forbidden":
        owners = _models_at(model, relative[:-1])
        known = list(dict.fromkeys(key for owner in owners for key in _keys(owner)))
        noun = next((owner.NOUN for owner in owners if hasattr(owner, "NOUN")), "key")
        special = next(
            (h for o in owners if hasattr(o, "unknown_key") and (h := o.unknown_key(name))), None
        )
        hint = (
            special
            or _synonym(name, known)
            or near(name, known)
            or f"allowed: {', '.join(known[:24])}"
        )
        document.say_at(path, f"unknown {noun} {name!r}", hint, key=True)
        return
    if kind == "missing":
        owner = ".".join(str(part) for part in path) or what
        owners = _models_at(model, relative[:-1])
        hint = hints.get(name) or next((h for o in owners if (h := _missing_hint(o, name))), None)
        document.say_at(path, f"{owner} needs {name!r}", hint, key=True)
        return
    message, hint = _sentence(kind, value, context, error)
    node = document.node(path)
    first = re.match(r"'(\w+)'", message)
    if kind == "value_error" and first and node is not None and node.get(first[1]) is not None:
        document.say_at((*path, first[1]), message, hint, key=not node.flow_style)
        return
    is_block = (
        node is not None
        and node.entries is not None
        and not node.flow_style
        and kind == "value_error"
    )
    document.say_at(path, message, hint, key=entry.in_key or is_block)


_SYNONYMS = {
    "above": ("greater_than", "gt", "over", "max", "high"), "below": ("less_than", "lt", "under",
    "min", "low"),
    "inside": ("between", "within", "in_range"), "outside": ("not_between", "out_of_range"),
    "is": ("equals", "equal", "eq", "state"), "silent": ("absent", "missing", "stale"),
    "when": ("condition", "threshold"),
    "clear": ("hysteresis", "deadband", "reset"), "for": ("delay", "on_delay", "duration", "hold"),
    "clear_for": ("off_delay", "clear_after", "keep_firing_for"), "priority": ("severity",
    "urgency"),
    "suppressed_by": ("inhibited_by", "suppress_when", "depends_on"), "repeat": ("realarm",),
    "ack": ("acknowledge",),
    "armed": ("schedule", "active"), "from": ("source", "input"), "only": ("filter", "where"),
    "by": ("group_by",),
    "response": ("action", "runbook"), "message": ("description", "text"), "chatter": ("flap",
    "flapping"), "bad": ("no_data",),
}  # fmt: skip
"""Keys, and what other systems call them."""


def _synonym(name: str, known: Iterable[str]) -> str | None:
    word = next((word for word in known if name.lower() in _SYNONYMS.get(word, ())), None)
    return f"it is called {word!r} here" if word else None


def _missing_hint(owner: type[BaseModel], name: str) -> str | None:
    for key, info in owner.model_fields.items():
        if (info.alias or key) == name and info.examples:
            example = info.examples[0]
            quote = '"' if "{" in str(example) else ""
            return (
                f"such as  {name}: {quote}{example}{quote}"
                if isinstance(example, (str, int, float))
                else None
            )
    return None


def _sentence(kind: str, value: Any, context: dict[str, Any], error: Any) -> tuple[str, str | None]:
    wanted = error.get("wanted") or ([_WANTED[kind]] if kind in _WANTED else None)
    if wanted and kind not in ("value_error", "literal_error"):
        hint = f"write [{value}]" if kind == "list_type" and isinstance(value, str) else None
        return f"needs {_or(wanted)}, not {_shown(value)}", hint
    if kind == "literal_error":
        expected = str(context.get("expected", ""))
        words = re.findall(r"'([^']+)'", expected)
        if len(words) > FEW:
            return (
                f"{_shown(value)} is not a word known here",
                near(value, words) or f"one of: {', '.join(words)}",
            )
        return f"{_shown(value)} is not one of {expected}", near(value, words)
    if kind == "string_pattern_mismatch":
        return form_problem(str(context.get("pattern")), value)
    limits = {
        "greater_than": "gt",
        "greater_than_equal": "ge",
        "less_than": "lt",
        "less_than_equal": "le",
    }
    if kind in limits and isinstance(value, bool):
        return f"needs a number, not {_shown(value)}", None
    if kind in limits:
        word = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}[
            limits[kind]
        ]
        return (
            f"{_shown(value)} is out of bounds: it must be {word} {context[limits[kind]]:g}",
            None,
        )
    if kind in ("too_short", "string_too_short"):
        least = context.get("min_length", 1)
        return ("is empty" if not value else f"needs at least {least} entries"), None
    if kind in ("too_long", "string_too_long"):
        return (
            (
                "may have at most"
                f" {context.get('max_length')} {'entries' if kind == 'too_long' else 'characters'}"
            ),
            None,
        )
    return str(error["msg"]).removeprefix("Value error, "), None


def _or(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..." + text[0]


def _keys(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]


def _models_at(model: type[BaseModel], loc: Sequence[Any]) -> list[type[BaseModel]]:
    """The models that an error path leads to."""
    current: list[Any] = [model]
    for part in loc:
        following: list[Any] = []
        for annotation in current:
            origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                fields = {
                    (info.alias or name): info for name, info in annotation.model_fields.items()
                }
                if part in fields:
                    following += _flatten(annotation_of(fields[part]))
                elif part == annotation.__name__:
                    following.append(annotation)
            elif origin is dict:
                following += _flatten(arguments[1])
            elif origin in (list, tuple):
                following += _flatten(arguments[0])
        current = following or current
    return [a for a in current if isinstance(a, type) and issubclass(a, BaseModel)]


def _flatten(annotation: Any) -> list[Any]:
    if typing.get_origin(annotation) is Annotated:
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [x for a in typing.get_args(annotation) if a is not type(None) for x in _flatten(a)]
    return [annotation]
