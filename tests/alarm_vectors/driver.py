"""Feeds the steps of a vector to the engine and compares what comes out with what is expected."""

import json
from typing import Any

from operators.alarms.engine.machine import Engine
from operators.alarms.engine.rule import Rule
from operators.alarms.engine.snapshot import restore, snapshot
from operators.alarms.engine.transition import Rejection, Transition
from operators.model.units import seconds
from operators.notifications.groups import Notifier


class Run:
    """An engine with its notifier, and the log of what it says in the vectors' words."""

    def __init__(self, records: list[dict[str, Any]]) -> None:
        self.engine = Engine()
        self.notifier = Notifier()
        self.log: list[dict[str, Any]] = []
        self.sent: list[dict[str, Any]] = []
        self._wire()
        for record in records:
            self.engine.put_rule(Rule(record))

    def _wire(self) -> None:
        self.engine.on_transition = self._transition
        self.engine.on_rejection = lambda rejection: self.log.append(rejection_words(rejection))
        self.notifier.on_send = lambda notification, members: self.sent.append(notification)

    def _transition(self, state: Any, transition: Transition) -> None:
        self.log.append(transition_words(transition))
        group(self.notifier, state, transition)

    def save(self) -> str:
        return json.dumps({"engine": snapshot(self.engine), "notifier": self.notifier.snapshot()})

    def load(self, text: str) -> None:
        """Start again from a saved state, with new objects."""
        data = json.loads(text)
        self.engine, self.notifier = Engine(), Notifier()
        self._wire()
        restore(self.engine, data["engine"])
        self.notifier.restore(data["notifier"])

    def counters(self) -> dict[str, int]:
        out = dict(self.engine.counters)
        for slots in self.engine.slots.values():
            for slot in slots.values():
                for word, n in (slot.state.counters if slot.state else {}).items():
                    out[word] = out.get(word, 0) + n
        return out

    def feed(self, step: dict[str, Any]) -> None:
        at = seconds(step["at"])
        ((kind, x),) = [(k, v) for k, v in step.items() if k not in ("at", "note")]
        known = getattr(self, "_on_" + kind)(at, x)
        if known is not False and kind not in ("gone", "remove_rule"):
            self.notifier.tick(at)

    def _first_rule(self) -> str:
        return next(iter(self.engine.rules), "r1")

    def _on_reading(self, at: float, x: Any) -> None:
        x = dict(x) if isinstance(x, dict) else {"value": x}
        subject, ts = x.get("subject", "s1"), seconds(x.get("ts", at))
        for rule in [x["rule"]] if "rule" in x else list(self.engine.rules):
            quality = x.get("quality", "good")
            self.engine.reading(
                rule, subject, at, ts, x.get("value"), x.get("id"), quality, x.get("unit")
            )

    def _on_command(self, at: float, x: Any) -> bool:
        x = dict(x) if isinstance(x, dict) else {"do": x}
        rule, subject = x.get("rule", self._first_rule()), x.get("subject", "s1")
        return self.engine.command(rule, subject, at, x) != "unknown_alarm"

    def _on_tick(self, at: float, x: Any) -> None:
        self.engine.tick(at, seconds(x.get("watermark")) if isinstance(x, dict) else None)

    def _on_rule(self, at: float, x: Any) -> None:
        self.engine.set_rule(Rule(x), at)

    def _on_edit(self, at: float, x: Any) -> None:
        old = self.engine.rules[x.get("id", self._first_rule())]
        self.engine.set_rule(
            Rule({k: v for k, v in {**old.record, **x}.items() if v is not None}), at
        )

    def _on_remove_rule(self, at: float, x: Any) -> None:
        for subject in list(self.engine.slots[x]):
            self.engine.drop(x, subject, at, "rule_removed")
            self.notifier.tick(at)
        self.engine.forget_rule(x)

    def _on_declare(self, at: float, x: Any) -> None:
        self.engine.declare(self._first_rule(), x, at)

    def _on_gone(self, at: float, x: Any) -> None:
        for rule in self.engine.rules_of(x):
            self.engine.drop(rule, x, at, "subject_gone")
            self.notifier.tick(at)

    def _on_inhibit(self, at: float, x: Any) -> None:
        rule, subject = x.get("rule", self._first_rule()), x.get("subject", "s1")
        self.engine.inhibit(rule, subject, at, x["source"], x["active"])


