"""Selectors that nothing passes, and alarms that can never be raised."""

from collections.abc import Sequence
from typing import Any

from connectors.config.document import Path_
from connectors.config.suggestion import near
from flows.checks.context import Scope
from flows.checks.field_values import Facts, either, facts_of, narrowed
from flows.language.model import inputs
from operators.alarms.settings import Alarm
from operators.decoding.payloads.metrics import METRICS
from operators.model.selector import Range, Selector
from operators.model.units import UNITS, Quantity

_WORDLESS = {
    "occurrence": "occurrences, which have no value",
    "detection": "detections, which have no value",
    "frame": "pictures, which have no value",
    "dead_letter": "what could not be processed, which has no value",
    "statistics": "several statistics at once",
}


def check_feeding(scope: Scope) -> None:
    """Check that something passes every selector, and that every alarm can be raised."""
    flow = scope.flow
    for name in flow.streams:
        facts_of(flow, name, conflict=_Steps(scope, name))
    for name, alarm in flow.alarms.items():
        facts = either(facts_of(flow, read) for read in alarm.sources)
        if alarm.only is not None:
            facts = _narrow(scope, ("alarms", name, "only"), facts, alarm.only)
        _check_value(scope, name, alarm, facts)
        _check_range(scope, name, alarm, facts)
    for name, sink in flow.sinks.items():
        if sink.only is not None:
            _narrow(
                scope,
                ("sinks", name, "only"),
                either(facts_of(flow, read) for read in inputs(sink.from_)),
                sink.only,
            )


class _Steps:
    """Says which step of a stream nothing can pass."""

    def __init__(self, scope: Scope, stream: str) -> None:
        self._scope, self._stream = scope, stream

    def __call__(self, step: int, field: str, wanted: Any, known: tuple[str, ...]) -> None:
        path = ("streams", self._stream, "steps", step, "only", field)
        say_nothing_passes(self._scope, path, field, wanted, known)


def _narrow(scope: Scope, path: Path_, facts: Facts, only: Selector) -> Facts:
    return narrowed(
        facts,
        only,
        lambda field, wanted, known: say_nothing_passes(
            scope, (*path, field), field, wanted, known
        ),
    )


def say_nothing_passes(
    scope: Scope, path: Path_, field: str, wanted: Any, known: Sequence[str]
) -> None:
    """A selector wants what cannot come."""
    if scope.broken:
        return
    if not wanted:
        scope.say(path, f"an empty list: no {field} passes", f"name one, or leave '{field}' out")
        return
    one = wanted if isinstance(wanted, str) else " or ".join(map(str, wanted))
    hint = near(wanted if isinstance(wanted, str) else wanted[0], known)
    what = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "") or f"no {field}"
    scope.say(
        path, f"nothing that comes here has the {field} {one!r}", hint or f"what comes has {what}"
    )


def _check_value(scope: Scope, name: str, alarm: Alarm, facts: Facts) -> None:
    """A limit or a state needs events that have one value."""
    if alarm.when is None or alarm.when.kind in ("silent", "seen"):
        return
    kinds = facts.get("kind", ("reading",))
    if not all(kind in _WORDLESS for kind in kinds):
        return
    statistics = kinds == ("statistics",)
    hint = (
        "calculate one statistic for the alarm in a stream of its own"
        if statistics
        else "an alarm on them is  when: {seen: 2min}"
    )
    read = ", ".join(alarm.sources)
    scope.say(
        ("alarms", name, "when", alarm.when.kind),
        f"never true: {read!r} brings {_WORDLESS[kinds[0]]}",
        hint,
    )


def _check_range(scope: Scope, name: str, alarm: Alarm, facts: Facts) -> None:
    """Check that a limit is within what the metric can be, and within what a step lets through."""
    for where, condition in alarm.conditions():
        limit = getattr(condition, condition.kind) if condition.kind in ("above", "below") else None
        if isinstance(limit, Quantity):
            _check_limit(
                scope, ("alarms", name, *where, condition.kind), condition.kind, limit, alarm, facts
            )


def _check_limit(
    scope: Scope, path: Path_, kind: str, limit: Quantity, alarm: Alarm, facts: Facts
) -> None:
    metrics = facts.get("metric", ())
    if len(metrics) == 1 and metrics[0] in METRICS and "kind" not in _scaled(scope, alarm):
        known = METRICS[metrics[0]]
        edge = known.high if kind == "above" else known.low
        number = _number(limit, known.unit)
        if (
            number is not None
            and abs(edge) < 1e300
            and (number >= edge if kind == "above" else number <= edge)
        ):
            most = "at most" if kind == "above" else "at least"
            scope.say(
                path,
                f"never true: {metrics[0]} is {most} {edge:g} {known.unit}; what lies beyond counts"
                " as bad data",
            )
            return
    for read in alarm.sources:
        for step in scope.flow.streams[read].steps if read in scope.flow.streams else ():
            passes = (
                step.settings.value
                if isinstance(step.settings, Selector) and step.kind == "only"
                else None
            )
            if isinstance(passes, Range) and _shut(kind, limit, passes):
                edge_text = passes.below if kind == "above" else passes.above
                side = "below" if kind == "above" else "above"
                scope.say(path, f"never true: {read!r} lets only values {side} {edge_text} through")


def _scaled(scope: Scope, alarm: Alarm) -> set[str]:
    """Marks alarms behind steps after which a value is no longer the metric's own."""
    names = {one for read in alarm.sources for one in scope.upstream(read)} & set(
        scope.flow.streams
    )
    changes = (
        "scale",
        "rename",
        "translate",
        "shape",
        "window",
        "threshold",
        "combine",
        "rate",
        "counter",
        "pick",
    )
    return (
        {"kind"}
        if any(step.kind in changes for one in names for step in scope.flow.streams[one].steps)
        else set()
    )


def _number(limit: Quantity, unit: str | None) -> float | None:
    try:
        return limit.in_unit(unit if unit in UNITS else None)
    except ValueError:
        return None


def _shut(kind: str, limit: Quantity, passes: Range) -> bool:
    edge = passes.below if kind == "above" else passes.above
    if edge is None or edge.kind() != limit.kind():
        return False
    return limit.base() >= edge.base() if kind == "above" else limit.base() <= edge.base()
