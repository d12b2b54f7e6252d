"""Alarms as a flow runs them, in batches and with restarts, beside the reference, which takes
one input at a time.
"""

import json
import math
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from operators.alarms.base_logic import AlarmLogic
from operators.alarms.logic import make_logic
from operators.alarms.settings import Alarm
from operators.component import Now, StepContext
from operators.events import AlarmTransition, Event, Occurrence, Reading
from operators.model.saved_state import decode, encode
from tests.alarm_vectors import reference
from tests.alarm_vectors.compare import Difference
from tests.alarm_vectors.generate import command

LENGTH = 60
STEP = "room/hot"
CONTEXT = StepContext("room", STEP)
SUBJECTS = ("a", "b", "c")
CONDITIONS: tuple[dict[str, Any], ...] = (
    {"above": "30 °C", "clear": "28 °C"},
    {"above": "30 °C", "for": "20s", "clear_for": "15s"},
    {"below": "25 °C", "clear": "27 °C", "for": "10s"},
    {"outside": ["22 °C", "31 °C"], "clear": ["24 °C", "29 °C"], "clear_for": "20s"},
    {"inside": ["22 °C", "31 °C"], "clear": ["20 °C", "31 °C"], "for": "10s"},
    {"is": 28},
    {"silent": "25s"},
)
LEVELS: dict[str, list[dict[str, Any]]] = {
    "above": [
        {"priority": "high", "above": "31 °C", "clear": "30 °C"},
        {"priority": "critical", "above": "33 °C"},
    ],
    "below": [
        {"priority": "medium", "below": "23 °C"},
        {"priority": "critical", "below": "21 °C", "clear": "22 °C"},
    ],
    "outside": [
        {"priority": "critical", "outside": ["20 °C", "33 °C"], "clear": ["21 °C", "32 °C"]}
    ],
    "inside": [{"priority": "critical", "inside": ["25 °C", "28 °C"], "clear": ["24 °C", "29 °C"]}],
}
KEYS = (
    "id", "event", "at", "flags", "from", "isa", "severity", "value", "reason", "annunciate",
    "recorded", "evidence", "occ",
)  # fmt: skip


def settings(rng: random.Random, rules: bool = False) -> Alarm:
    """A random alarm; `rules`: one whose rules people write."""
    more: dict[str, Any] = {
        "ack": "automatic", "latch": True, "repeat": "40s", "bad": rng.choice(["clear", "raise"]),
        "priority": "high",
        "suppressed_by": ["power"], "shelve": {"max": "90s"},
    }  # fmt: skip
    chosen = {key: value for key, value in more.items() if rng.random() < 0.25}
    condition = {"rules": "rules"} if rules else {"when": rng.choice(CONDITIONS)}
    when = condition.get("when", {})
    if rng.random() < 0.25:
        chosen["chatter"] = {"times": 2, "in": "60s", "hold": "30s"}
    if rng.random() < 0.25 and "silent" not in when:
        chosen["expect_every"] = "22s"
    if "suppressed_by" in chosen and rng.random() < 0.5:
        chosen["suppress_hold"] = "12s"
    if (kind := next((kind for kind in LEVELS if kind in when), None)) and rng.random() < 0.5:
        chosen |= {"priority": "low", "levels": LEVELS[kind][: rng.choice((1, 2))]}
        chosen |= {
            "escalate_after": rng.choice(("0s", "10s")),
            "deescalate_after": rng.choice(("0s", "15s")),
        }
        chosen["shelve"] = {"max": "90s", "until_escalated": rng.random() < 0.5}
    return Alarm.model_validate({"from": "x", "response": "Look.", **condition, **chosen})


