"""Alarms: what they name, and limits in the unit of the signal they watch."""

from connectors.config.document import Path_
from flows.checks.context import Scope
from flows.checks.references import circles
from flows.language.model import inputs
from operators.alarms.settings import Alarm
from operators.model.condition import When
from operators.model.levels import Level, why_not
from operators.model.priority import PRIORITIES, Priority
from operators.model.selector import Selector
from operators.model.units import Quantity, Some


def check_alarms(scope: Scope) -> None:
    """Check the pages, rules, hiding alarms and limits that alarms name."""
    for name, alarm in scope.flow.alarms.items():
        path: Path_ = ("alarms", name)
        pages = scope.flow.pages
        if (
            isinstance(alarm.page, str)
            and alarm.page not in pages
            and not scope.is_broken("pages", alarm.page)
        ):
            message = f"no page {alarm.page!r}"
            if pages:
                scope.unknown((*path, "page"), message, alarm.page, list(pages))
            else:
                scope.say((*path, "page"), message, "declare it under 'pages'")
        if alarm.rules is not None:
            _check_rules(scope, path, alarm.rules)
        for index, other in enumerate(alarm.hiders):
            if other not in scope.flow.alarms and not scope.is_broken("alarms", other):
                place = (*path, "suppressed_by", index)
                scope.unknown(place, f"no alarm {other!r}", other, list(scope.flow.alarms))
            elif other == name:
                scope.say((*path, "suppressed_by", index), f"{name!r} suppresses itself")
    _check_hidden(scope)
    _check_alike(scope)
    reads = {name: list(alarm.hiders) for name, alarm in scope.flow.alarms.items()}
    for circle in circles(reads):
        if len(circle) > 1:
            ways = " -> ".join([*circle, circle[0]])
            scope.say(
                ("alarms", circle[0], "suppressed_by"),
                f"alarms suppress each other in a circle: {ways}",
            )


def _check_hidden(scope: Scope) -> None:
    """An alarm that another one hides whenever it could be raised is never seen."""
    for name, alarm in scope.flow.alarms.items():
        for index, (other, match) in enumerate(alarm.hiders.items()):
            hiding = scope.flow.alarms.get(other)
            if hiding is not None and match is None and other != name and _includes(hiding, alarm):
                message = (
                    f"never seen: whenever {name!r} could be raised, {other!r} is raised and"
                    " hides it"
                )
                scope.say(
                    ("alarms", name, "suppressed_by", index),
                    message,
                    f"let {name!r} hide {other!r} instead",
                )


def _includes(wide: Alarm, narrow: Alarm) -> bool:
    """Whether `wide` is raised, no later, whenever `narrow` is, on the same signals."""
    a, b = wide.when, narrow.when
    if (
        a is None
        or b is None
        or wide.sources != narrow.sources
        or wide.only != narrow.only
        or wide.armed is not None
    ):
        return False
    if a.kind != b.kind or a.for_ > b.for_ or a.times > b.times:
        return False
    if a.kind == "silent":
        return (a.silent or 0) <= (b.silent or 0)
    if a.kind not in ("above", "below"):
        return a == b
    first, second = getattr(a, a.kind), getattr(b, b.kind)
    if (
        not (isinstance(first, Quantity) and isinstance(second, Quantity))
        or first.kind() != second.kind()
    ):
        return False
    return first.base() <= second.base() if a.kind == "above" else first.base() >= second.base()


def _check_alike(scope: Scope) -> None:
    """Two alarms with one condition are raised together: people get everything twice."""
    names = list(scope.flow.alarms)
    for index, name in enumerate(names):
        mine = scope.flow.alarms[name]
        for other in names[:index]:
            its = scope.flow.alarms[other]
            same = mine.when is not None and (mine.sources, mine.only, mine.when, mine.armed) == (
                its.sources, its.only, its.when, its.armed
            )  # fmt: skip
            if same:
                scope.say(
                    ("alarms", name),
                    f"the same rule as {other!r}: both are raised together",
                    key=True,
                    level="warning",
                )


def _check_rules(scope: Scope, path: Path_, name: str) -> None:
    if scope.is_broken("sources", name):
        return
    source = scope.flow.sources.get(name)
    if source is None:
        scope.unknown((*path, "rules"), f"no source {name!r}", name, list(scope.flow.sources))
    elif source.kind == "topic" and not getattr(source.settings, "table", True):
        scope.say(
            (*path, "rules"),
            f"the source {name!r} is not a table",
            "add  table: true  to its topic",
        )


def check_levels(scope: Scope) -> None:
    """Check that levels rise, and that whoever is told of an alarm hears that it escalates."""
    for name, alarm in scope.flow.alarms.items():
        if alarm.when is not None and isinstance(alarm.priority, str):
            _check_order(
                scope, ("alarms", name, "levels"), alarm.when, alarm.priority, alarm.levels
            )
    _check_streams(scope)
    for name, sink in scope.flow.sinks.items():
        if sink.settings.tells_people and sink.only is not None:
            _check_told(
                scope, ("sinks", name, "only", "change"), inputs(sink.from_), sink.only.change
            )


def _check_streams(scope: Scope) -> None:
    """A stream takes changes as they are recorded, masked or not, also on the way to people."""
    flow = scope.flow
    for name, stream in flow.streams.items():
        for number, step in enumerate(stream.steps):
            only = step.settings
            if not isinstance(only, Selector) or step.kind != "only" or only.change is None:
                continue
            words = {only.change} if isinstance(only.change, str) else set(only.change)
            told = [one for one in flow.sinks if name in _heard(scope, one)]
            if told and {"raised", "cleared", "returned"} & words:
                scope.say(
                    ("streams", name, "steps", number, "only", "change"),
                    f"takes masked alarms, too, and none whose mask ends: {told[0]!r} tells people",
                    "write  change: annunciated",
                    level="warning",
                )


def _heard(scope: Scope, sink: str) -> set[str]:
    """The streams whose changes a sink tells people as they come."""
    flow = scope.flow
    if not flow.sinks[sink].settings.tells_people:
        return set()
    read = {name for one in inputs(flow.sinks[sink].from_) for name in scope.upstream(one)}
    steps = (step.kind for name in read & set(flow.streams) for step in flow.streams[name].steps)
    return set() if "notify" in steps else read


def _check_told(scope: Scope, path: Path_, read: list[str], changes: Some | None) -> None:
    """Who is told of an alarm wants to hear that it became worse."""
    told = [changes] if isinstance(changes, str) else list(changes or ())
    rising = [
        name
        for name, alarm in scope.flow.alarms.items()
        if alarm.levels and {name, "alarms"} & set(read)
    ]
    if rising and "raised" in told and "escalated" not in told:
        message = f"nobody hears here when {rising[0]!r} takes a higher priority"
        scope.say(path, message, "add 'escalated'", level="warning")


def _check_order(
    scope: Scope, place: Path_, when: When, lower: Priority, levels: list[Level]
) -> None:
    before: When | Level = when
    for index, level in enumerate(levels):
        path: Path_ = (*place, index)
        if wrong := why_not(before, level):
            scope.say((*path, level.kind), wrong)
        higher = PRIORITIES[PRIORITIES.index(lower) + 1 :]
        if level.priority not in higher:
            message = f"{level.priority!r} is no more urgent than the {lower!r} before it"
            hint = (
                f"write {' or '.join(higher)}" if higher else "nothing is more urgent than critical"
            )
            scope.say((*path, "priority"), message, hint)
        before, lower = level, level.priority
