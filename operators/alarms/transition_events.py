"""The engine's transitions as events, in the words of definitions."""

from typing import Any

import msgspec

from operators.alarms.condition_words import condition_words
from operators.alarms.engine.level_crossing import CROSSES
from operators.alarms.engine.state import About, State
from operators.alarms.engine.transition import Transition, crossed_limit
from operators.events import AlarmTransition, Announced
from operators.model.changes import AS_IT_IS, announced, as_announced
from operators.model.priority import PRIORITY_OF
from operators.model.template import Template

STATE_OF = {
    "A": "normal", "B": "unacked", "C": "acked", "D": "returned", "E": "shelved", "F": "suppressed",
    "G": "out_of_service", "-": "disabled",
}  # fmt: skip


def change_of(transition: Transition) -> str:
    """What happened, in the word that definitions use."""
    if transition.event == "activated":
        return "raised"
    if transition.event == "returned":
        return (
            "returned"
            if "unacked" in transition.flags or "latched" in transition.flags
            else "cleared"
        )
    if transition.event == "acked" and transition.isa == "A":
        return "cleared"
    return transition.event


def condition_of(state: State) -> str:
    """The word of the condition: above, below, outside, inside, is, silent, seen."""
    rule = state.rule
    if rule.absent is not None:
        return "silent"
    if rule.pulse is not None:
        return "seen"
    if not rule.levels:
        return ""
    kind = rule.levels[0].kind
    return "is" if kind == "equals" else kind


class Renderer:
    """Makes the events of one alarm."""

    def __init__(
        self,
        alarm: str,
        response: str,
        message: str | None,
        run: str | None,
    ) -> None:
        self._alarm, self._response, self._run = alarm, response, run
        self._template = Template(message) if message else None

    def event(self, state: State, transition: Transition, about: About) -> AlarmTransition:
        """The event of a transition."""
        severity: Any = transition.severity or state.rule.base_severity
        metric, labels = about
        limit = transition.limit
        evidence = transition.evidence
        event = AlarmTransition(
            id=transition.id,
            time=transition.at,
            recorded=transition.recorded,
            rule=transition.rule,
            alarm=self._alarm,
            subject=transition.subject,
            occ=transition.occ,
            seq=transition.seq,
            event=transition.event,
            change=change_of(transition),
            state=STATE_OF[transition.isa],
            isa=transition.isa,
            flags=list(transition.flags),
            before=list(transition.before),
            severity=severity,
            priority=PRIORITY_OF[severity],
            value=transition.value,
            unit=transition.unit,
            limit=(
                limit if isinstance(limit, (int, float)) and not isinstance(limit, bool) else None
            ),
            reason=transition.reason,
            annunciate=transition.annunciate,
            annunciation=transition.annunciation,
            rule_hash=transition.rule_hash,
            metric=metric,
            page=transition.page,
            response=self._response,
            labels={"condition": condition_of(state), **transition.labels, **labels},
            evidence={"id": evidence[0], "ts": evidence[1]} if evidence else {},
            user=transition.user,
            comment=transition.comment,
            until=transition.until,
            since=transition.since,
            first_value=transition.first_value,
            condition_text=_condition_text(state, transition, metric),
            run=self._run,
        )
        event.told = _told(event, transition)
        if self._template is not None:
            crossing = event.labels.get("condition") == CROSSES
            raised_at = limit if crossing else crossed_limit(state, "activated")
            event.message = str(self._template.render(_with_limit(event, raised_at)))
        return event


def _told(event: AlarmTransition, transition: Transition) -> list[Announced | str]:
    """As what people were told; nothing where that is what the change says itself.

    What is neither told nor ends what was (`acked`) is also chosen as what it is now.
    """
    told = [
        Announced(priority=PRIORITY_OF[one])
        if isinstance(one, str)
        else Announced(
            PRIORITY_OF[one["severity"]],
            one["metric"],
            {"condition": event.labels["condition"], **one["labels"]},
            one["value"],
            one["unit"],
        )
        for one in transition.told
    ]
    differing = [announced(event, as_announced(event, one)) for one in told]
    if differing and event.annunciation is None and AS_IT_IS not in differing:
        differing.append(AS_IT_IS)
    return [] if differing in ([], [AS_IT_IS]) else [*differing]


def _condition_text(state: State, transition: Transition, metric: str | None) -> str | None:
    if transition.labels.get("condition") == CROSSES:
        return f"crosses {transition.limit}"
    return condition_words(state, metric)


def _with_limit(event: AlarmTransition, limit: Any) -> AlarmTransition:
    """Add the raising limit for texts; one that is no number (a pair, a word) as a label."""
    if limit is None:
        return event
    if isinstance(limit, (int, float)) and not isinstance(limit, bool):
        return msgspec.structs.replace(event, limit=limit)
    text = (
        " to ".join(f"{edge:g}" for edge in limit)
        if isinstance(limit, (list, tuple))
        else str(limit)
    )
    return msgspec.structs.replace(event, limit=None, labels={**event.labels, "limit": text})