def readings(rng: random.Random, length: int) -> list[Reading]:
    """Readings in order of arrival, of a few subjects whose values wander around the limits;
    some are no good data, some late, some come twice."""
    at, level, out = 0.0, dict.fromkeys(SUBJECTS, 26.0), list[Reading]()
    for n in range(length):
        at += rng.choice((0, 0, 1, 2, 5, 12))
        subject = rng.choice(SUBJECTS)
        level[subject] = min(34, max(20, level[subject] + rng.choice((-3, -1, 0, 0, 0, 1, 3))))
        quality: Any = rng.choice(["good"] * 20 + ["bad", "stale"])
        event = Reading(
            id=f"e{n if rng.random() < 0.95 else n - 1}", time=at - rng.choice([0] * 9 + [7]),
            subject=subject,
            metric="temperature", value=level[subject] if quality != "bad" else None, unit="°C",
            quality=quality,
        )  # fmt: skip
        out.append(event)
        if rng.random() < 0.03:
            out.append(event)
    return out


def batches(rng: random.Random, events: list[Reading]) -> list[list[Event]]:
    """The same events cut at random."""
    out: list[list[Event]] = []
    rest: list[Event] = list(events)
    while rest:
        size = rng.choice((1, 1, 2, 5, 17))
        out.append(rest[:size])
        rest = rest[size:]
    return out


def restarted(alarm: Alarm, logic: AlarmLogic) -> AlarmLogic:
    """A new logic with the saved state of another."""
    again = make_logic(alarm, CONTEXT)
    again.restore(
        decode(encode(json.loads(json.dumps(logic.snapshot()))), logic.STATE), logic.VERSION
    )
    again.engine.states_kept = logic.engine.states_kept
    again.replies.extend(logic.replies)
    return again


def row(rng: random.Random, name: str, subject: str) -> dict[str, Any]:
    """A rule as a person writes it."""
    condition = dict(rng.choice(CONDITIONS[:-1]))
    extra: dict[str, Any] = {
        "enabled": rng.random() < 0.9,
        "priority": rng.choice(("low", "medium", "critical")),
    }
    return {"id": name, "subject": subject, **condition, **extra}


