"""Alarms that people command and write rules for: any command, any rule, any reading, in any order.

An input is lines: `c` and a JSON object (a command), `r` and one (a row of rules), `d` and one (a
reading), `t` and a number of seconds that pass. Wire types are checked before, by the topic's
reader; what is in them is anybody's.
"""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import msgspec

from operators.alarms.base_logic import AlarmLogic
from operators.alarms.logic import make_logic
from operators.alarms.settings import Alarm
from operators.component import Now, StepContext
from operators.events import (
    AlarmTransition,
    Event,
    Occurrence,
    Reading,
    Row,
    decode_lines,
    encode_lines,
)
from operators.model.saved_state import decode, encode
from tests.fuzz.mutate import json_mutator
from tests.fuzz.target import Target

T = 1772366400.0
MOST = 12
LONGEST_WAIT = 2 * 86400.0
LATENESS = 5.0
CONTEXT = StepContext(flow="f", step="f/hot", name="hot")
RULED = Alarm.model_validate(
    {
        "from": "prices", "rules": "rules", "response": "Call.", "page": {"column": "page"},
        "priority": {"column": "priority", "default": "medium"}, "shelve": {"max": "8h"},
        "message": "{subject} {condition} {limit}: {value}",
    }
)  # fmt: skip
PLAIN = Alarm.model_validate(
    {
        "from": "prices",
        "when": {"above": "30 °C", "clear": "28 °C", "for": "2min"},
        "response": "Cool.",
        "latch": True,
    }
)


def take(data: bytes) -> None:
    """The same (but for `recorded`) with and without a restart after every line; what comes out
    can be written to a topic.
    """
    for alarm in (RULED, PLAIN):
        assert _outcome(alarm, data, restarts=False) == _outcome(alarm, data, restarts=True)


def _outcome(alarm: Alarm, data: bytes, restarts: bool) -> list[Event]:
    logic = make_logic(alarm, CONTEXT)
    out: list[Event] = []
    wall = T
    for number, line in enumerate(data.split(b"\n")[:MOST]):
        kind, body = line[:1], line[1:]
        event = None if kind == b"r" and alarm.rules is None else _event(kind, body, number, wall)
        if kind == b"t":
            wall += _seconds(body)
        now = Now(wall - LATENESS, wall)
        if event is not None:
            role = {b"c": "commands", b"r": "rules"}.get(kind, "")
            out += logic.on_role(role, [event], now)
        due = logic.next_time()
        if due.event <= now.event or due.wall <= now.wall:
            out += logic.on_time(now)
        out += logic.desk.answers
        out += logic.errors
        logic.desk.answers, logic.errors = [], []
        if restarts:
            logic = _restarted(alarm, logic)
    read_back = decode_lines(encode_lines(out))
    assert len(read_back) == len(out)
    for event in read_back:
        if isinstance(event, AlarmTransition):
            event.recorded = event.time  # the wall clock's, which a restart may find further on
    return read_back


def _restarted(alarm: Alarm, logic: AlarmLogic) -> AlarmLogic:
    fresh = make_logic(alarm, CONTEXT)
    fresh.restore(decode(encode(logic.snapshot()), logic.STATE), fresh.VERSION)
    return fresh


def _seconds(body: bytes) -> float:
    try:
        return min(max(float(body), 0.0), LONGEST_WAIT)
    except ValueError:
        return 1.0


def _event(kind: bytes, body: bytes, number: int, wall: float) -> Event | None:
    """The event that a line is, as it would come from a topic; None if it could not."""
    try:
        given: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        id = given.pop("event_id", f"e{number}")
        subject = given.get("subject", "rack")
        if kind == b"c":
            made: dict[str, Any] = {
                "kind": "occurrence",
                "type": "alarm_command",
                "subject": subject,
                "data": given,
            }
        elif kind == b"r":
            made = {
                "kind": "row",
                "table": "rules",
                "op": given.pop("op", "update"),
                "values": given,
            }
        elif kind == b"d":
            made = {"kind": "reading", "metric": "price", "subject": subject, **given}
            made["time"] = min(wall, max(wall - LATENESS, float(given.get("time", wall))))
        else:
            return None
        event = msgspec.convert({"time": wall, **made, "id": id}, type=Reading | Occurrence | Row)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    return event


