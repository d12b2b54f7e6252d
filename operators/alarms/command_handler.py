"""People's commands to the alarms of one definition entry, and the answers to them."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from operators.alarms.engine.commands import refusal
from operators.alarms.engine.machine import Engine
from operators.alarms.engine.state import State
from operators.alarms.engine.transition import Rejection
from operators.alarms.transition_events import STATE_OF
from operators.alarms.watched import crossed_limit, limits_of, watching
from operators.component import StepContext
from operators.events import Event, Occurrence
from operators.model.units import Quantity

COMMAND = "alarm_command"
"""Type of the occurrence that carries a command. Its `id` is the command's, its `subject` the
alarm's (empty: all that accept it); its data hold `do`, `alarm` or `rule`, `flow`, `user`, and
what the command needs: `comment`, `duration` in seconds or as 10m, `oneshot`, `occurrence`,
`granted`, `sees`. `sees` holds the `pages` that the user may see (null: all) and `hidden` cameras;
without it the command may concern every alarm."""

LIMITS = "limits"
"""A command that does nothing: each entry that judges the subject tells its limits."""

UNKNOWN = "unknown_alarm"
"""The error of a command for an alarm that is not there, or that the user may not see."""

ACCEPTED, REJECTED = "alarm_accepted", "alarm_rejected"
"""Types of the occurrences that answer a command."""

MOST_REPLIES = 1000
_ALSO = {"note": "comment", "reason": "comment", "by": "user", "for": "duration"}
_WORDS = {"acknowledge": "ack", "unacknowledge": "unack"}
_TEXTS = ("do", "user", "comment", "id", "rule", "alarm", "flow", "subject")


class CommandHandler:
    """Finds the alarms that a command concerns, has it carried out, and answers.

    `answers` are for whoever asked, to be taken away after each pass: one for each alarm, accepted
    or not, with the command's id; a command that comes a second time is not answered again.
    `refused` keeps the latest refusals, `retired` the subjects that people took out for good.
    `crossings` gives the signals of a subject whose crossing of a level is asked for.
    """

    engine: Engine
    """The engine that carries commands out; a restored logic puts another one here."""

    def __init__(self, context: StepContext, alarm: str, count: Callable[[str], None]) -> None:
        self._flow, self._step, self._alarm = context.flow, context.step, alarm
        self._count = count
        self.answers: list[Event] = []
        self.retired: set[str] = set()
        self.refused: deque[Occurrence] = deque(maxlen=MOST_REPLIES)
        self.crossings: Callable[[str], Iterable[tuple[State, Quantity]]] = lambda subject: ()

    def take_known(self, events: list[Event], at: float) -> None:
        """Like `take`, where another shard answers for subjects that this one does not know."""
        self.take(events, at, elsewhere=True)

    def take(self, events: list[Event], at: float, elsewhere: bool = False) -> None:
        """Commands, in order."""
        for event in events:
            if isinstance(event, Occurrence) and event.type == COMMAND:
                self.command(
                    {"subject": event.subject, "id": event.id, **event.data}, at, elsewhere
                )
            else:
                self._count("not_a_command")

    def command(self, given: Mapping[str, Any], at: float, elsewhere: bool = False) -> None:
        """One command."""
        command = read(given)
        rule = command.get("rule")
        if command.get("flow") not in (None, self._flow) or (
            rule is None and command.get("alarm") not in (None, self._alarm)
        ):
            return
        if command["do"] == LIMITS:
            self._tell_limits(command, at)
            return
        if rule is not None and rule not in self.engine.rules:
            ours = rule == self._step or rule.startswith(self._step + "/")
            if ours and not elsewhere:
                self._unknown(command, at)
            return
        targets = self._targets(command)
        if targets:
            for s in targets:
                self._obey(s, at, command)
        elif not elsewhere and not (command["do"] == "retire" and _names_no_alarm(command)):
            self._unknown(command, at)

    def _tell_limits(self, command: Mapping[str, Any], at: float) -> None:
        """Answer with the limits that the user may know of; without any, say nothing."""
        subject = str(command.get("subject") or "")
        found = [
            limit
            for s in watching(self.engine, subject)
            if self._is_for(command, s)
            for limit in limits_of(self._alarm, s)
        ]
        found += [
            crossed_limit(self._alarm, s, level)
            for s, level in self.crossings(subject)
            if self._is_for(command, s)
        ]
        if found:
            told = {"limits": msgspec.to_builtins(found)}
            self._answer(ACCEPTED, command, self._step, subject, at, told)

    def _targets(self, command: Mapping[str, Any]) -> list[State]:
        """The alarm that is named; of several the ones that would accept it, or else the first."""
        engine, rule, subject = self.engine, command.get("rule"), command.get("subject")
        states = [
            s
            for rule_id in ([rule] if rule is not None else list(engine.rules))
            for name in ([subject] if subject else list(engine.slots[rule_id]))
            if (s := engine.state(rule_id, name)) is not None and self._is_for(command, s)
        ]
        if subject and len(states) < 2:
            return states
        repeated = [s for s in states if command.get("id") in s.commands]
        accepting = repeated or [s for s in states if _would_accept(s, command)]
        return accepting or (states[:1] if subject else [])

    def _is_for(self, command: Mapping[str, Any], s: State) -> bool:
        """Whether whoever commands may see the alarm; what he may not is as if it were not there.

        It is the rule of `api.permissions.visibility.Visibility.allows`.
        """
        sees = command.get("sees")
        if not isinstance(sees, Mapping):
            return True
        if page := self.engine.page_of(s):
            return sees.get("pages") is None or page in sees["pages"]
        hidden = sees.get("hidden") or ()
        labels = s.slot.about[1] if s.slot.about else {}
        return s.subject not in hidden and labels.get("camera") not in hidden

    def _obey(self, s: State, at: float, command: Mapping[str, Any]) -> None:
        """Carry out one command on one alarm; acknowledging a latched one that is over resets."""
        over = s.latched and not s.active and command["do"] == "ack"
        if over and s.acked:
            command, over = {**command, "do": "reset"}, False
        if not self._carry_out(s, at, command) or not over:
            return
        again = {
            key: value
            for key, value in command.items()
            if key not in ("id", "granted", "occurrence")
        }
        self.engine.command(s.rule.id, s.subject, at, {**again, "do": "reset"})

    def _carry_out(self, s: State, at: float, command: Mapping[str, Any]) -> bool:
        """Whether it was accepted, which is answered unless it was before."""
        if command.get("id") in s.commands:
            self.engine.command(s.rule.id, s.subject, at, command)
            return False
        if self.engine.command(s.rule.id, s.subject, at, command):
            return False
        if command["do"] == "retire":
            self.retired.add(s.subject)
        data = {
            "occ": s.occ,
            "seq": s.seq,
            "state": STATE_OF[s.isa()],
            "isa": s.isa(),
            "flags": list(s.flags()),
        }
        self._answer(ACCEPTED, command, s.rule.id, s.subject, max(s.wall, at), data)
        return True

    def _unknown(self, command: Mapping[str, Any], at: float) -> None:
        self._count("rejected")
        rule = str(command.get("rule") or self._step)
        data = {"error": UNKNOWN, "flags": [], "isa": "A"}
        self._answer(REJECTED, command, rule, str(command.get("subject") or ""), at, data)

    def refuse(self, rejection: Rejection) -> None:
        """What the engine refused."""
        command = {"id": rejection.id, "do": rejection.command, "user": rejection.user}
        data = {"error": rejection.error, "flags": list(rejection.flags), "isa": rejection.isa}
        self._answer(REJECTED, command, rejection.rule, rejection.subject, rejection.at, data)

    def _answer(
        self,
        type: str,
        command: Mapping[str, Any],
        rule: str,
        subject: str,
        at: float,
        data: Mapping[str, Any],
    ) -> None:
        answer = Occurrence(
            id=f"{command.get('id') or at}/{rule}/{subject}/{type.removeprefix('alarm_')}",
            time=at,
            subject=subject,
            type=type,
            data={
                "command": command.get("id"), "do": command.get("do"), "user": command.get("user"),
                "flow": self._flow, "alarm": self._alarm, "rule": rule, **data,
            },
        )  # fmt: skip
        self.answers.append(answer)
        if type == REJECTED:
            self.refused.append(answer)


def under_present_name(event: Event, names: Mapping[str, str]) -> Event:
    """A command that calls an alarm by the name it had before it was renamed, with the new one."""
    if not isinstance(event, Occurrence) or event.type != COMMAND or "alarm" not in event.data:
        return event
    alarm = event.data["alarm"]
    now = names.get(str(alarm), alarm)
    return event if now == alarm else replace(event, data={**event.data, "alarm": now})


def refuse_unknown(
    event: Event, flow: str, alarms: Collection[str], knows: Callable[[str], bool]
) -> Occurrence | None:
    """The answer to a command for an alarm that its flow does not have; None for any other.

    `alarms` are the names and the saved ids of the flow's alarms; `knows` says whether one of them
    has a subject.
    """
    if not isinstance(event, Occurrence) or event.type != COMMAND:
        return None
    command = read({"id": event.id, **event.data})
    rule, alarm = command.get("rule"), command.get("alarm")
    named = rule.split("/")[1] if rule and "/" in rule else alarm
    is_known = named in alarms if named else not event.subject or knows(event.subject)
    if command.get("flow") != flow or is_known:
        return None
    data = {
        "command": command["id"], "do": command.get("do"), "user": command.get("user"),
        "flow": flow, "alarm": alarm, "rule": rule or f"{flow}/{alarm}",
        "error": "unknown_alarm", "flags": [], "isa": "A",
    }  # fmt: skip
    return Occurrence(
        id=f"{event.id}/{data['rule']}/{event.subject}/rejected", time=event.time,
        subject=event.subject, type=REJECTED, data=data,
    )  # fmt: skip


def read(given: Mapping[str, Any]) -> dict[str, Any]:
    """A command in the engine's words, whatever other programs wrote into it."""
    command = dict(given)
    for also, name in _ALSO.items():
        if command.get(also) is not None and command.get(name) is None:
            command[name] = command[also]
    for name in _TEXTS:
        if command.get(name) is not None:
            command[name] = str(command[name])
    do = command.get("do") or ""
    command["do"] = _WORDS.get(do, do)
    if command.get("granted") is None:
        command.pop("granted", None)
    elif not isinstance(command["granted"], (list, tuple)):
        command["granted"] = [str(command["granted"])]
    return command


def _names_no_alarm(command: Mapping[str, Any]) -> bool:
    return command.get("rule") is None and command.get("alarm") is None


def _would_accept(s: State, command: Mapping[str, Any]) -> bool:
    if command["do"] == "ack" and s.latched and not s.active:
        return True
    return refusal(s, command) is None
