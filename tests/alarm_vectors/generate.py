"""Random rules and random histories for comparing two implementations of the engine."""

import random
from typing import Any

SEVERITIES = ("info", "warning", "major", "critical")
COMMANDS = (
    "ack", "ack", "unack", "shelve", "shelve", "unshelve", "suppress", "unsuppress",
    "out_of_service", "in_service",
    "reset", "comment", "explode",
)  # fmt: skip
Step = dict[str, Any]


def rule(rng: random.Random, name: str, others: list[str]) -> dict[str, Any]:
    """A rule record: one of many kinds of condition, with some of the other fields."""
    record: dict[str, Any] = {"id": name, **condition(rng)}
    optional: dict[str, Any] = {
        "for": rng.choice((5, 10, "30s")),
        "clear_after": rng.choice((5, 20)),
        "latch": True,
        "ack_required": False,
        "realarm": rng.choice((15, 60)),
        "max_shelve": rng.choice((20, 100)),
        "unshelve_on_escalate": True,
        "flap": {"max": 2, "window": rng.choice((10, 60)), "hold": 30},
        "emit_pending": True,
        "unit": "C",
        "suppress_hold": rng.choice((5, 25)),
        "no_data": rng.choice(("alarm", "ok", "keep", "ignore")),
        "no_data_severity": rng.choice(SEVERITIES),
        "escalate_after": 7,
        "deescalate_after": 4,
        "pulse": rng.choice((6, 15)),
        "n_of_m": rng.choice(([2, 3], [1, 2], [3, 4])),
        "max_future": 8,
    }
    if "absent" not in record.get("when", {}):
        optional["expect_every"] = rng.choice((12, 40))
    for field, value in optional.items():
        if rng.random() < 0.2:
            record[field] = value
    if others and rng.random() < 0.6:
        record["suppress_when"] = [rng.choice(others)]
    if rng.random() < 0.3:
        record |= grouping(rng)
    return record


def grouping(rng: random.Random) -> dict[str, Any]:
    """How a rule's alarms are told: groups by a label, the rule or the subject; half of them
    with a limit of floods.
    """
    labels = {"labels": {"site": rng.choice(("north", "south"))}} if rng.random() < 0.5 else {}
    by = ["site"] if labels else rng.choice((["rule"], ["subject"], ["rule", "subject"], []))
    out = {
        "group_by": by,
        "group_wait": rng.choice((0, 10)),
        "group_interval": 20,
        "repeat": 50,
        **labels,
    }
    return (
        {**out, "flood": {"limit": rng.choice((2, 3)), "window": 60}} if rng.random() < 0.5 else out
    )


def condition(rng: random.Random) -> dict[str, Any]:
    kind = rng.randrange(10)
    if kind == 0:
        return {
            "when": {"below": 20, "clear": rng.choice((20, 22))},
            "severity": rng.choice(SEVERITIES),
        }
    if kind == 1:
        return {
            "when": {"outside": [15, 25], **({"clear": [17, 23]} if rng.random() < 0.5 else {})}
        }
    if kind == 9:
        levels = [{"severity": "warning", "inside": [15, 25]}]
        if rng.random() < 0.5:
            levels[0]["clear"] = [13, 26]
        if rng.random() < 0.3:
            levels.append({"severity": "critical", "inside": [18, 22], "clear": [17, 22]})
        return {"levels": levels}
    if kind == 2:
        return {"when": {"equals": rng.choice((True, 20, "open"))}}
    if kind == 3:
        return {"when": {"rate_above": 0.5, "window": rng.choice((10, 30))}}
    if kind == 4:
        return {"when": {"absent": rng.choice((10, 30))}, "severity": rng.choice(SEVERITIES)}
    if kind in (5, 6):
        side = {"above": (22, 20, 27, 25), "below": (22, 24, 17, 18)}
        word = rng.choice(("above", "below"))
        low, low_clear, high, high_clear = side[word]
        return {
            "levels": [
                {"severity": "warning", word: low, "clear": low_clear},
                {"severity": "critical", word: high, "clear": high_clear},
            ]
        }
    return {"when": {"above": 22, **({"clear": 19} if rng.random() < 0.7 else {})}}


def value(rng: random.Random) -> Any:
    pick = rng.random()
    if pick < 0.85:
        return rng.choice((14, 16, 18, 19, 20, 21.5, 22, 23, 24.5, 26, 28.0, 30))
    return rng.choice(
        (True, False, "open", "closed", None, "unavailable", float("nan"), float("inf"), "unknown")
    )


