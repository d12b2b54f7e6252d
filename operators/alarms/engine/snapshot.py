"""Snapshot and restore of an engine: plain data, no aliasing of live state."""

from collections.abc import Callable, Mapping
from heapq import heapify
from typing import Any

from operators.alarms.engine.machine import Engine
from operators.alarms.engine.rule import Rule
from operators.alarms.engine.state import SLOW, About, Mode, Slot, State
from operators.alarms.engine.timers import NO_DATA

VERSION = 1


def snapshot(engine: Engine) -> dict[str, Any]:
    """All that `restore` needs, as plain JSON data."""
    return {
        "v": VERSION,
        "mark": engine.mark,
        "wall_mark": engine.wall_mark,
        "created": engine.created,
        "counters": dict(engine.counters),
        "tombs": [[rule, subject, *numbers] for (rule, subject), numbers in engine.tombs.items()],
        "rules": [rule.record for rule in engine.rules.values()],
        "alarms": {
            rule_id: _slots(engine, rule_id, slots) for rule_id, slots in engine.slots.items()
        },
    }


def _slots(engine: Engine, rule_id: str, slots: dict[str, Slot]) -> dict[str, Any]:
    """Columns, filled in one pass: of a million slots each is fetched from memory once."""
    contents = engine.stores[rule_id].contents(slots)
    states = {}
    ts: list[float] = []
    ids: list[str | None] = []
    values: list[Any] = []
    walls: list[float] = []
    modes: dict[int, Mode] = {}
    mode_keys: list[int] = []
    abouts: dict[int, About | None] = {}
    about_keys: list[int] = []
    for subject, slot in slots.items():
        if slot.state is not None:
            states[subject] = _state(engine, engine.load(rule_id, subject, slot))
        if contents is None:
            ts.append(slot.ts)
            ids.append(slot.id)
            values.append(slot.value)
            walls.append(slot.wall)
        key = id(slot.mode)
        if key not in modes:
            modes[key] = slot.mode
        mode_keys.append(key)
        key = id(slot.about)
        if key not in abouts:
            abouts[key] = slot.about
        about_keys.append(key)
    if contents is not None:
        ts, ids, values, walls = contents
    mode_places = {key: n for n, key in enumerate(modes)}
    about_places = {key: n for n, key in enumerate(abouts)}
    return {
        "subjects": list(slots),
        "ts": ts,
        "id": ids,
        "value": values,
        "wall": walls,
        "mode": [mode_places[key] for key in mode_keys],
        "modes": [list(mode) for mode in modes.values()],
        "about": [about_places[key] for key in about_keys],
        "abouts": [about and [about[0], dict(about[1])] for about in abouts.values()],
        "states": states,
    }


def _state(engine: Engine, s: State) -> dict[str, Any]:
    out = {"index": s.index, "plain": s.plain()}
    if s.born == engine.ticks:
        out["young"] = True
    if s.rule is not engine.rules[s.rule.id]:
        out["rule"] = s.rule.record
    return out


def restore(
    engine: Engine, data: Mapping[str, Any], make_rule: Callable[[Mapping[str, Any]], Rule] = Rule
) -> None:
    """Fill a new engine with what `snapshot` gave; `make_rule` makes the rule of a record."""
    if data["v"] != VERSION:
        raise ValueError(
            f"alarm state has version {data['v']}; this program reads version {VERSION}"
        )
    engine.mark, engine.wall_mark, engine.ticks = data["mark"], data["wall_mark"], 1
    engine.created = data["created"]
    engine.counters = dict(data["counters"])
    engine.tombs = {(rule, subject): (occ, seq) for rule, subject, occ, seq in data["tombs"]}
    for record in data["rules"]:
        engine.put_rule(make_rule(record))
    for rule_id, alarms in data["alarms"].items():
        _restore_slots(engine, engine.rules[rule_id], alarms, make_rule)
    heapify(engine.event_heap)


def _restore_slots(
    engine: Engine,
    rule: Rule,
    data: Mapping[str, Any],
    make_rule: Callable[[Mapping[str, Any]], Rule],
) -> None:
    slots = engine.slots[rule.id]
    modes = [engine.shared_mode(tuple(mode)) for mode in data["modes"]]
    abouts = [about and (about[0], dict(about[1])) for about in data["abouts"]]
    states = data["states"]
    columns = (data[name] for name in ("subjects", "ts", "id", "value", "wall", "mode", "about"))
    for n, (subject, ts, id, value, wall, mode, about) in enumerate(zip(*columns, strict=True)):
        slot = slots[subject] = Slot(ts, id, value, wall, modes[mode], abouts[about])
        saved = states.get(subject)
        if saved is None:
            if rule.watches_silence:
                engine.event_heap.append((ts + rule.expect, NO_DATA, n, rule.id, subject))
            continue
        own = make_rule(saved["rule"]) if "rule" in saved else rule
        slot.state = s = State(own, subject, slot)
        s.take(saved["plain"])
        s.index, s.born = saved["index"], 1 if saved.get("young") else 0
        slot.mode = SLOW
        s.synced = slot.ts
        engine.settle(s)
