"""Texts with `{field}` and `${NAME}`: form, known fields, and where each may stand."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from connectors.config.document import Path_
from connectors.config.suggestion import near
from connectors.config.variables import FORM, VARIABLE, mistakes, password_in_url
from flows.checks.context import Scope, map_of
from flows.language.model import Flow
from operators.model.fields import ATTRIBUTES
from operators.model.selector import Selector
from operators.model.template import Template
from operators.notifications.notify import Notify
from operators.windows.step import STATISTICS

LABEL_FIELD = re.compile(r"(?<!\{)\{label\.(\w+)[:}]")
OF_RULES = ("condition", "limit", "zone")


def check_texts(scope: Scope) -> None:
    """Check the placeholders of all texts: their form, their fields, and where each may stand."""
    root = scope.document.root
    if root is None:
        return
    fields = _fields(scope.flow, scope)
    for path, node in root.walk():
        if not isinstance(node.value, str):
            continue
        if "${" in node.value:
            _check_secret(scope, path, node.value)
        elif path[0] == "sources" and (secret := password_in_url(node.value)):
            node.place.file.secrets.add(secret)
            scope.say(
                path,
                "a password is written in clear",
                "write ${NAME} in its place",
                level="warning",
            )
        if ("{" in node.value or "}" in node.value) and _is_template(path):
            _check_template(scope, path, node.value, fields)
    for path, _, step in scope.steps():
        if isinstance(step.settings, Notify):
            _check_names(scope, (*path, "notify", "by"), step.settings.placeholders(), fields)
    _check_labels(scope)


def _check_labels(scope: Scope) -> None:
    """Warn of a label that nothing here sets, but that is nearly one that the flow sets."""
    flow = scope.flow
    names = [*flow.sources, *flow.streams]
    known = set().union(*(scope.labels_after(name) for name in names))
    if any(map(scope.enriched, names)) or not scope.is_whole:
        return
    for path, label, key in _labels(scope):
        if label not in known and (hint := near(label, known, 0.75)):
            scope.say(path, f"nothing here sets a label {label!r}", hint, key=key, level="warning")


def _labels(scope: Scope) -> Iterator[tuple[Path_, str, bool]]:
    """Place and name of each label by which events are selected or grouped; whether it is a key."""
    for name, stream in scope.flow.streams.items():
        yield from _fields_of(stream.by, ("streams", name, "by"))
    for path, _, step in scope.steps():
        if isinstance(step.settings, Selector):
            yield from _selected(step.settings, (*path, step.kind))
        elif "by" in type(step.settings).model_fields:
            yield from _fields_of(getattr(step.settings, "by", None), (*path, step.kind, "by"))
    for section in ("alarms", "sinks"):
        for name, entry in getattr(scope.flow, section).items():
            if entry.only is not None:
                yield from _selected(entry.only, (section, name, "only"))
    for path, node in scope.document.root.walk() if scope.document.root else ():
        if isinstance(node.value, str) and "{label." in node.value and _is_template(path):
            yield from ((path, name, False) for name in LABEL_FIELD.findall(node.value))


def _selected(only: Selector, path: Path_) -> Iterator[tuple[Path_, str, bool]]:
    yield from (((*path, "label", label), label, True) for label in only.label or ())


def _fields_of(value: Any, path: Path_) -> Iterator[tuple[Path_, str, bool]]:
    for index, name in enumerate([value] if isinstance(value, str) else value or ()):
        if name.startswith("label."):
            place = path if isinstance(value, str) else (*path, index)
            yield place, name.removeprefix("label."), False


def _is_template(path: Path_) -> bool:
    if path[0] == "sinks":
        return len(path) > 3 and path[2] not in ("from", "only")
    if path[0] == "alarms":
        return path[-1] in ("message", "response")
    return (
        path[0] == "streams"
        and len(path) > 5
        and path[2] == "steps"
        and path[4] in ("shape", "label")
    )


def _fields(flow: Flow, scope: Scope) -> set[str]:
    """Every field or label that events of this flow are known to have."""
    fields = {*ATTRIBUTES, *STATISTICS, *OF_RULES}
    for table in scope.tables:
        fields |= set(scope.columns(table))
    for source in flow.sources.values():
        fields |= set(source.label)
    for _, _, step in scope.steps():
        if step.kind in ("label", "rename", "shape"):
            named = map_of(step.settings)
            fields |= set(named)
            fields |= {
                value for value in named.values() if isinstance(value, str) and "{" not in value
            }
        fields |= set(step.settings.DATA)
        same = getattr(step.settings, "same", None)
        fields |= {same} if isinstance(same, str) else set(same or ())
    return fields


def _check_secret(scope: Scope, path: Path_, text: str) -> None:
    if path[0] in ("tests", "about"):
        return
    if path[0] != "sources":
        scope.say(
            path,
            "${...} is for site.yaml and the URLs of sources only",
            "put addresses and passwords into site.yaml",
        )
        return
    for mistake in mistakes(text):
        scope.say(path, mistake, FORM)


def _check_template(scope: Scope, path: Path_, text: str, fields: set[str]) -> None:
    try:
        names = Template(VARIABLE.sub("", text)).placeholders()
    except ValueError as error:
        scope.say(path, str(error))
        return
    _check_names(scope, path, names, fields)


def _check_names(scope: Scope, path: Path_, names: Iterable[str], fields: set[str]) -> None:
    for name in names:
        head = name.partition(".")[0]
        if head in fields or head == "label":
            continue
        if hint := near(name, fields, 0.75):
            scope.say(path, f"no event has a field {name!r}", hint)
        else:
            hint = "right if the device sends it; otherwise correct it"
            scope.say(path, f"no event is known to have a field {name!r}", hint, level="warning")
