"""Selectors that nothing passes, and alarms that can never be raised."""

from collections.abc import Sequence
from typing import Any

from connectors.base import PictureSource
from connectors.config.document import Level, Path_
from connectors.config.suggestion import near
from flows.checks.context import Scope
from flows.language.field_values import (
    Decoded,
    Facts,
    either,
    facts_before,
    facts_of,
    listed,
    names_in,
    narrowed,
)
from flows.language.model import inputs, origin
from flows.language.upstream import upstream
from operators.alarms.settings import Alarm
from operators.decoding.payloads.metrics import ALIASES, OPENINGS, may_be_two_state
from operators.model.selector import Selector
from operators.model.units import Quantity

_WORDLESS = {
    "occurrence": "occurrences, which have no value",
    "detection": "detections, which have no value",
    "frame": "pictures, which have no value",
    "dead_letter": "what could not be processed, which has no value",
    "statistics": "several statistics at once",
}


_NEEDED = {"zones": "track", "track": "detect"}
"""Steps on pictures, and the one without which nothing comes to them that they could take."""


def check_feeding(scope: Scope) -> None:
    """Check that something passes every selector, and that every alarm can be raised."""
    flow = scope.flow
    _check_picture_steps(scope)
    for name in flow.streams:
        facts_of(flow, name, conflict=_Steps(scope, name))
    for name, alarm in flow.alarms.items():
        facts = either(facts_of(flow, read) for read in alarm.sources)
        if alarm.only is not None:
            facts = _narrow(scope, ("alarms", name, "only"), facts, alarm.only)
        _check_value(scope, name, alarm, facts)
        _check_nothing_counted(scope, name, alarm)
        _check_unseen(scope, name, alarm)
        _check_quality(scope, name, alarm, facts)
        _check_arming(scope, name, alarm)
    for name, sink in flow.sinks.items():
        if sink.only is not None:
            _narrow(
                scope,
                ("sinks", name, "only"),
                either(facts_of(flow, read) for read in inputs(sink.from_)),
                sink.only,
            )


def _check_picture_steps(scope: Scope) -> None:
    """Say where pictures of cameras come to a step without having been through another one."""
    flow = scope.flow
    for name, stream in flow.streams.items():
        above = upstream(flow, name) - {name}
        sources = [flow.sources[one].settings for one in above if one in flow.sources]
        known = all(one in flow.sources or one in flow.streams for one in above)
        if not known or not all(isinstance(source, PictureSource) for source in sources):
            continue
        had = {step.kind for one in above - {*flow.sources} for step in flow.streams[one].steps}
        for number, step in enumerate(stream.steps):
            needed = _NEEDED.get(step.kind)
            if needed is not None and needed not in had:
                scope.say(
                    ("streams", name, "steps", number, step.kind),
                    f"nothing comes to {step.kind!r}, for there is no {needed!r} before it",
                    f"put a step {needed!r} in front of it",
                    key=True,
                )
            had.add(step.kind)


class _Steps:
    """Says which step of a stream nothing can pass."""

    def __init__(self, scope: Scope, stream: str) -> None:
        self._scope, self._stream = scope, stream

    def __call__(self, step: int, field: str, wanted: Any, known: tuple[str, ...]) -> None:
        kind = self._scope.flow.streams[self._stream].steps[step].kind
        path = ("streams", self._stream, "steps", step, kind, field)
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
    node = scope.document.node(path)
    if isinstance(wanted, str) and node is not None and node.items is not None:
        path = (*path, next(n for n, item in enumerate(node.items) if item.value == wanted))
    one = wanted if isinstance(wanted, str) else " or ".join(map(str, wanted))
    hint = near(wanted if isinstance(wanted, str) else wanted[0], known)
    level: Level = "error"
    if isinstance(known, Decoded):
        level, hint = "warning", hint or "'vigie docs DIALECT' shows the metrics of a dialect"
    if field == "metric" and (other := called_otherwise(one)) in known:
        hint = f"it is called {other!r} there"
    what = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "") or f"no {field}"
    message = f"nothing that comes here has the {field} {one!r}"
    scope.say(path, message, hint or f"what comes has {what}", level=level)


