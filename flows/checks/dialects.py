"""Dialects: known where `decode` names them, with names of their own, and read by somebody."""

from connectors.config.document import Node, Place
from connectors.config.suggestion import near
from flows.checks.context import Scope
from operators.decoding.catalogue import NAMES
from operators.decoding.step import Decode, mistaken_for


def check_dialects(scope: Scope) -> None:
    """Check the names of dialects."""
    own = scope.flow.dialects
    for name in own:
        taken = name if name in NAMES or name == "auto" else mistaken_for(name)
        if taken is not None:
            is_it = "is" if taken == name else f"would be taken for {taken!r},"
            message = f"{name!r} {is_it} a dialect of `decode`; choose another name"
            scope.say(("dialects", name), message, key=True)
    used: set[str] = set()
    for path, _, step in scope.steps():
        if isinstance(step.settings, Decode):
            used |= set(own) if step.settings.as_ == "auto" else {step.settings.as_}
            place = scope.document.place((*path, "decode", "as"))
            _check_name(scope, place, step.settings.as_)
    for entry in scope.broken.get("streams", {}).values():
        _check_left_out(scope, entry)
    if scope.is_whole:
        for name in own:
            if name not in used:
                scope.say(
                    ("dialects", name), f"nothing decodes {name!r}", key=True, level="warning"
                )


def _check_left_out(scope: Scope, entry: Node) -> None:
    """The dialects that a stream names, although its form is wrong elsewhere."""
    steps = entry.get("steps")
    for _, _, step in [] if steps is None else steps.children():
        named = step.get("decode")
        named = (named.get("as") or named) if named is not None else None
        if named is not None and isinstance(named.value, str):
            _check_name(scope, named.place, named.value)


def _check_name(scope: Scope, place: Place, name: str) -> None:
    known = ["auto", *scope.flow.dialects, *sorted(NAMES)]
    if name not in known and not scope.is_broken("dialects", name):
        hint = near(name, known) or f"known: {', '.join(known)}"
        scope.document.say(place, f"{name!r} is not a word known here", hint)
