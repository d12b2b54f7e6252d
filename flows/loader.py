"""Reads a definition: text, positions, models, meaning and lock, with all problems at once.

For example:

    document, flow = load("server_room.yaml")
    if flow is None:
        print(document.report())
"""

import itertools
import re
from pathlib import Path

from pydantic import ValidationError

from connectors.config.document import Document, Node, Path_, Text
from connectors.config.messages import explain, validate
from connectors.config.suggestion import near
from flows.checks.run_all import WHOLE, LeftOut, Scope, check
from flows.language.lock import check_lock
from flows.language.model import Flow, Source, Step
from operators.model.condition import RANGES

SHARED = ("tables", "zones", "lines", "pages", "dialects", "recipes", "connections")
NAMED = (
    "tables", "zones", "lines", "pages", "dialects", "recipes", "sources", "streams", "alarms",
    "sinks",
)  # fmt: skip
MISSING = {
    "response": "an alarm asks a person to act; otherwise send the stream to a sink",
    "vigie": "begin the file with  vigie: 1",
    "flow": "a flow's name is part of the identity of its saved state",
    "from": "name what it reads",
    "sources": "name at least one source",
    "steps": "a stream without steps is its source; read that instead",
}


class _Partial(Flow):
    """A flow without the entries that have errors, so that the rest can be checked too."""

    vigie: int = 1  # type: ignore[assignment]
    flow: str = "flow"
    sources: dict[str, Source] = {}


def load(path: Path | str) -> tuple[Document, Flow | None]:
    """Read and check a definition; the flow is None if there are errors, which are in the document.

    The lock beside the file is compared too, if there is one. Recipes are expanded and included
    files merged. Never raises for what a file holds, whatever the bytes.
    """
    document = Document.read(path)
    return document, build(document)


def build(document: Document) -> Flow | None:
    """Make the flow of a document that was read."""
    root = document.root
    if root is None:
        return None
    if root.entries is None:
        document.say(root.place, "a definition is a map of keys", "begin with  vigie: 1")
        return None
    notation(document, root, ())
    _include(document, root)
    _expand_recipes(document, root)
    flow, left_out = _validate(document, root)
    if flow is not None:
        check(Scope(document, flow, left_out))
        if not document.errors:
            check_lock(document, flow)
    return None if document.errors else flow


def notation(document: Document, node: Node, path: Path_) -> None:
    """Find unquoted placeholders and empty values, which YAML takes for maps and nulls."""
    for key, place, child in node.children():
        below = (*path, key)
        if child.entries is not None and len(child.entries) == 1 and child.flow_style:
            name, (_, inner) = next(iter(child.entries.items()))
            if (
                inner.value is None
                and inner.entries is None
                and inner.items is None
                and not inner.quoted
            ):
                document.say(child.place, "a placeholder must be quoted", f'write "{{{name}}}"')
                child.entries, child.value = None, f"{{{name}}}"
                continue
        if key in (*RANGES, "clear"):
            _cut_numbers(document, child)
        empty = child.value is None and child.entries is None and child.items is None
        if empty and isinstance(key, str) and (number := _cut_number(node, key)):
            document.say(place, "a comma in a number", f"write {number}")
        elif empty and not _may_be_empty(below):
            what = f"{key!r} is empty" if isinstance(key, str) else "an entry of the list is empty"
            document.say(place, what, _as_list(node, key) or "give it a value or remove it")
        notation(document, child, below)


def _cut_number(node: Node, key: str) -> str | None:
    """The number with its decimal point, where `{above: 7,5 °C}` was read as `7` and a key."""
    keys = [str(name) for name, _, _ in node.children()]
    after = re.fullmatch(r"(\d+)(\s*\S*)", key)
    if not node.flow_style or after is None or keys.index(key) == 0:
        return None
    before = node.get(keys[keys.index(key) - 1])
    return f"{before.value}.{key}" if before is not None and type(before.value) is int else None


def _as_list(node: Node, key: int | str) -> str | None:
    """The list that was meant by `{change: raised, cleared}`, where YAML sees a second key."""
    keys = [name for name, _, _ in node.children()]
    at = keys.index(key)
    before = node.get(str(keys[at - 1])) if node.flow_style and at else None
    if before is None or before.value is None:
        return None
    return f"for several values write  {keys[at - 1]}: [{before.value}, {key}]"


def _cut_numbers(document: Document, node: Node) -> None:
    """Find decimal commas in a list of two limits, where `[7,5 °C, 9 °C]` was read as three."""
    items = node.items or []
    if len(items) < 3 or not node.flow_style:
        return
    for before, after in itertools.pairwise(items):
        if type(before.value) is int and re.fullmatch(r"\d+(\s*\S*)", str(after.value)):
            number = f"{before.value}.{after.value}"
            document.say(before.place, "a comma in a number", f"write {number}")
            return


def _may_be_empty(path: Path_) -> bool:
    """Whether nothing may stand at a path: nulls in tests, or a component without settings."""
    if path[0] == "tests":
        return len(path) > 4
    if path[0] == "tables":
        return len(path) > 2
    is_step = (path[0] == "streams" and path[2:3] == ("steps",) and len(path) == 5) or (
        path[0] == "recipes" and len(path) == 4
    )
    return is_step or (
        path[0] in ("sources", "sinks") and len(path) == 3 and path[2] in Source.KINDS
    )