def group(notifier: Notifier, state: Any, transition: Transition) -> None:
    """Give a transition to the notifier under the grouping of its rule."""
    rule, record = state.rule, state.rule.record
    if record.get("group_by") is None:
        return
    labels = {**rule.labels, "rule": rule.id, "subject": transition.subject}
    key = [[name, labels.get(name, "")] for name in record["group_by"]]
    terms = {
        name: seconds(record.get(field, default))
        for name, field, default in (
            ("wait", "group_wait", 30), ("interval", "group_interval", 300), ("repeat", "repeat",
            14400),
        )
    }  # fmt: skip
    flood = record.get("flood")
    terms["flood"] = flood and {"limit": flood["limit"], "window": seconds(flood["window"])}
    notifier.take(
        key, terms, f"{transition.rule}/{transition.subject}", transition.event,
        transition.recorded,
        annunciate=transition.annunciate, acked="unacked" not in transition.flags,
        masked=state.masked,
    )  # fmt: skip


def transition_words(transition: Transition) -> dict[str, Any]:
    """A transition under the names that vectors use."""
    evidence = transition.evidence
    out = {
        "id": transition.id, "rule": transition.rule, "subject": transition.subject,
        "occ": transition.occ,
        "seq": transition.seq, "event": transition.event, "at": transition.at,
        "recorded": transition.recorded,
        "from": list(transition.before), "flags": list(transition.flags), "isa": transition.isa,
        "severity": transition.severity, "value": transition.value, "reason": transition.reason,
        "annunciate": transition.annunciate, "rule_hash": transition.rule_hash,
        "evidence": evidence and {"id": evidence[0], "ts": evidence[1]},
        "limit": transition.limit, "unit": transition.unit, "labels": dict(transition.labels),
        "annunciation": transition.annunciation,
    }  # fmt: skip
    for name in ("user", "comment", "until"):
        out[name] = getattr(transition, name)
    return out


def rejection_words(rejection: Rejection) -> dict[str, Any]:
    return {
        "event": "rejected", "at": rejection.at, "rule": rejection.rule,
        "subject": rejection.subject,
        "error": rejection.error, "command": rejection.command, "flags": list(rejection.flags),
        "isa": rejection.isa,
    }  # fmt: skip


def restarted_everywhere(vector: dict[str, Any]) -> dict[str, Any]:
    """The vector with a snapshot and restore after every step; one that has a checkpoint stays
    as it is.
    """
    if any("checkpoint" in step for step in vector["steps"]):
        return vector
    return {
        **vector,
        "steps": [
            x for step in vector["steps"] for x in (step, {"at": step["at"], "restart": True})
        ],
    }


def run_vector(
    vector: dict[str, Any],
) -> tuple[Run, list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    """(the run, transitions and rejections, notifications, errors) of one vector, each delivered
    once.
    """
    records = vector.get("rules") or [vector["rule"]]
    run = Run([{"id": f"r{n + 1}", **record} for n, record in enumerate(records)])
    saved, since = run.save(), []
    seen: dict[str, Any] = {}
    log: list[dict[str, Any]] = []
    sent: list[dict[str, Any]] = []
    errors: list[str] = []
    for step in vector["steps"]:
        if "checkpoint" in step:
            saved, since = run.save(), []
        elif "restart" in step:
            replay = isinstance(step["restart"], dict) and step["restart"].get("replay")
            run.load(saved if replay else run.save())
            for old in since if replay else ():
                run.feed(old)
        else:
            run.feed(step)
            since.append(step)
        for words in run.log:
            known = seen.get(words["id"]) if "id" in words else (words if words in log else None)
            if known is None:
                log.append(words)
                seen[words.get("id", len(log))] = words
            elif known != words:
                errors.append(f"id given again to something else: {words}, first {known}")
        sent += [notification for notification in run.sent if notification not in sent]
        run.log.clear()
        run.sent.clear()
    return run, log, sent, errors


def check_vector(vector: dict[str, Any]) -> list[str]:
    """What is wrong with the engine's answer to a vector; empty if nothing."""
    run, log, sent, errors = run_vector(vector)
    want = vector.get("expect", [])
    for n in range(max(len(want), len(log))):
        expected, got = want[n] if n < len(want) else None, log[n] if n < len(log) else None
        if expected is None or got is None:
            errors.append(f"#{n}: expected {expected}, got {got}")
            continue
        for key, value in expected.items():
            wanted = seconds(value) if key in ("at", "until", "recorded") else value
            if key != "note" and _norm(key, wanted) != _norm(key, got.get(key)):
                errors.append(f"#{n} {key}: expected {wanted!r}, got {got.get(key)!r} in {got}")
    counters = run.counters()
    for word, n in vector.get("counters", {}).items():
        if counters.get(word, 0) != n:
            errors.append(f"counter {word}: expected {n}, got {counters.get(word, 0)}")
    if "notifications" in vector:
        short = [{k: one[k] for k in ("at", "kind", "firing", "resolved")} for one in sent]
        if short != vector["notifications"]:
            errors.append(f"notifications: expected {vector['notifications']}, got {short}")
    return errors


def _norm(key: str, value: Any) -> Any:
    return sorted(value) if key == "flags" and value is not None else value
