"""Conditions that no value or every value of a metric fulfils, and ranges that are shut."""

from collections.abc import Iterator
from typing import Any

from connectors.config.document import Path_
from flows.checks.changed_values import COUNT, OTHER_VALUES, Span, change_on, is_count
from flows.checks.context import Scope
from flows.language.field_values import Decoded, Facts, either, facts_before, facts_of, narrowed
from flows.language.model import inputs
from operators.alarms.settings import Alarm
from operators.decoding.payloads.metrics import METRICS
from operators.model import two_state
from operators.model.condition import RANGES
from operators.model.levels import LEVEL_KINDS
from operators.model.selector import Range, Selector
from operators.model.units import UNITS, Quantity

ABSOLUTE_ZERO = -273.15


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
            values = _values(scope, alarm.sources, _known(facts))
            if (
                not _beneath_zero(scope, path, condition)
                and not _never(scope, path, condition, metrics)
                and not (
                    _changed(scope, alarm.sources) and _never_here(scope, path, condition, values)
                )
            ):
                _shut(scope, path, condition, alarm)
                if alarm.armed is None:  # always true, it would say that it is armed
                    _always(scope, path, condition, values)
                _endless(scope, path, condition, values)
    for name, stream in flow.streams.items():
        changed = _changed(scope, inputs(stream.from_))
        before = either(facts_of(flow, read) for read in inputs(stream.from_))
        steps = zip(stream.steps, facts_before(flow, name, before), strict=False)
        for number, (step, facts) in enumerate(steps):
            settings: Any = step.settings
            place: Path_ = ("streams", name, "steps", number, step.kind)
            if step.kind == "threshold" and not _beneath_zero(scope, place, settings):
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


def _values(scope: Scope, sources: list[str], metrics: list[str]) -> list[tuple[str, Span | None]]:
    """What comes to an alarm, by name, with its least and greatest value where there are such."""
    if not _changed(scope, sources):
        return [(metric, _span(metric)) for metric in metrics]
    if is_count(scope.flow, sources):
        return [("a count", COUNT)]
    change = change_on(scope.flow, sources)
    return [(f"{metric} behind the steps", change(_span(metric))) for metric in metrics]


def _never_here(
    scope: Scope, path: Path_, condition: Any, values: list[tuple[str, Span | None]]
) -> bool:
    """The same of values that steps before an alarm changed."""
    kind = condition.kind
    if kind not in LEVEL_KINDS:
        return False
    reasons = [
        None if span is None else _why_beyond(condition, name, span) for name, span in values
    ]
    if not reasons or None in reasons:
        return False
    scope.say((*path, kind), f"never true: {reasons[0]}")
    return True


def _always(
    scope: Scope, path: Path_, condition: Any, values: list[tuple[str, Span | None]]
) -> None:
    """Warn of a condition that every value fulfils; `times` may count readings by one."""
    kind = condition.kind
    if kind in LEVEL_KINDS and getattr(condition, "times", 1) == 1:
        edges = getattr(condition, kind)
        _warn(scope, (*path, kind), "always true", _outcome(kind, edges, values))


def _endless(
    scope: Scope, path: Path_, condition: Any, values: list[tuple[str, Span | None]]
) -> None:
    """Warn of a `clear` that no value reaches; one around `inside` ends at its very edges."""
    kind = condition.kind
    if kind in LEVEL_KINDS and kind != "inside" and condition.clear is not None:
        outcome = _outcome(kind, condition.clear, values)
        _warn(scope, (*path, "clear"), "never ends", outcome)


def _warn(scope: Scope, place: Path_, what: str, outcome: tuple[str, str] | None) -> None:
    if outcome is not None:
        reason, hint = outcome
        scope.say(place, f"{what}: {reason}", hint, level="warning")


def _outcome(
    kind: str, edges: Any, values: list[tuple[str, Span | None]]
) -> tuple[str, str] | None:
    """Why every value lies beyond these limits, and what to write; None if one may not."""
    found = [None if span is None else _why_all(kind, edges, name, span) for name, span in values]
    return found[0] if found and None not in found else None


def _why_all(kind: str, edges: Any, name: str, span: Span) -> tuple[str, str] | None:
    low, high, unit = span
    limits = [_number(edge, unit) for edge in (edges if isinstance(edges, list) else [edges])]
    if None in limits:
        return None
    most, least = _text(high, unit), _text(low, unit)
    if kind == "above":
        return (
            (f"{name} is at least {least}", f"write {least} or more") if limits[0] < low else None
        )
    if kind == "below":
        return (f"{name} is at most {most}", f"write {most} or less") if limits[0] > high else None
    every = (
        limits[0] <= low and limits[1] >= high
        if kind == "inside"
        else limits[1] < low or limits[0] > high
    )
    within = f"write limits from {least} to {most}"
    return (f"{name} is from {least} to {most}", within) if every else None


def _beneath_zero(scope: Scope, path: Path_, condition: Any) -> bool:
    """Say that a limit is a temperature that nothing can have, whatever the metric."""
    for field in (*LEVEL_KINDS, "clear"):
        limit = getattr(condition, field, None)
        for index, edge in enumerate(limit if isinstance(limit, list) else [limit]):
            cold = isinstance(edge, Quantity) and edge.kind() == "temperature"
            if cold and edge.base() < ABSOLUTE_ZERO:
                place = (*path, field, index) if isinstance(limit, list) else (*path, field)
                message = f"{edge} is below absolute zero, {_text(ABSOLUTE_ZERO, '°C')}"
                scope.say(place, message, "check the sign and the unit")
                return True
    return False


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
    if isinstance(wanted, (str, bool)):
        is_off = wanted is False or wanted == "off"  # a plug without power is off, and at 0 W
        shown = str(wanted).lower() if isinstance(wanted, bool) else repr(wanted)
        return f"{metric} is a number, not {shown}" if kind == "number" and not is_off else None
    if kind == "text":
        return f"{metric} is a text"
    if span is None:
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


def _shut(scope: Scope, path: Path_, condition: Any, alarm: Alarm) -> None:
    """Say that what lies before an alarm lets through no value that could raise it."""
    kind = condition.kind
    limit = getattr(condition, kind) if kind in ("above", "below") else None
    if not isinstance(limit, Quantity):
        return
    for name, passes in _passing(scope, alarm):
        edge = passes.below if kind == "above" else passes.above
        if edge is None or edge.kind() != limit.kind():
            continue
        if limit.base() >= edge.base() if kind == "above" else limit.base() <= edge.base():
            side = "below" if kind == "above" else "above"
            message = f"never true: {name!r} lets only values {side} {edge} through"
            scope.say((*path, kind), message)


def _passing(scope: Scope, alarm: Alarm) -> Iterator[tuple[str, Range]]:
    """The values that an alarm and the streams that it reads let through, each with its name."""
    if alarm.only is not None and isinstance(alarm.only.value, Range):
        yield "only", alarm.only.value
    for read in alarm.sources:
        for step in scope.flow.streams[read].steps if read in scope.flow.streams else ():
            passes = step.settings.value if isinstance(step.settings, Selector) else None
            if step.kind == "only" and isinstance(passes, Range):
                yield read, passes
