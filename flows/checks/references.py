"""Names: used once, known where they are read, read by somebody, and not in a circle."""

from graphlib import TopologicalSorter
from typing import Any

from connectors.config.document import Node, Place
from connectors.config.suggestion import near
from flows.checks.context import SECTIONS, Scope
from flows.language.model import SIDE_OUTPUTS, inputs, origin

LONGEST_CHAIN = 100
"""Streams one behind the other; the checks and the engine go through them by recursion."""


def check_references(scope: Scope) -> bool:
    """Check names: unique, known where they are read, read by somebody, and in no circle.

    Returns whether the chains of streams are short enough to be looked at further.
    """
    _check_unique(scope)
    _check_known(scope)
    reads = _reads(scope)
    in_circle = circles(reads)
    for circle in in_circle:
        _say_circle(scope, circle)
    _check_returns(scope)
    if scope.is_whole:
        _check_read(scope)
    return len(reads) <= LONGEST_CHAIN if in_circle else _check_chains(scope, reads)


def _check_unique(scope: Scope) -> None:
    seen: dict[str, str] = {}
    for section in SECTIONS:
        for name in getattr(scope.flow, section):
            if name == "alarms":
                scope.say(
                    (section, name),
                    "'alarms' means every alarm of the flow; choose another name",
                    key=True,
                )
            elif name in SIDE_OUTPUTS and section in ("sources", "streams"):
                message = f"{name!r} means the side output NAME.{name}; choose another name"
                scope.say((section, name), message, key=True)
            elif name in seen:
                scope.say(
                    (section, name), f"the name {name!r} is already used in {seen[name]}", key=True
                )
            seen.setdefault(name, section)


def _check_known(scope: Scope) -> None:
    for section, name, value in scope.readers():
        for path, read in scope.from_paths(section, name, value):
            _check_read_name(scope, scope.document.place(path), read, name)
    for section in ("streams", "alarms", "sinks"):
        for name, entry in scope.broken.get(section, {}).items():
            _check_left_out(scope, name, entry)
    for name, alarm in scope.flow.alarms.items():
        if alarm.armed is not None and alarm.armed.while_ is not None:
            place = scope.document.place(("alarms", name, "armed", "while"))
            _check_read_name(scope, place, alarm.armed.while_, name)


def _check_left_out(scope: Scope, name: str, entry: Node) -> None:
    """The names that an entry reads, although its form is wrong elsewhere."""
    reads = entry.get("from")
    for node in [] if reads is None else [reads, *(child for _, _, child in reads.children())]:
        if isinstance(node.value, str):
            _check_read_name(scope, node.place, node.value, name)


def _check_read_name(scope: Scope, place: Place, read: str, reader: str) -> None:
    name, say = origin(read), scope.document.say
    if not name or any(
        scope.is_broken(section, name) for section in ("sources", "streams", "alarms")
    ):
        return
    if scope.names.get(name) == "sinks":
        say(place, f"{name!r} is a sink; nothing can be read from it")
    elif name not in scope.outputs:
        hint = near(read, scope.outputs) or f"known: {', '.join(scope.outputs[:20])}"
        say(place, f"nothing is called {read!r}", hint)
    elif name == reader:
        say(place, f"{name!r} reads itself")
    elif read != name and scope.names.get(name) not in ("sources", "streams"):
        say(place, f"only sources and streams have {read.removeprefix(name)!r}; {name!r} is none")


def _reads(scope: Scope) -> dict[str, list[str]]:
    """What each stream and each alarm reads, by name."""
    reads: dict[str, list[str]] = {}
    for name, stream in scope.flow.streams.items():
        reads[name] = [origin(read) for read in inputs(stream.from_)]
    for name, alarm in scope.flow.alarms.items():
        reads[name] = [origin(read) for read in inputs(alarm.from_)]
        if alarm.armed is not None and alarm.armed.while_ is not None:
            reads[name].append(origin(alarm.armed.while_))
    reads["alarms"] = list(scope.flow.alarms)
    return reads


