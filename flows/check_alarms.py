"""Alarms: what they name, and limits in the unit of the signal they watch."""

from connectors.document import Path_
from flows.check_references import circles
from flows.scope import Scope


def check_alarms(scope: Scope) -> None:
    for name, alarm in scope.flow.alarms.items():
        path: Path_ = ("alarms", name)
        pages = scope.flow.pages
        if isinstance(alarm.page, str) and alarm.page not in pages and not scope.is_broken("pages", alarm.page):
            scope.unknown((*path, "page"), f"no page {alarm.page!r}", alarm.page, list(pages))
        if alarm.rules is not None:
            _check_rules(scope, path, alarm.rules)
        for index, other in enumerate(alarm.suppressed_by):
            if other not in scope.flow.alarms and not scope.is_broken("alarms", other):
                place = (*path, "suppressed_by", index)
                scope.unknown(place, f"no alarm {other!r}", other, list(scope.flow.alarms))
            elif other == name:
                scope.say((*path, "suppressed_by", index), f"{name!r} suppresses itself")
    reads = {name: list(alarm.suppressed_by) for name, alarm in scope.flow.alarms.items()}
    for circle in circles(reads):
        if len(circle) > 1:
            ways = " -> ".join([*circle, circle[0]])
            scope.say(("alarms", circle[0], "suppressed_by"), f"alarms suppress each other in a circle: {ways}")


def _check_rules(scope: Scope, path: Path_, name: str) -> None:
    if scope.is_broken("sources", name):
        return
    source = scope.flow.sources.get(name)
    if source is None:
        scope.unknown((*path, "rules"), f"no source {name!r}", name, list(scope.flow.sources))
    elif source.kind == "topic" and not getattr(source.settings, "table", True):
        scope.say((*path, "rules"), f"the source {name!r} is not a table", "add  table: true  to its topic")
