"""Spans of time that do not fit: an alarm that never comes or comes falsely, a dead setting."""

import math
from collections.abc import Iterator
from typing import Any

from connectors.config.document import Path_
from flows.checks.context import Scope
from flows.language.field_values import Facts, common, either, facts_of, narrowed
from flows.language.model import Stream, origin
from flows.language.upstream import clocks
from operators.alarms.settings import Alarm
from operators.model.condition import When
from operators.model.selector import Range, Selector
from operators.model.units import duration_text

LONGEST_SHELVING = 7 * 86_400.0


def check_timing(scope: Scope) -> None:
    """Check the spans of alarms, steps and sinks against each other and against the lateness."""
    for name, alarm in scope.flow.alarms.items():
        if alarm.when is not None:
            path: Path_ = ("alarms", name, "when")
            _check_times(scope, path, alarm)
            _check_silent(scope, path, alarm, alarm.when)
            _check_hold(scope, name, alarm, alarm.when)
            _check_clear_for(scope, path, alarm, alarm.when)
            _check_chatter(scope, name, alarm, alarm.when)
        _check_expected(scope, name, alarm)
        if alarm.shelve.max > LONGEST_SHELVING:
            span = duration_text(alarm.shelve.max)
            hint = "take it out of service for longer repairs, which everybody sees"
            scope.say(
                ("alarms", name, "shelve", "max"),
                f"a person may silence this for {span}",
                hint,
                level="warning",
            )
        _check_armed(scope, name, alarm)
    _check_windows(scope)
    _check_gathering(scope)


def _check_times(scope: Scope, path: Path_, alarm: Alarm) -> None:
    """`times` within `in` needs events that come often enough."""
    when = alarm.when
    if when is None or when.in_ is None:
        return
    if when.for_readings > 1:
        message = (
            f"{when.for_readings} readings in a row do not raise it by themselves: 'times' is"
            " asked for, too"
        )
        scope.say((*path, "for_readings"), message, "write one of the two", level="warning")
    every = _least_gap(scope, alarm)
    most = math.floor(when.in_ / every) + 1 if every else math.inf
    if when.times > most:
        span = duration_text(every)
        scope.say(
            (*path, "times"),
            f"never true: one event comes in {span}, so at most {most} in"
            f" {duration_text(when.in_)}",
        )


def _check_silent(scope: Scope, path: Path_, alarm: Alarm, when: When) -> None:
    """Silence must be longer than the gaps that the flow itself makes."""
    if when.silent is None:
        return
    for stream, kind, span in _gaps(scope, alarm):
        if span >= when.silent:
            what = (
                "lets repetitions through only after"
                if kind == "deduplicate"
                else "gives something only every"
            )
            message = (
                f"raised although all is well: '{kind}' in {stream!r} {what} {duration_text(span)}"
            )
            longer = f"wait longer than {duration_text(span)}"
            hint = longer if kind == "simulate" else f"watch the stream before it, or {longer}"
            scope.say((*path, "silent"), message, hint)


def _check_hold(scope: Scope, name: str, alarm: Alarm, when: When) -> None:
    """Warn of an alarm that waits longer than its signal may be silent before it is hidden."""
    if not when.for_:
        return
    mine = _signals(scope, alarm)
    for other, lost in scope.flow.alarms.items():
        silent = lost.when.silent if lost.when is not None else None
        if (
            silent is None
            or when.for_ < silent
            or not mine & _signals(scope, lost)
            or not _overlap(scope, alarm, lost)
        ):
            continue
        path: Path_ = ("alarms", name, "when", "for")
        if other in alarm.hiders:
            scope.say(
                path,
                f"{other!r} hides this alarm after {duration_text(silent)} of silence, before it"
                " can be raised",
                f"wait less than {duration_text(silent)}",
            )
        else:
            message = (
                f"longer than the {duration_text(silent)} after which {other!r} takes the signal"
                " for lost"
            )
            scope.say(path, message, "one of the two spans is probably wrong", level="warning")