def _say_circle(scope: Scope, circle: list[str]) -> None:
    start = next((name for name in circle if name in scope.flow.streams), circle[0])
    if len(circle) > 1 and start != "alarms":
        turned = [*circle[circle.index(start) :], *circle[: circle.index(start)], start]
        section = "streams" if start in scope.flow.streams else "alarms"
        scope.say((section, start, "from"), f"streams run in a circle: {' -> '.join(turned)}")


def _check_chains(scope: Scope, reads: dict[str, list[str]]) -> bool:
    behind: dict[str, int] = {}
    for name in TopologicalSorter(reads).static_order():
        behind[name] = 1 + max((behind[read] for read in reads.get(name, ())), default=-1)
    too_long = [name for name in scope.flow.streams if behind[name] > LONGEST_CHAIN]
    if too_long:
        first = min(too_long, key=behind.__getitem__)
        scope.say(
            ("streams", first, "from"),
            f"{first!r} is the end of a chain of more than {LONGEST_CHAIN} streams; put steps of"
            " several of them into one",
        )
    return not too_long


def _check_returns(scope: Scope) -> None:
    """Warn of a sink that writes where a source of its own events reads."""
    flow = scope.flow
    for name, sink in flow.sinks.items():
        writes: Any = sink.settings
        streams = [read for read in inputs(sink.from_) if origin(read) not in flow.alarms]
        if sink.kind not in ("topic", "mqtt") or "alarms" in streams:
            continue
        feeding = {one for read in streams for one in scope.upstream(origin(read))}
        for other, source in flow.sources.items():
            if other not in feeding or source.kind != sink.kind:
                continue
            reads: Any = source.settings
            if reads.connection == writes.connection and _comes_back(reads, writes):
                key = "name" if sink.kind == "topic" else "topic"
                written = getattr(writes, key)
                message = f"{other!r} reads what this writes to {written!r}: it comes back"
                hint = "write to a topic of its own"
                scope.say(("sinks", name, sink.kind), message, hint, key=True, level="warning")


def _comes_back(reads: Any, writes: Any) -> bool:
    if hasattr(writes, "name"):
        return not reads.table and not reads.messages and writes.name in reads.topics()
    if getattr(writes, "discovery", None):
        return False
    written = ["+" if "{" in level else level for level in writes.topic.split("/")]
    return any(_fits(one.split("/"), written) for one in reads.topics)


def _fits(wanted: list[str], written: list[str]) -> bool:
    """Whether a topic, `+` for what is not known of it, is one of those subscribed to."""
    if wanted[-1:] == ["#"]:
        wanted, written = wanted[:-1], written[: len(wanted) - 1]
    pairs = zip(wanted, written, strict=False)
    return len(wanted) == len(written) and all(a in ("+", b) for a, b in pairs)


def circles(reads: dict[str, list[str]]) -> list[list[str]]:
    """Each circle of `reads` once, from its alphabetically first name on; without recursion."""
    found: dict[frozenset[str], list[str]] = {}
    done: set[str] = set()
    for first in sorted(reads):
        path = [first]
        branches = [iter(reads.get(first, ()))]
        while branches:
            following = next(branches[-1], None)
            if following is None:
                done.add(path.pop())
                branches.pop()
            elif following in path:
                circle = path[path.index(following) :]
                least = circle.index(min(circle))
                found.setdefault(frozenset(circle), circle[least:] + circle[:least])
            elif following in reads and following not in done:
                path.append(following)
                branches.append(iter(reads[following]))
    return list(found.values())


def _check_read(scope: Scope) -> None:
    used = {origin(read) for _, _, value in scope.readers() for read in inputs(value)}
    for alarm in scope.flow.alarms.values():
        used |= {alarm.rules or ""} | ({origin(alarm.armed.while_ or "")} if alarm.armed else set())
    used |= {
        side for _, _, step in scope.steps() if (side := step.settings.side_input()) is not None
    }
    used |= {getattr(source.settings, "each", "") for source in scope.flow.sources.values()}
    for section in ("sources", "streams"):
        for name in getattr(scope.flow, section):
            if name not in used:
                scope.say((section, name), f"nothing reads {name!r}", key=True, level="warning")
