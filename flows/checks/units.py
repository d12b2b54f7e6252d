"""Units and words: limits of the metric's own kind, and states that the metric can have.

Only metrics that every decoder names alike are checked, and only where a selector names them.
"""

from collections.abc import Iterable
from typing import Any

from connectors.config.document import Path_
from flows.checks.context import Scope, map_of
from flows.language.field_values import either, facts_before, facts_of, names_in
from flows.language.model import Step, inputs, origin
from operators.alarms.settings import Alarm
from operators.decoding.payloads.metrics import METRICS
from operators.model import two_state
from operators.model.selector import Range, Selector
from operators.model.units import UNITS, Quantity
from operators.threshold.step import Threshold

OTHER_UNITS = (
    "scale",
    "rename",
    "shape",
    "translate",
    "combine",
    "threshold",
    "window",
    "correlate",
    "silence",
    "use",
    "rate",
    "pick",
    "vote",
)
"""Steps after which a metric's name no longer says its unit."""
YES_NO = ("on", "off", "yes", "no", "true", "false")
"""Words that say nothing of a metric whose states have other names."""
MAKERS = (
    "decode", "rate", "threshold", "vote", "window", "scale", "convert", "rename", "shape",
    "translate", "pick", "combine",
    "counter",
)  # fmt: skip
"""Steps that make another signal, or give one another unit or name."""


def check_units(scope: Scope) -> None:
    """Check the units and words of all conditions."""
    for name, alarm in scope.flow.alarms.items():
        metrics = _named(alarm.only) or _metrics_of(scope, alarm.sources)
        _check_made(scope, name, alarm)
        for where, condition in () if _changed(scope, alarm.sources) else alarm.conditions():
            _check_values(scope, ("alarms", name, *where), condition, metrics)
    _check_thresholds(scope)
    for path, stream, step in scope.steps():
        if step.kind == "convert":
            for metric, unit in map_of(step.settings).items():
                _check_kind(
                    scope, (*path, "convert", metric), metric, Quantity(number=0, unit=unit)
                )
        if _changed(scope, [stream]):
            continue
        if isinstance(step.settings, Selector):
            place = (*path, step.kind, "value")
            metrics = _named(step.settings)
            if isinstance(step.settings.value, Range):
                _check_values(scope, place, step.settings.value, metrics)
            elif step.settings.value is not None:
                _check_words(scope, place, step.settings.value, metrics)


def _check_thresholds(scope: Scope) -> None:
    """Check the words of thresholds against the metrics that come to them."""
    for name, stream in scope.flow.streams.items():
        changed = _changed(scope, inputs(stream.from_))
        before = either(facts_of(scope.flow, read) for read in inputs(stream.from_))
        steps = zip(stream.steps, facts_before(scope.flow, name, before), strict=False)
        for number, (step, facts) in enumerate(steps):
            word = step.settings.is_ if isinstance(step.settings, Threshold) else None
            if word is not None and not changed:
                place = ("streams", name, "steps", number, step.kind, "is")
                _check_words(scope, place, word, list(names_in(facts, "metric")))
            changed = changed or step.kind in OTHER_UNITS


def _check_made(scope: Scope, name: str, alarm: Alarm) -> None:
    """Check conditions on signals that steps make: rates (no limit has their unit) and on/off."""
    kinds = {_maker(scope, read) for read in alarm.sources}
    word = alarm.when.is_ if alarm.when is not None else None
    if kinds == {"rate"}:
        for where, condition in alarm.conditions():
            edges = getattr(condition, condition.kind, None)
            for edge in edges if isinstance(edges, list) else [edges]:
                if isinstance(edge, Quantity) and edge.unit is not None:
                    path: Path_ = ("alarms", name, *where, condition.kind)
                    hint = f"write the limit without a unit: {edge.number:g}"
                    scope.say(path, f"never true: what 'rate' gives is not in {edge.unit}", hint)
    elif (
        kinds
        and kinds <= {"threshold", "vote"}
        and isinstance(word, str)
        and two_state.number(None, word) is None
    ):
        message = f"never true: {alarm.sources[0]!r} brings on and off, not {word!r}"
        scope.say(("alarms", name, "when", "is"), message, "write on or off")