def _check_expected(scope: Scope, name: str, alarm: Alarm) -> None:
    """Check that data can come as often as expected, and that silence reaches the alarm."""
    path: Path_ = ("alarms", name, "expect_every")
    expected, when = alarm.expect_every, alarm.when
    if expected is None:
        marked = next(
            (one for read in alarm.sources for one in scope.upstream(read) if _marks(scope, one)),
            None,
        )
        if marked is not None and alarm.bad != "hold":
            message = (
                f"does not come of silence: an alarm leaves alone what 'stale' in {marked!r} marks"
            )
            hint = "add  expect_every: SPAN, and stale readings count as none"
            scope.say(("alarms", name, "bad"), message, hint, level="warning")
        return
    for stream, kind, span in _gaps(scope, alarm):
        if span >= expected:
            message = (
                f"no data although all is well: '{kind}' in {stream!r} gives something only every"
                f" {duration_text(span)}"
            )
            scope.say(path, message, f"wait longer than {duration_text(span)}")
    if when is not None and when.for_ > expected and alarm.bad != "raise":
        message = (
            f"shorter than the {duration_text(when.for_)} of 'for': who falls silent meanwhile is"
            " never reported"
        )
        scope.say(path, message, "write  bad: raise, or a shorter 'for'", level="warning")


def _marks(scope: Scope, name: str) -> bool:
    """Whether a stream marks silent or stuck signals."""
    return name in scope.flow.streams and any(
        step.kind == "stale" for step in scope.flow.streams[name].steps
    )


def _check_clear_for(scope: Scope, path: Path_, alarm: Alarm, when: When) -> None:
    if not when.clear_for:
        return
    for name in alarm.sources:
        for step in scope.flow.streams[name].steps if name in scope.flow.streams else ():
            settings: Any = step.settings
            if step.kind == "debounce" and settings.clear_after >= when.clear_for:
                message = (
                    f"does nothing: 'debounce' in {name!r} already waits"
                    f" {duration_text(settings.clear_after)}"
                )
                scope.say(
                    (*path, "clear_for"), message, "remove it, or make it longer", level="warning"
                )


def _check_chatter(scope: Scope, name: str, alarm: Alarm, when: When) -> None:
    """`chatter` does nothing where the delays of the condition are longer."""
    chatter = alarm.chatter
    if chatter is None:
        return
    path: Path_ = ("alarms", name, "chatter")
    if when.clear_for >= chatter.hold:
        message = f"does nothing: 'clear_for' already waits {duration_text(when.clear_for)}"
        scope.say((*path, "hold"), message, "make it longer", level="warning")
    elif (chatter.times - 1) * (when.for_ + when.clear_for) >= chatter.in_:
        message = (
            "never counts as chattering: its delays let it be raised less than"
            f" {chatter.times} times in that span"
        )
        scope.say((*path, "in"), message, "make it longer", level="warning")


def _check_armed(scope: Scope, name: str, alarm: Alarm) -> None:
    """A stream that arms an alarm must be able to say on."""
    stream = scope.flow.streams.get(alarm.armed.while_ or "") if alarm.armed else None
    if stream is None:
        return
    for step in stream.steps:
        if (
            step.kind == "only"
            and isinstance(step.settings, Selector)
            and _only_off(step.settings.value)
        ):
            message = (
                f"never armed: {alarm.armed.while_!r} lets only {step.settings.value!r} through"
            )
            scope.say(
                ("alarms", name, "armed", "while"),
                message,
                "arm while a stream that says on and off is on",
            )


def _only_off(value: Any) -> bool:
    if value is None or isinstance(value, Range):
        return False
    words = value if isinstance(value, list) else [value]
    return all(
        str(word).lower() in ("off", "false", "0", "closed", "offline", "locked") for word in words
    )


def _check_windows(scope: Scope) -> None:
    """A window shorter than the time between two readings holds at most one of them."""
    for path, name, step in scope.steps():
        if step.kind != "window":
            continue
        settings: Any = step.settings
        length = settings.length or settings.every or settings.gap
        sampling = [s.settings.every for s in _simulated(scope, name)]
        if sampling and length < min(sampling):
            field = "every" if settings.every else "gap"
            outcome = (
                "most windows are empty"
                if settings.every
                else "every reading is a session of its own"
            )
            message = (
                f"shorter than the {duration_text(min(sampling))} between two readings: {outcome}"
            )
            scope.say((*path, "window", field), message, level="warning")