class Beside:
    """One alarm of a flow and the reference, fed with the same."""

    def __init__(self, seed: int) -> None:
        rng = self.rng = random.Random(seed)
        self.by_rows = rng.random() < 0.5
        self.alarm = settings(rng, self.by_rows)
        self.ours = make_logic(self.alarm, CONTEXT)
        self.ours.engine.states_kept = rng.choice((0, 1000))
        self.rows: dict[str, dict[str, Any]] = {}
        self.outside: set[str] = set()
        self.said: list[AlarmTransition] = []
        self.newest = -math.inf
        self.theirs = reference.Engine(
            [reference.Rule(rule.record) for rule in self.ours.engine.rules.values()]
        )

    def run(self) -> None:
        rng, highest = self.rng, 0.0
        for n, batch in enumerate(batches(rng, readings(rng, LENGTH))):
            highest = max(highest, *(event.time for event in batch))
            now = Now(highest - 10, highest + 1)
            if self.by_rows and (n == 0 or rng.random() < 0.08):
                self.write_rule(now)
            self.take(batch, now)
            if rng.random() < 0.15:
                self.command(n, now)
            if "power" in self.alarm.suppressed_by and rng.random() < 0.1:
                self.power(now)
            if rng.random() < 0.3:
                self.theirs.tick(now.wall, now.event)
                self.keep(self.ours.on_time(now))
            if rng.random() < 0.1:
                self.ours = restarted(self.alarm, self.ours)

    def keep(self, events: list[Event]) -> None:
        self.said += [event for event in events if isinstance(event, AlarmTransition)]

    def take(self, batch: list[Event], now: Now) -> None:
        for event in batch:
            assert isinstance(event, Reading)
            self.newest = max(self.newest, event.time)
            given = {
                "value": event.value,
                "id": event.id,
                "ts": event.time,
                "quality": event.quality,
                "unit": event.unit,
            }
            for rule in list(self.theirs.rules):
                if self.by_rows and self.rows[rule]["subject"] not in (event.subject, "*"):
                    continue
                if (rule, event.subject) not in self.theirs.alarms:
                    alarm = self.theirs.alarm(rule, event.subject, wall=now.wall)
                    if event.subject in self.outside:
                        alarm.inhibit("power", True, min(event.time, now.wall))
                self.hear(rule, event)
                self.theirs.reading(now.wall, {"subject": event.subject, "rule": rule, **given})
        self.keep(self.ours.on_batch(batch, now))

    def hear(self, rule: str, event: Reading) -> None:
        """A device whose clock is slow is heard now in a flow, where silence is watched."""
        alarm = self.theirs.alarm(rule, event.subject)
        is_slow = event.time < self.newest - CONTEXT.slowness
        if is_slow and alarm.rule.expect and alarm.rule.no_data != "ignore":
            alarm.s["clock"] = max(alarm.s["clock"], self.newest - CONTEXT.patience)

    def command(self, n: int, now: Now) -> None:
        subject = self.rng.choice(SUBJECTS)
        rule = self.rng.choice(list(self.theirs.rules) or [STEP])
        data = {**command(self.rng, n), "user": "ana", "rule": rule}
        data.setdefault("id", f"own-{n}")
        event = Occurrence(
            id=data["id"], time=now.wall, subject=subject, type="alarm_command", data=data
        )
        self.keep(self.ours.on_role("commands", [event], now))
        theirs = {**data, "subject": subject}
        alarm = self.theirs.alarms.get((rule, subject))
        over = (
            alarm is not None
            and alarm.s["latched"]
            and not alarm.s["active"]
            and data["do"] == "ack"
        )
        # a command that comes again has no effect
        over = over and data["id"] not in alarm.s["cmd_ids"]
        if alarm is not None and over and alarm.s["acked"]:
            theirs["do"] = "reset"
        before = len(self.theirs.log)
        self.theirs.command(now.wall, theirs)
        if (
            over
            and theirs["do"] == "ack"
            and not any("error" in line for line in self.theirs.log[before:])
        ):
            again = {
                key: value
                for key, value in theirs.items()
                if key not in ("id", "granted", "occurrence")
            }
            self.theirs.command(now.wall, {**again, "do": "reset"})

    def power(self, now: Now) -> None:
        """The alarm that hides this one comes or goes, for one subject."""
        subject = self.rng.choice(SUBJECTS)
        on = subject not in self.outside
        (self.outside.add if on else self.outside.discard)(subject)
        event = AlarmTransition(
            id="p", time=now.event, recorded=now.wall, rule="room/power", alarm="power",
            subject=subject, occ=1, seq=1,
            event="x", change="x", state="x", isa="B", flags=["active"] if on else [],
        )  # fmt: skip
        self.keep(self.ours.on_role("suppressed_by", [event], now))
        self.control(
            lambda key: key[1] == subject, now, lambda alarm, t: alarm.inhibit("power", on, t)
        )

    def write_rule(self, now: Now) -> None:
        """A person writes, removes, or switches a rule; one that changes is written anew.

        How alarms follow a rule that changes is not the reference's, but that of an edit.
        """
        name, subject = self.rng.choice(("r1", "r2", "r3")), self.rng.choice((*SUBJECTS, "*"))
        rule_id = f"{STEP}/{name}"
        before = self.rows.get(rule_id)
        if before is not None and self.rng.random() < 0.4:
            self.put_row(rule_id, {**before, "enabled": not before["enabled"]}, now)
            return
        if before is not None:
            self.put_row(rule_id, {"id": name, "deleted": True}, now)
        if before is None or self.rng.random() < 0.7:
            self.put_row(rule_id, row(self.rng, name, subject), now)

    def put_row(self, rule_id: str, data: dict[str, Any], now: Now) -> None:
        name = data["id"]
        event = Occurrence(
            id=f"row-{now.wall}", time=now.event, subject=name, type="rule", data=data
        )
        self.keep(self.ours.on_role("rules", [event], now))
        if "subject" not in data:
            self.remove_rule(rule_id, now)
            return
        self.rows[rule_id] = data
        rule = reference.Rule(self.ours.engine.rules[rule_id].record)
        self.theirs.rules[rule_id] = rule
        self.control(
            lambda key: key[0] == rule_id, now, lambda alarm, t: alarm.change_rule(rule, t)
        )

    def remove_rule(self, rule_id: str, now: Now) -> None:
        def drop(alarm: Any, t: float) -> None:
            s = alarm.s
            if s["seq"]:
                s.update(
                    active=False,
                    acked=True,
                    shelved=None,
                    until=None,
                    manual=False,
                    inhibitors=[],
                    inh_until=None,
                )
                s.update(oos=False, latched=False, no_data=False, flapping=False, phase="normal")
                alarm.emit("removed", t, "rule_removed")
            s["enabled"] = False

        self.control(lambda key: key[0] == rule_id, now, drop)
        for key in [key for key in self.theirs.alarms if key[0] == rule_id]:
            alarm = self.theirs.alarms.pop(key)
            self.theirs.tombs[key] = {"occ": alarm.s["occ"], "seq": alarm.s["seq"]}
        self.theirs.rules.pop(rule_id)
        self.rows.pop(rule_id)

    def control(
        self,
        concerns: Callable[[tuple[str, str]], bool],
        now: Now,
        do: Callable[[Any, float], None],
    ) -> None:
        """What moves event time to the flow's own, not to the wall clock as a vector's step
        does.
        """
        for alarm in [alarm for key, alarm in self.theirs.alarms.items() if concerns(key)]:
            t = max(alarm.s["clock"], now.event)
            self.theirs.run_timers([alarm], now.wall, t, True)
            do(alarm, t)
            self.theirs.run_timers([alarm], now.wall, t, False)