def _maker(scope: Scope, name: str) -> str | None:
    """The last step that makes the signal of a stream; None where that is a device."""
    stream = scope.flow.streams.get(origin(name))
    seen = set()
    while stream is not None:
        made = next((step.kind for step in reversed(stream.steps) if step.kind in MAKERS), None)
        if made or not isinstance(stream.from_, str) or stream.from_ in seen:
            return made
        seen.add(stream.from_)
        stream = scope.flow.streams.get(origin(stream.from_))
    return None


def _named(only: Selector | None) -> list[str]:
    """The metrics a selector names; none if it names them with wildcards or not at all."""
    if only is None or only.metric is None:
        return []
    names = [only.metric] if isinstance(only.metric, str) else list(only.metric)
    return [] if any(sign in name for name in names for sign in "*?") else names


def _metrics_of(
    scope: Scope, names: Iterable[str], seen: frozenset[str] = frozenset()
) -> list[str]:
    """The metrics that streams let through, as far as a selector in each of them says."""
    found: list[str] = []
    for name in map(origin, names):
        stream = scope.flow.streams.get(name)
        if stream is None or name in seen:
            return []
        selected = [_selected(step) for step in stream.steps]
        last = next((metrics for metrics in reversed(selected) if metrics), None)
        metrics = last or _metrics_of(scope, inputs(stream.from_), seen | {name})
        if not metrics:
            return []
        found += metrics
    return list(dict.fromkeys(found))


def _selected(step: Step) -> list[str]:
    return (
        _named(step.settings) if step.kind == "only" and isinstance(step.settings, Selector) else []
    )


def _changed(scope: Scope, names: Iterable[str]) -> bool:
    streams = {one for name in names for one in scope.upstream(name)} & set(scope.flow.streams)
    return any(
        step.kind in OTHER_UNITS for name in streams for step in scope.flow.streams[name].steps
    )


def _check_values(scope: Scope, path: Path_, condition: Any, metrics: list[str]) -> None:
    for field, value in condition:
        name = type(condition).model_fields[field].alias or field
        if isinstance(value, Quantity):
            for metric in metrics:
                _check_kind(scope, (*path, name), metric, value)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                for metric in metrics if isinstance(item, Quantity) else ():
                    _check_kind(scope, (*path, name, index), metric, item)
        elif name == "is" and value is not None:
            _check_words(scope, (*path, name), value, metrics)


def _check_kind(scope: Scope, path: Path_, metric: str, limit: Quantity) -> None:
    unit = METRICS[metric].unit if metric in METRICS else None
    if unit not in UNITS or limit.unit not in UNITS or unit is None or limit.unit is None:
        return
    if UNITS[unit][0] != UNITS[limit.unit][0]:
        scope.say(
            path,
            f"{limit.unit} is a unit of {UNITS[limit.unit][0]}; {metric!r} is measured in {unit}",
        )


def _check_words(scope: Scope, path: Path_, value: Any, metrics: list[str]) -> None:
    for index, word in enumerate(value if isinstance(value, list) else [value]):
        place = (*path, index) if isinstance(value, list) else path
        for metric in metrics if isinstance(word, str | bool) else ():
            if not two_state.is_two_state(metric):
                continue
            shown = word if isinstance(word, str) else str(word).lower()
            number = two_state.number(metric, shown)
            states = [str(two_state.word(metric, number)) for number in (1.0, 0.0)]
            if number is None:
                message = f"{shown!r} is not a state of {metric!r}"
                scope.say(place, message, f"write {' or '.join(states)}")
            elif shown.lower() in YES_NO and states != ["on", "off"]:
                meant = two_state.word(metric, number)
                hint = f"write {meant}; its states are {' and '.join(states)}"
                scope.say(place, f"{shown!r} of {metric!r} is {meant!r}", hint, level="warning")