def command(rng: random.Random, n: int) -> dict[str, Any]:
    do = rng.choice(COMMANDS)
    out: dict[str, Any] = {"do": do}
    if rng.random() < 0.3:
        out["id"] = f"c{rng.randrange(max(1, n // 2) + 1)}"
    if do == "shelve":
        spans = (0, 10, 15, 60, 500, "10s", "1m", -5, None)
        out |= {"oneshot": True} if rng.random() < 0.4 else {"duration": rng.choice(spans)}
    if do in ("out_of_service", "comment") and rng.random() < 0.8:
        out["comment"] = "seen"
    if rng.random() < 0.1:
        out["occurrence"] = rng.randrange(3)
    if rng.random() < 0.1:
        out["granted"] = ["alarm.ack", "alarm.shelve"]
    return out


def history(
    rng: random.Random, rules: list[dict[str, Any]], length: int, masks: bool = True
) -> list[Step]:
    """Steps in order of arrival; clocks mostly move forward, sometimes not. `masks`: rules may
    come that hide others.
    """
    at, steps = 0.0, []
    subjects = ["s1", "s2", "s3"][: rng.randint(1, 3)]
    names = [record["id"] for record in rules]
    for n in range(length):
        at += rng.choice((0, 0, 1, 2, 5, 5, 10, 30))
        when = at - 20 if rng.random() < 0.03 else at
        step = _step(rng, n, at, subjects, names, masks)
        if "rule" in step and step["rule"]["id"] not in names:
            names.append(step["rule"]["id"])
        elif "remove_rule" in step:
            names.remove(step["remove_rule"])
        steps.append({"at": when, **step})
    return steps


def _step(
    rng: random.Random, n: int, at: float, subjects: list[str], names: list[str], masks: bool
) -> Step:
    subject, name = rng.choice(subjects), rng.choice(names)
    pick = rng.random()
    if pick < 0.58:
        return {"reading": _reading(rng, n, at, subject, name)}
    if pick < 0.70:
        return {
            "tick": True if rng.random() < 0.6 else {"watermark": at - rng.choice((1, 5, 10, 40))}
        }
    if pick < 0.84:
        return {"command": {**command(rng, n), "rule": name, "subject": subject}}
    if pick < 0.88:
        return {
            "inhibit": {
                "source": "x",
                "active": rng.random() < 0.5,
                "rule": name,
                "subject": subject,
            }
        }
    if pick < 0.90:
        return {"declare": subject}
    if pick < 0.91:
        return {"gone": subject}
    if pick < 0.925:
        name = rng.choice(("r1", "r2", "r3", "r4"))
        return {
            "rule": rule(rng, name, [other for other in names if other != name] if masks else [])
        }
    if pick < 0.935 and len(names) > 1:
        return {"remove_rule": name}
    return {
        "edit": {
            "id": name,
            **_edit(rng, [other for other in names if other != name] if masks else []),
        }
    }


def _reading(rng: random.Random, n: int, at: float, subject: str, name: str) -> dict[str, Any]:
    reading: dict[str, Any] = {"value": value(rng), "subject": subject}
    if rng.random() < 0.5:
        reading["id"] = f"e{n if rng.random() < 0.9 else n - 1}"
    if rng.random() < 0.3:
        reading["ts"] = at - rng.choice((0, 1, 3, 15, -3, -12))
    if rng.random() < 0.08:
        reading["quality"] = rng.choice(("stale", "bad"))
    if rng.random() < 0.2:
        reading["unit"] = rng.choice(("C", "C", "C", "F"))
    if rng.random() < 0.3:
        reading["rule"] = name
    return reading


def _edit(rng: random.Random, others: list[str]) -> dict[str, Any]:
    edits: list[dict[str, Any]] = [
        {"for": rng.choice((0, 3, 50))}, {"clear_after": rng.choice((0, 3, 50))},
        {"enabled": rng.random() < 0.6},
        {"enabled": True}, {"severity": rng.choice(SEVERITIES)}, {"expect_every": rng.choice((5,
        30, None))},
        {"no_data": rng.choice(("alarm", "ok", "keep", "ignore"))}, {"realarm": rng.choice((10,
        None))}, {"latch": True},
        {"labels": {"a": str(rng.randrange(3))}}, {"n_of_m": rng.choice(([1, 2], None))},
        {"levels": None, **condition(rng)}, {"flap": {"max": 2, "window": 30, "hold": 20}},
        {"unit": "F"},
        {"escalate_after": rng.choice((0, 12)), "deescalate_after": rng.choice((0, 12))},
        {"max_shelve": 30},
        {"ack_required": rng.random() < 0.5}, {"pulse": rng.choice((8, None))},
        {"suppress_hold": 8},
        {"emit_pending": True}, {"no_data_severity": "critical"}, grouping(rng), {"flood": None},
        {"max_future": 3},
    ]  # fmt: skip
    if others:
        edits += [{"suppress_when": [rng.choice(others)]}] * 2
    return rng.choice(edits)
