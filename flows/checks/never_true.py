"""Conditions that no value of their metric can fulfil, and ranges that let nothing through."""

from typing import Any

from connectors.config.document import Path_
from flows.checks.changed_values import COUNT, OTHER_VALUES, Span, change_on, is_count
from flows.checks.context import Scope
from flows.language.field_values import Decoded, Facts, either, facts_before, facts_of, narrowed
from flows.language.model import inputs
from operators.decoding.payloads.metrics import METRICS
from operators.model import two_state
from operators.model.condition import RANGES
from operators.model.levels import LEVEL_KINDS
from operators.model.selector import Range, Selector
from operators.model.units import UNITS, Quantity


def check_limits(scope: Scope) -> None:
    """Check the limits of alarms and thresholds against what their metrics can be."""
    flow = scope.flow
    for name, alarm in flow.alarms.items():
        facts = either(facts_of(flow, read) for read in alarm.sources)
        if alarm.only is not None:
            facts = narrowed(facts, alarm.only, lambda *conflict: None)
        metrics = [] if _changed(scope, alarm.sources) else _known(facts)
        for where, condition in alarm.conditions():
            path: Path_ = ("alarms", name, *where)
            if not _never(scope, path, condition, metrics) and not _never_here(
                scope, path, condition, alarm.sources, _known(facts)
            ):
                _shut(scope, path, condition, alarm.sources)
    for name, stream in flow.streams.items():
        changed = _changed(scope, inputs(stream.from_))
        before = either(facts_of(flow, read) for read in inputs(stream.from_))
        steps = zip(stream.steps, facts_before(flow, name, before), strict=False)
        for number, (step, facts) in enumerate(steps):
            settings: Any = step.settings
            place: Path_ = ("streams", name, "steps", number, step.kind)
            if step.kind == "threshold":
                _never(scope, place, settings, [] if changed else _known(facts))
            changed = changed or step.kind in OTHER_VALUES


def _changed(scope: Scope, names: list[str]) -> bool:
    streams = {one for name in names for one in scope.upstream(name)} & set(scope.flow.streams)
    return any(
        step.kind in OTHER_VALUES for name in streams for step in scope.flow.streams[name].steps
    )


def _known(facts: Facts) -> list[str]:
    """The metrics that a definition names; none if it leaves them open."""
    metrics = facts.get("metric", ())
    known = not isinstance(metrics, Decoded) and all(metric in METRICS for metric in metrics)
    return list(metrics) if known else []


def _never(scope: Scope, path: Path_, condition: Any, metrics: list[str]) -> bool:
    """Say that a condition holds for no value of any of its metrics, if that is so."""
    reasons = [_why_never(condition, metric) for metric in metrics]
    if not reasons or None in reasons:
        return False
    place = scope.document.place((*path, condition.kind))
    if all(problem.place != place for problem in scope.document.errors):
        scope.document.say(place, f"never true: {reasons[0]}")
    return True


def _never_here(
    scope: Scope, path: Path_, condition: Any, sources: list[str], metrics: list[str]
) -> bool:
    """The same of values that steps before an alarm changed."""
    kind = condition.kind
    if kind not in LEVEL_KINDS or not _changed(scope, sources):
        return False
    if is_count(scope.flow, sources):
        reasons = [_why_beyond(condition, "a count", COUNT)]
    else:
        change = change_on(scope.flow, sources)
        reasons = [
            None if span is None else _why_beyond(condition, f"{metric} behind the steps", span)
            for metric in metrics
            for span in [change(_span(metric))]
        ]
    if not reasons or None in reasons:
        return False
    scope.say((*path, kind), f"never true: {reasons[0]}")
    return True


def _why_never(condition: Any, metric: str) -> str | None:
    kind = condition.kind
    if kind == "is":
        return _why_never_is(condition.is_, metric)
    if kind not in LEVEL_KINDS:
        return None
    if METRICS[metric].kind == "text":
        return f"{metric} is a text"
    span = _span(metric)
    if span is None:
        return None
    beyond = "" if METRICS[metric].kind != "number" else "; what lies beyond counts as bad data"
    return _why_beyond(condition, metric, span, beyond)


def _why_beyond(condition: Any, name: str, span: Span, beyond: str = "") -> str | None:
    """Why no value of a span can fulfil a condition, if none can."""
    low, high, unit = span
    kind = condition.kind
    edges = getattr(condition, kind)
    limits = [_number(edge, unit) for edge in (edges if kind in RANGES else [edges])]
    if None in limits:
        return None
    most, least = _text(high, unit), _text(low, unit)
    if kind == "above" and limits[0] >= high:
        return f"{name} is at most {most}{beyond}"
    if kind == "below" and limits[0] <= low:
        return f"{name} is at least {least}{beyond}"
    if kind == "outside" and limits[0] <= low and limits[1] >= high:
        return f"{name} is from {least} to {most}{beyond}"
    if kind == "inside" and limits[0] > high:
        return f"{name} is at most {most}{beyond}"
    if kind == "inside" and limits[1] < low:
        return f"{name} is at least {least}{beyond}"
    return None


def _why_never_is(wanted: Any, metric: str) -> str | None:
    kind, span = METRICS[metric].kind, _span(metric)
    if isinstance(wanted, str):
        is_number = kind == "number" and wanted != "off"  # a plug without power is off, and at 0 W
        return f"{metric} is a number, not {wanted!r}" if is_number else None
    if kind == "text":
        return f"{metric} is a text"
    if span is None or isinstance(wanted, bool):
        return None
    low, high, unit = span
    if kind != "number" and wanted not in (0, 1):
        return f"{metric} is {two_state.word(metric, 1.0)} or {two_state.word(metric, 0.0)}"
    possible = f"{metric} is from {_text(low, unit)} to {_text(high, unit)}"
    return None if low <= wanted <= high else possible


def _span(metric: str) -> Span | None:
    """The least and the greatest number of a metric, and its unit; None if it may be anything."""
    known = METRICS[metric]
    if known.kind in ("binary", "state"):
        return 0.0, 1.0, None
    return (known.low, known.high, known.unit) if known.high < 1e300 else None


def _number(limit: Any, unit: str | None) -> Any:
    if not isinstance(limit, Quantity):
        return None
    try:
        return limit.in_unit(unit if unit in UNITS else None)
    except ValueError:
        return None


def _text(number: float, unit: str | None) -> str:
    return f"{number:g} {unit}" if unit else f"{number:g}"


def _shut(scope: Scope, path: Path_, condition: Any, sources: list[str]) -> None:
    """Say that a step before an alarm lets through no value that could raise it."""
    kind = condition.kind
    limit = getattr(condition, kind) if kind in ("above", "below") else None
    if not isinstance(limit, Quantity):
        return
    for read in sources:
        for step in scope.flow.streams[read].steps if read in scope.flow.streams else ():
            passes = step.settings.value if isinstance(step.settings, Selector) else None
            if step.kind != "only" or not isinstance(passes, Range):
                continue
            edge = passes.below if kind == "above" else passes.above
            if edge is None or edge.kind() != limit.kind():
                continue
            if limit.base() >= edge.base() if kind == "above" else limit.base() <= edge.base():
                side = "below" if kind == "above" else "above"
                message = f"never true: {read!r} lets only values {side} {edge} through"
                scope.say((*path, kind), message)
