"""ClickHouse tables: what goes into one table must have the same columns and be kept alike."""

from collections.abc import Iterator

from connectors.clickhouse.components import ClickHouse
from connectors.config.document import Path_
from flows.checks.context import Scope
from flows.checks.event_kinds import UNKNOWN, Contents, Kinds

Tables = dict[str, ClickHouse]
"""Sinks of one table, by name."""


def check_history(scope: Scope) -> None:
    """Check that sinks of one table agree on its kind, its partitions and how long it lasts."""
    contents = Contents([scope.flow])
    tables: dict[tuple[str, str], Tables] = {}
    for name, sink in scope.flow.sinks.items():
        if isinstance(sink.settings, ClickHouse):
            tables.setdefault((sink.settings.connection, sink.settings.table), {})[name] = (
                sink.settings
            )
    for sinks in tables.values():
        _check_kinds(scope, contents, sinks)
        _check_same(scope, sinks)


def _check_kinds(scope: Scope, contents: Contents, sinks: Tables) -> None:
    """What can never stand in one table is an error; what may not, a warning."""
    table = next(iter(sinks.values())).table
    declared = next((settings.kind for settings in sinks.values() if settings.kind), None)
    left: Kinds = frozenset({declared}) if declared else UNKNOWN
    first = "'kind'"
    doubtful: tuple[Path_, str] | None = None
    for path, read, held in _inputs(scope, contents, sinks):
        if not held & left:
            both = f"{_or(held)} (from {read!r}) and {_or(left)} (from {first})"
            scope.say(
                path,
                f"table {table!r} cannot hold {both}: their columns differ",
                "name a table of its own for each",
            )
            return
        if held == UNKNOWN:
            doubtful = doubtful or (path, read)
        elif left == UNKNOWN:
            first = repr(read)
        left &= held
    if doubtful and left == {"alarms"} and not declared:
        message = (
            f"table {table!r} takes alarms only; what else {doubtful[1]!r} may bring goes to the"
            " dead letters"
        )
        scope.say(doubtful[0], message, "name a table of its own for each", level="warning")


def _inputs(scope: Scope, contents: Contents, sinks: Tables) -> Iterator[tuple[Path_, str, Kinds]]:
    for name in sinks:
        for path, read in scope.from_paths("sinks", name, scope.flow.sinks[name].from_):
            yield path, read, contents.of(scope.flow, read)


def _check_same(scope: Scope, sinks: Tables) -> None:
    first, *others = sinks
    for name in others:
        for field in ("kind", "partition", "keep"):
            one, two = getattr(sinks[first], field), getattr(sinks[name], field)
            if one != two and not (field == "kind" and None in (one, two)):
                path: Path_ = ("sinks", name, "clickhouse", field)
                message = f"table {sinks[name].table!r} has another {field!r} at {first!r}"
                scope.say(path, message, "write the same at both")


def _or(kinds: Kinds) -> str:
    return " or ".join(sorted(kinds))