def compare_flow(seed: int, said: Counter[str] | None = None) -> None:
    """One random life of an alarm in a flow; raises `Difference` where the reference says
    something else.
    """
    both = Beside(seed)
    both.run()
    shown = {event.id: event.severity for event in both.said}
    ours = sorted(_line(words(event), event.severity) for event in both.said)
    theirs = sorted(
        _line({key: one[key] for key in KEYS}, one["severity"] or shown.get(one["id"]))
        for one in both.theirs.log
        if "id" in one
    )
    if said is not None:
        said.update(event.event for event in both.said)
    for mine, other in zip(ours, theirs, strict=False):
        if mine != other:
            raise Difference(f"seed {seed}\n  ours   {mine}\n  theirs {other}")
    refused = sorted(
        (reply.subject, reply.data["error"]) for reply in both.ours.replies if "error" in reply.data
    )
    their_refused = sorted(
        (one["subject"], one["error"]) for one in both.theirs.log if "error" in one
    )
    if len(ours) != len(theirs) or refused != their_refused:
        raise Difference(
            f"seed {seed}: {len(ours)} and {len(theirs)} transitions, {refused} and {their_refused}"
        )


def words(event: AlarmTransition) -> dict[str, Any]:
    """An event under the names that vectors use."""
    return {
        "id": event.id, "event": event.event, "at": event.time, "flags": event.flags,
        "from": event.before,
        "isa": event.isa, "severity": event.severity, "value": event.value, "reason": event.reason,
        "annunciate": event.annunciate, "recorded": event.recorded, "evidence": event.evidence,
        "occ": event.occ,
    }  # fmt: skip


def _line(one: dict[str, Any], severity: str | None) -> str:
    """Something to compare; an event shows the rule's severity where the alarm never had one."""
    line = {**one, "flags": list(one["flags"]), "evidence": one["evidence"] or {}}
    return json.dumps({**line, "severity": severity}, sort_keys=True)