def _check_gathering(scope: Scope) -> None:
    """What is gathered for longer than the least time between two never waits for that."""
    for path, _, step in scope.steps():
        _check_gap(scope, (*path, step.kind), step.settings, "wait", "interval")
    for name, sink in scope.flow.sinks.items():
        path = ("sinks", name, sink.kind)
        _check_gap(scope, path, sink.settings, "group_wait", "group_interval")


def _check_gap(scope: Scope, path: Path_, settings: Any, wait: str, gap: str) -> None:
    if not {wait, gap} <= settings.model_fields_set:
        return
    longest = getattr(settings, wait)
    if longest > getattr(settings, gap):
        message = f"does nothing: {wait!r} already waits {duration_text(longest)} each time"
        scope.say((*path, gap), message, "make it longer, or remove it", level="warning")


def _simulated(scope: Scope, name: str) -> list[Any]:
    """The sources of a stream, if all of them say how often they bring something."""
    sources = [scope.flow.sources[one] for one in scope.upstream(name) if one in scope.flow.sources]
    return sources if sources and all(source.kind == "simulate" for source in sources) else []


def _least_gap(scope: Scope, alarm: Alarm) -> float:
    """Seconds that lie at least between two events of a signal; 0 if nothing is known."""
    spans = [span for _, kind, span in _gaps(scope, alarm) if kind == "window"]
    spans += [source.settings.every for name in alarm.sources for source in _simulated(scope, name)]
    return max(spans, default=0.0) if len(alarm.sources) == 1 else 0.0


def _gaps(scope: Scope, alarm: Alarm) -> Iterator[tuple[str, str, float]]:
    """(name, kind, seconds) of steps and senders before an alarm that give events no more often.

    A stream counts up to the first that has several inputs: behind it others may fill the gap.
    """
    names = list(alarm.sources) if len(alarm.sources) == 1 else []
    seen: set[str] = set()
    while names:
        name = origin(names.pop())
        source: Any = scope.flow.sources.get(name)
        if source is not None and source.kind == "simulate":
            yield name, "simulate", source.settings.every
        stream: Stream | None = scope.flow.streams.get(name)
        if stream is None or name in seen:
            continue
        seen.add(name)
        for step in stream.steps:
            settings: Any = step.settings
            if step.kind == "window":
                yield name, "window", settings.every or settings.gap
            elif step.kind == "deduplicate" and settings.placeholders() == ["value"]:
                yield name, "deduplicate", settings.within
        if isinstance(stream.from_, str):
            names.append(stream.from_)


def _signals(scope: Scope, alarm: Alarm) -> set[str]:
    """The names whose events reach the alarm."""
    return {one for name in alarm.sources for one in scope.upstream(name)} & set(scope.flow.sources)


def _overlap(scope: Scope, one: Alarm, other: Alarm) -> bool:
    """Whether two alarms may watch the same signal."""
    known = [_facts(scope, alarm) for alarm in (one, other)]
    for field in ("subject", "metric"):
        first, second = (facts.get(field) for facts in known)
        if first is not None and second is not None and not common(first, second):
            return False
    return True


def _facts(scope: Scope, alarm: Alarm) -> Facts:
    facts = either(facts_of(scope.flow, read) for read in alarm.sources)
    return facts if alarm.only is None else narrowed(facts, alarm.only, lambda *conflict: None)


def check_clock(scope: Scope) -> None:
    """`decode` needs to know whether a device's own time counts, and must not be told both."""
    for path, stream, step in scope.steps():
        if step.kind != "decode":
            continue
        kinds = {clock.time: name for name, clock in clocks(scope.flow, stream).items()}
        if len(kinds) == 2:
            message = (
                f"sources with different clocks: {kinds['arrival']!r} tells time by arrival,"
                f" {kinds['event']!r} by event"
            )
            scope.say((*path, "decode"), message, "decode each in a stream of its own", key=True)
        elif "arrival" in kinds and getattr(step.settings, "time", None) is not None:
            message = f"does nothing: the clock of {kinds['arrival']!r} tells time by arrival"
            scope.say(
                (*path, "decode", "time"), message, "remove it, or  time: arrival  of the clock"
            )