COMMANDS = (
    "ack",
    "unack",
    "comment",
    "shelve",
    "unshelve",
    "suppress",
    "unsuppress",
    "out_of_service",
    "in_service",
    "reset",
)
KEYS = (
    "id", "do", "alarm", "rule", "flow", "subject", "user", "comment", "note", "by", "for",
    "duration", "oneshot", "occurrence",
    "granted", "event_id", "page", "above", "below", "outside", "inside", "is", "clear", "silent",
    "stuck", "changes", "priority",
    "enabled", "deleted", "metric", "op", "value", "text", "unit", "quality", "time", "labels",
    "repeat", "response", "message",
)  # fmt: skip


def _seeds() -> Iterator[bytes]:
    hot = b'd{"value": 31, "unit": "\xc2\xb0C"}\nt130\nd{"value": 31.5, "unit": "\xc2\xb0C"}\n'
    rule = (
        b'r{"id": "r1", "subject": "rack", "above": 30, "clear": 28, "page": "p", "priority":'
        b' "high", "enabled": true}\n'
    )
    yield hot + b't10\nd{"value": 20, "unit": "K"}'
    for do in COMMANDS:
        extra = b', "duration": "10m"' if do == "shelve" else b', "comment": "why"'
        command = b'c{"do": "%s", "subject": "rack", "user": "ann"%s}\n' % (do.encode(), extra)
        yield rule + hot + command
        yield rule + hot + b'c{"do": "ack"}\n' + command + b't700\nd{"value": 20}\n' + command
    yield (
        rule
        + hot
        + b'r{"id": "r1", "subject": "rack", "above": 40}\nt10\nr{"id": "r1", "deleted": true}'
    )
    yield (
        b'r{"id": "r2", "subject": "r*", "below": "5 K", "for": "1min"}\nd{"value":'
        b' 3}\nt61\nd{"value": 2}'
    )
    yield b'r{"id": "r3", "subject": "rack", "silent": "15min"}\nt1000\nd{"value": 3}\nt86400'
    yield (
        b'r{"id": "r4", "subject": "rack", "is": "open"}\nd{"text": "open"}\nc{"do": "shelve",'
        b' "oneshot": true}'
    )
    yield (
        b'r{"id": 7, "op": "delete"}\nc{"do": "ack", "rule": "f/hot/7", "granted": ["alarm.ack"],'
        b' "occurrence": 1}'
    )


_json = json_mutator(KEYS)


def _mutate(
    data: bytes, longest: int, dice: Random, any_bytes: Callable[[bytes, int], bytes]
) -> bytes:
    chance = dice.random()
    if chance < 0.15:
        return any_bytes(data, longest)
    lines = data.split(b"\n")
    at = dice.randrange(len(lines))
    if chance < 0.3:
        lines.insert(at, lines[dice.randrange(len(lines))])
    elif chance < 0.4:
        del lines[at]
    elif chance < 0.5:
        lines.insert(at, b"t%d" % dice.choice((0, 1, 10, 120, 130, 900, 30_000, 200_000)))
    elif chance < 0.6:
        do = json.dumps(
            {
                "do": dice.choice(COMMANDS),
                "subject": dice.choice(("rack", "", "other")),
                "duration": 60,
                "comment": "c",
            }
        )
        lines.insert(at, b"c" + do.encode())
    else:
        lines[at] = lines[at][:1] + _json(lines[at][1:] or b"{}", longest, dice, any_bytes)
    return b"\n".join(lines)[:longest]


TARGETS = [Target("alarm_commands", take, _seeds, _mutate, longest=4096)]
