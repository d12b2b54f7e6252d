"""What a new version of a definition changes: alarms, steps, what is read and written."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from connectors.config.document import Document
from flows.dataflow.compiler import Compiled
from flows.language.lock import carried
from flows.language.model import Flow
from operators.events import AlarmTransition

What = Literal["new", "changed", "gone", "renamed", "same"]


class Change(msgspec.Struct):
    """One entry that is not as it was; `lines` are its settings, as `key: old → new`.

    `standing` says of each alarm that stands now, by subject, what happens to it.
    """

    section: str
    name: str
    what: What
    was: str | None = None
    lines: list[str] = []
    standing: dict[str, str] = {}


class Plan(msgspec.Struct):
    """All that a version changes.

    `kept`, `migrated` (as `old → new`), `begun` and `lost` are identities of saved state. `topics`
    and `tables` are what would be made, `rights` those that are missing. `replayed` are the alarms
    that differ on history, a line each. `apart` are topics whose subjects lie in partitions of
    several processes, so that each reads all of them. `unknown` says what could not be found out.
    """

    flow: str
    is_new: bool = False
    changes: list[Change] = []
    kept: list[str] = []
    migrated: list[str] = []
    begun: list[str] = []
    lost: list[str] = []
    topics: list[str] = []
    tables: list[str] = []
    rights: list[str] = []
    apart: list[str] = []
    replayed: list[str] = []
    unknown: list[str] = []

    @property
    def is_none(self) -> bool:
        """Whether nothing changes."""
        return not (self.changes or self.migrated or self.begun or self.lost or self.tables)


class Side(msgspec.Struct):
    """One version: its document, flow, and what it compiles to."""

    document: Document
    flow: Flow
    compiled: Compiled


SECTIONS = ("sources", "streams", "alarms", "sinks", "tables", "zones", "lines", "pages")
OTHERS = ("clock", "about")


def plan(old: Side | None, new: Side, standing: Iterable[AlarmTransition]) -> Plan:
    """Compare two versions; `standing` are the alarms that stand now."""
    found = Plan(new.flow.flow, is_new=old is None)
    _states(found, old, new)
    renamed = {
        name: entry.was
        for section in (new.flow.streams, new.flow.alarms)
        for name, entry in section.items()
        if entry.was is not None
    }
    for section in SECTIONS:
        found.changes += _section(section, old, new, renamed)
    for key in OTHERS:
        lines = list(_lines(_plain(old, (key,)), _plain(new, (key,))))
        if old is not None and lines:
            found.changes.append(Change(key, key, "changed", lines=lines))
    _tell_standing(found, old, new, standing)
    return found


def _states(found: Plan, old: Side | None, new: Side) -> None:
    before = old.compiled.plan.identities() if old is not None else []
    moved = carried(new.flow)
    for now in new.compiled.plan.identities():
        was = moved.get(now)
        if now in before:
            found.kept.append(now)
        elif was in before:
            found.migrated.append(f"{was} → {now}")
        else:
            found.begun.append(now)
    kept = {*found.kept, *moved.values()}
    found.lost = [one for one in before if one not in kept]


def _section(
    section: str, old: Side | None, new: Side, renamed: Mapping[str, str]
) -> Iterator[Change]:
    before: dict[str, Any] = dict(getattr(old.flow, section)) if old is not None else {}
    now: dict[str, Any] = dict(getattr(new.flow, section))
    taken = set()
    for name, entry in now.items():
        was = renamed.get(name) if section in ("streams", "alarms") else None
        was = was if was in before and name not in before else None
        known = was or name
        if known not in before:
            yield Change(
                section, name, "new", lines=list(_lines(None, _plain(new, (section, name))))
            )
            continue
        taken.add(known)
        if _dump(before[known]) == _dump(entry) and was is None:
            continue
        lines = list(_lines(_plain(old, (section, known)), _plain(new, (section, name))))
        yield Change(section, name, "renamed" if was else "changed", was, lines)
    for name in before:
        if name not in taken and name not in now:
            yield Change(section, name, "gone")


def _tell_standing(
    found: Plan, old: Side | None, new: Side, standing: Iterable[AlarmTransition]
) -> None:
    alarms = {
        change.was or change.name: change for change in found.changes if change.section == "alarms"
    }
    for alarm in standing:
        change = alarms.get(alarm.alarm)
        if change is None:
            if alarm.alarm not in new.flow.alarms:
                continue
            change = Change("alarms", alarm.alarm, "same")
            alarms[alarm.alarm] = change
            found.changes.append(change)
        change.standing[alarm.subject] = f"{alarm.state}: {_fate(change)}"
    found.changes = [
        change for change in found.changes if change.what != "same" or _is_fed_anew(change, found)
    ]


def _is_fed_anew(change: Change, found: Plan) -> bool:
    return bool(change.standing) and not found.is_none


def _fate(change: Change) -> str:
    if change.what == "gone":
        return "is ended, and told as removed"
    if change.what == "same":
        return "stands on"
    judged = any(line.startswith(("when", "levels", "for", "from")) for line in change.lines)
    kept = "stands on under its new name" if change.what == "renamed" else "stands on"
    return f"{kept}, judged at once by its last reading under the new rule" if judged else kept


def _dump(entry: Any) -> Any:
    return entry.model_dump(mode="json") if hasattr(entry, "model_dump") else entry


def _plain(side: Side | None, path: tuple[str, ...]) -> Any:
    node = side.document.node(path) if side is not None else None
    return None if node is None else node.plain()


def _lines(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """The differences of two plain values, one a line."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _lines(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _lines(one, other, f"{path}[{number}]")
    elif old is None and isinstance(new, dict) and not path:
        for key, value in new.items():
            yield f"{key}: {_text(value)}"
    else:
        yield f"{path + ': ' if path else ''}{_text(old)} → {_text(new)}"


def _text(value: Any) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