def called_otherwise(metric: str) -> str | None:
    """The metric that is meant by a name that other systems use."""
    return "contact" if metric in OPENINGS else ALIASES.get(metric.lower())


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


def _check_quality(scope: Scope, name: str, alarm: Alarm, facts: Facts) -> None:
    """Values are judged only where they are good."""
    judges = alarm.when is not None and alarm.when.kind not in ("silent", "seen")
    qualities = facts.get("quality", ("good",))
    if judges and alarm.bad != "raise" and qualities and "good" not in qualities:
        scope.say(
            ("alarms", name, "when", alarm.when.kind),  # type: ignore[union-attr]
            f"never true: only readings of quality {' and '.join(qualities)} come here",
            "limits judge what is good;  bad: raise  raises on the others",
        )


def _check_arming(scope: Scope, name: str, alarm: Alarm) -> None:
    """What arms an alarm is on or off."""
    by = alarm.armed.while_ if alarm.armed is not None else None
    if by is None or origin(by) != by:
        return
    facts = facts_of(scope.flow, by)
    kinds, metrics = facts.get("kind", ("reading",)), names_in(facts, "metric")
    numbers = metrics and not any(may_be_two_state(metric, None) for metric in metrics)
    if numbers or all(kind in _WORDLESS for kind in kinds):
        brought = _WORDLESS.get(kinds[0]) or f"{', '.join(metrics)}, which is neither on nor off"
        scope.say(
            ("alarms", name, "armed", "while"),
            f"never armed: {by!r} brings {brought}",
            "make on and off of it with a step  threshold: {above: …}",
        )


def _check_nothing_counted(scope: Scope, name: str, alarm: Alarm) -> None:
    """A count of 0 comes only from windows that calculate nothing else."""
    below = alarm.when.below if alarm.when is not None else None
    if not isinstance(below, Quantity) or below.base() > 1:
        return
    for read in alarm.sources:
        stream = scope.flow.streams.get(read)
        windows: list[Any] = (
            [s.settings for s in stream.steps if s.kind == "window"] if stream else []
        )
        picks: list[Any] = [s.settings for s in stream.steps if s.kind == "pick"] if stream else []
        if not windows or "count" not in windows[-1].calculate:
            continue
        counts_alone = windows[-1].calculate == ["count"]
        if windows[-1].gap is not None or (
            not counts_alone and picks and picks[-1].value == "count"
        ):
            scope.say(
                ("alarms", name, "when", "below"),
                "never true: a window of these in which nothing came gives nothing",
                "count in a stream of its own:  window: {every: 1h, calculate: [count]}",
            )


def _check_unseen(scope: Scope, name: str, alarm: Alarm) -> None:
    """Of a subject that never sent, nothing is counted whose metric no definition names."""
    below = alarm.when.below if alarm.when is not None else None
    if not isinstance(below, Quantity) or below.base() <= 0:
        return
    for read in filter(scope.flow.streams.__contains__, alarm.sources):
        steps = scope.flow.streams[read].steps
        before = either(facts_of(scope.flow, one) for one in inputs(scope.flow.streams[read].from_))
        for step, facts in zip(steps, facts_before(scope.flow, read, before), strict=False):
            settings: Any = step.settings
            if step.kind != "window" or settings.gap or settings.calculate != ["count"]:
                continue
            subjects = listed(scope.tables, facts)
            if subjects and (settings.by or not names_in(facts, "metric")):
                hint = "name what is counted before the window:  only: {metric: …}"
                scope.say(
                    ("alarms", name, "when", "below"),
                    f"{subjects[0]!r} stands in a table, but counts 0 only once it has sent",
                    "leave out 'by' of the window" if settings.by else hint,
                    level="warning",
                )
