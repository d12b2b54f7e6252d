"""Texts with `{field}` and `${NAME}`: form, known fields, and where each may stand."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from connectors.document import Path_
from connectors.explain import near
from flows.scope import Scope, map_of
from flows.spec import Flow

EVENT_FIELDS = (
    "id", "time", "start", "subject", "metric", "value", "text", "raw", "unit", "quality", "labels", "topic", "type", "data",
    "source", "values", "camera", "class", "score", "box", "track", "phase", "in_zone", "frame", "width", "height", "key",
    "zone", "alarm", "change", "state", "priority", "severity", "condition", "limit", "page", "message", "response",
    "reason", "comment", "note", "by", "user", "until", "occ", "seq", "rule", "event", "isa", "recorded", "detail",
    "origin", "flow", "step", "payload", "table", "op", "signs", "kind", "retained",
)  # fmt: skip
CALCULATED = ("mean", "min", "max", "sum", "count", "first", "last", "delta", "p95")
FIELD = re.compile(r"(?<!\$)\{([^{}]*)\}")
SECRET = re.compile(r"\$\{([^}]*)\}?")
SECRET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(:-.*)?")


def check_texts(scope: Scope) -> None:
    root = scope.document.root
    if root is None:
        return
    fields = _fields(scope.flow, scope)
    for path, node in root.walk():
        if not isinstance(node.value, str):
            continue
        if "${" in node.value:
            _check_secret(scope, path, node.value)
        if ("{" in node.value or "}" in node.value) and _is_template(path):
            _check_template(scope, path, node.value, fields)


def _is_template(path: Path_) -> bool:
    if path[0] == "sinks":
        return len(path) > 3 and path[2] not in ("from", "only")
    if path[0] == "alarms":
        return path[-1] in ("message", "response")
    return path[0] == "streams" and len(path) > 5 and path[2] == "steps" and path[4] in ("shape", "label")


def _fields(flow: Flow, scope: Scope) -> set[str]:
    """Every field or label that events of this flow are known to have."""
    fields = {*EVENT_FIELDS, *CALCULATED}
    for table in scope.tables:
        fields |= set(scope.columns(table))
    for source in flow.sources.values():
        fields |= set(source.label)
    for _, _, step in scope.steps():
        if step.kind in ("label", "rename", "shape"):
            named = map_of(step.settings)
            fields |= set(named)
            fields |= {value for value in named.values() if isinstance(value, str) and "{" not in value}
        same = getattr(step.settings, "same", None)
        fields |= {same} if isinstance(same, str) else set(same or ())
    return fields


def _check_secret(scope: Scope, path: Path_, text: str) -> None:
    if path[0] in ("tests", "about"):
        return
    if path[0] != "sources":
        scope.say(
            path, "${...} is for site.yaml and the URLs of sources only", "put addresses and passwords into site.yaml"
        )
        return
    for match in SECRET.finditer(text):
        if not match[0].endswith("}"):
            scope.say(path, "'${' is not closed", "write ${NAME} or ${NAME:-default}")
        elif not SECRET_NAME.fullmatch(match[1]):
            scope.say(path, f"{match[0]!r} names no variable", "write ${NAME} or ${NAME:-default}")


def _check_template(scope: Scope, path: Path_, text: str, fields: set[str]) -> None:
    rest = FIELD.sub("", SECRET.sub("", text))
    if "{" in rest or "}" in rest:
        scope.say(path, "a brace is not closed" if "{" in rest else "a brace is not opened", "write {field}")
        return
    for name, form in _parts(text):
        if not re.fullmatch(r"[^\W\d]\w*([.\-/]\w+)*", name):
            scope.say(path, f"'{{{name}}}' is not a field", "write one name in braces, such as {subject}")
        elif name not in fields:
            hint = near(name, fields, 0.75)
            if hint:
                scope.say(path, f"no event has a field {name!r}", hint)
            else:
                scope.say(
                    path, f"no event is known to have a field {name!r}", "right if the device sends it", level="warning"
                )
        if form is not None:
            _check_form(scope, path, name, form)


def _parts(text: str) -> Iterator[tuple[str, str | None]]:
    for match in FIELD.finditer(text):
        name, colon, form = match[1].partition(":")
        yield name, form if colon else None


def _check_form(scope: Scope, path: Path_, name: str, form: str) -> None:
    if name in ("time", "start", "recorded", "until"):
        if form != "epoch" and "%" not in form:
            scope.say(path, f"{form!r} is not a form of time", "write {time:%Y-%m-%d}, or {time:epoch}")
        elif "%" in form:
            datetime(2026, 1, 5, tzinfo=UTC).strftime(form)
        return
    try:
        format(1.5, form)
    except ValueError:
        try:
            format("text", form)
        except ValueError:
            scope.say(path, f"{form!r} is not a form of a number or text", f"write {{{name}:.1f}} for one decimal")