def _include(document: Document, root: Node) -> None:
    included = root.get("include")
    for item in (included.items or ()) if included else ():
        if not isinstance(item.value, str):
            continue
        path = document.path.parent / item.value
        if not path.is_file():
            document.say(item.place, f"no file {item.value!r} beside the flow")
            continue
        node = document.include(Text(str(path)), path)
        if node is None:
            continue
        if node.entries is None:
            document.say(
                node.place, "an included file is a map of keys", f"allowed: {', '.join(SHARED)}"
            )
            continue
        notation(document, node, ())
        _merge(document, root, node)


def _merge(document: Document, root: Node, included: Node) -> None:
    assert root.entries is not None and included.entries is not None
    for section, (place, node) in included.entries.items():
        if section not in SHARED:
            hint = near(section, SHARED) or f"an included file may hold: {', '.join(SHARED)}"
            document.say(place, f"unknown key {section!r}", hint)
        elif section == "connections":
            continue
        elif section not in root.entries:
            root.entries[section] = (place, node)
        else:
            ours = root.entries[section][1]
            for name, entry in (node.entries or {}).items():
                if ours.entries is None:
                    break
                if name in ours.entries:
                    first = ours.entries[name][0]
                    where = f"{first.file.path}:{first.line + 1}"
                    document.say(
                        entry[0], f"the name {name!r} is already used in {section}, {where}"
                    )
                else:
                    ours.entries[name] = entry


def _expand_recipes(document: Document, root: Node) -> None:
    recipes = root.get("recipes") or Node(root.place, entries={})
    streams = root.get("streams")
    for _, _, stream in list(streams.children()) if streams else ():
        steps = stream.get("steps")
        if steps is not None and steps.items is not None:
            steps.items = [
                step for item in steps.items for step in _expand(document, recipes, item, ())
            ]


def _expand(document: Document, recipes: Node, step: Node, within: tuple[str, ...]) -> list[Node]:
    use = step.get("use")
    if use is None or step.entries is None:
        return [step]
    inner = use if use.entries is None else next((child for _, _, child in use.children()), use)
    name = inner.value
    if not isinstance(name, str):
        return [step]
    recipe = recipes.get(name)
    if recipe is None:
        known = [str(key) for key, _, _ in recipes.children()]
        document.say(inner.place, f"no recipe {name!r}", near(name, known) or _known(known))
        return []
    if name in within:
        circle = [*within[within.index(name) :], name]
        document.say(inner.place, f"recipes run in a circle: {' -> '.join(circle)}")
        return []
    if extra := [key for key in step.entries if key not in ("use", "id")]:
        document.say(
            step.entries[extra[0]][0],
            f"unknown key {extra[0]!r}",
            "a step with 'use' may have an 'id' only",
        )
    own = step.get("id")
    steps = [
        s for item in recipe.items or () for s in _expand(document, recipes, item, (*within, name))
    ]
    if own is None:
        return steps
    return [_with_id(s, own) for s in steps]


def _with_id(step: Node, own: Node) -> Node:
    if step.entries is None:
        return step
    inner = step.get("id")
    value = f"{own.value}_{inner.value}" if inner is not None else own.value
    node = Node(own.place, value=value, quoted=own.quoted)
    return Node(
        step.place, entries={**step.entries, "id": (own.place, node)}, flow_style=step.flow_style
    )


def _known(names: list[str]) -> str:
    return f"known: {', '.join(names)}" if names else "there are none"


def _validate(document: Document, root: Node) -> tuple[Flow | None, LeftOut]:
    """The flow; or, with problems noted, as much of it as is right, and what was left out."""
    left_out: LeftOut = {}
    try:
        return validate(Flow, root.plain()), left_out
    except ValidationError as error:
        explain(document, Flow, error.errors(include_url=False), "the flow", hints=MISSING)
        wrong = _places(error)
    for _ in range(3):
        _leave_out(root, wrong, left_out)
        try:
            return validate(_Partial, root.plain()), left_out
        except ValidationError as again:
            wrong = _places(again)
    return None, left_out


def _places(error: ValidationError) -> set[tuple[str | int, ...]]:
    """The places of the entries with errors.

    The error itself must not be kept: with its traceback it would keep the document for ever.
    """
    return {detail["loc"][:2] for detail in error.errors(include_url=False)}


def _leave_out(root: Node, places: set[tuple[str | int, ...]], left_out: LeftOut) -> None:
    """Remove the entries with errors; lists from the end, so that the other indexes stay right."""
    assert root.entries is not None
    for section, *rest in sorted(
        places, key=lambda place: [str(part).zfill(6) for part in place], reverse=True
    ):
        node = root.get(section)
        if node is None:
            continue
        entries = left_out.setdefault(str(section), {})
        entry = node.get(rest[0]) if rest else None
        if entry is not None:
            entries[str(rest[0])] = entry
            if node.entries is not None:
                del node.entries[str(rest[0])]
            elif node.items is not None:
                del node.items[int(rest[0])]
        else:
            entries |= {WHOLE: node, **{str(key): child for key, _, child in node.children()}}
            del root.entries[str(section)]


__all__ = ["Document", "Flow", "Step", "build", "load"]
