"""The step `notify`: alarms in groups, again until acknowledged, a digest in a flood."""

import math
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import msgspec
from pydantic import Field

from operators.component import INSTANT, Due, Logic, Now, Operator, Selects, Spec, StepContext
from operators.events import AlarmTransition, Event, Occurrence
from operators.model.changes import alarm_link, as_announced
from operators.model.fields import field, text
from operators.model.priority import PRIORITIES
from operators.model.selections import KNOWN, OF_ALARMS
from operators.model.units import Duration, Some
from operators.model.wording import in_words
from operators.notifications.groups import TOGETHER, Member, Notifier
from operators.notifications.report import report
from operators.notifications.unanswered import Given, Unanswered

_MASKS = ("suppressed", "oos", "disabled")


class Flood(Spec):
    """From when on alarms are too many to be notified one by one."""

    alarms: int = Field(ge=2, le=1000, description="How many alarms in a group.", examples=[10])
    in_: Duration = Field(alias="in", gt=0, description="Within which span.", examples=["10min"])


class Notify(Operator):
    """Makes notifications of the changes of alarms: one for a group of them, as people can read it.

    The stream reads `alarms`, or alarms by name. The first alarm of a group waits `wait` for
    others; so do later changes, and they come `interval` after the last notification at the
    earliest. What happens at one instant is told together. An alarm that is over or acknowledged
    before it was notified is left out; so is one that is shelved, suppressed or out of service,
    until that ends. One that gets another priority, label or page moves to the group of that. What
    nobody has acknowledged is repeated after `repeat`. With `unacknowledged`, an alarm comes to its
    group only once nobody has acknowledged it for that span: a second `notify` tells others.

    With `flood`, as many alarms within its span are one notification at once; after that comes one
    digest in that span, until there are fewer than half as many, which is told, too. The alarms
    themselves are untouched by it.

    A notification is an occurrence `notification` whose subject is the group (its values, or
    `alarms`). Its data are
    `what` (`first`, `update`, `repeat`, `flood_on`, `flood_off`), `raised` and `over` (lists of
    alarms, each with `alarm`,
    `subject`, `priority`, `change`, `since`, `value`, `first_value`, `unit`, `condition`,
    `response`, `link` and `message`), `count` (of those
    raised), `priority` (the highest of them), `text` (all of it to be read) and the fields of `by`.
    It may come twice after a crash, with the same id.
    """

    NAME: ClassVar[str] = "notify"
    STATEFUL: ClassVar[bool] = True
    CROSS_SUBJECT: ClassVar[bool] = True
    DATA: ClassVar[tuple[str, ...]] = ("what", "raised", "over", "count", "text")
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "notify: {by: label.area, wait: 30s}",
        "notify: {unacknowledged: 15min, repeat: 1h}",
        (
            "notify: {by: [page, priority], wait: 10s, interval: 5min, repeat: 1h, flood: {alarms:"
            " 10, in: 10min}}"
        ),
    )

    by: Some | None = Field(
        None,
        min_length=1,
        description=(
            "The field or fields whose values make a group; one group of all when left out."
        ),
        examples=["label.area"],
    )
    wait: Duration = Field(
        30.0, description="How long the first alarm waits for others.", examples=["30s"]
    )
    interval: Duration = Field(
        300.0, gt=0, description="Least time between two of a group.", examples=["5min"]
    )
    repeat: Duration | None = Field(
        None, gt=0, description="Tell again of what nobody has acknowledged.", examples=["4h"]
    )
    unacknowledged: Duration | None = Field(
        None,
        gt=0,
        description=(
            "Only of alarms that nobody has acknowledged for so long: to tell others of them."
        ),
        examples=["15min"],
    )
    flood: Flood | None = Field(
        None, description="When alarms are a flood.", examples=[{"alarms": 10, "in": "10min"}]
    )

    def placeholders(self) -> list[str]:
        """Names of the fields that make a group."""
        return [self.by] if isinstance(self.by, str) else list(self.by or ())

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return NotifyLogic(self, context)


class NotifyLogic(Logic):
    """State are the groups with their members; one that is over is freed.

    Up to version 1 a group did not know what is news; up to 2 an alarm had no more to be read than
    its value and message; up to 3 none waited for being acknowledged; up to 4 of an alarm was kept
    what is read, not its last change; up to 5 nothing of what lies above the step; up to 6 not
    what of that lies behind the alarms.
    """

    VERSION: ClassVar[int] = 7

    def __init__(self, settings: Notify, context: StepContext) -> None:
        super().__init__()
        self._by = settings.placeholders()
        flood = settings.flood and {"limit": settings.flood.alarms, "window": settings.flood.in_}
        self._terms = {
            "wait": settings.wait, "interval": settings.interval, "repeat": settings.repeat,
            "flood": flood, "gather": max(settings.wait, TOGETHER),
        }  # fmt: skip
        self._step, self._page_url = context.step, context.page_url
        self._selected, self._behind = context.selected, context.behind_alarms
        self._names = {before: name for name, before in context.renamed.items()}
        self._edited = list[AlarmTransition]()
        self._doubted = set[str]()
        span = settings.unacknowledged
        self._unanswered = Unanswered(span) if span is not None else None
        self._notifier = Notifier()
        self._notifier.on_send = self._sent
        self._out: list[Event] = []
        self._clock = -math.inf

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        """Take transitions; return notifications."""
        self._follow_edit(now)
        for event in events:
            if isinstance(event, AlarmTransition):
                self._take(event)
            else:
                self.count("no_alarm")
        return self._end()

    def let_go(self, ended: list[AlarmTransition]) -> None:
        """Tell the end of alarms that are in a group, and forget those that wait for one."""
        for event in ended:
            if self._unanswered is not None or self._notifier.knows(_name(event), self._key(event)):
                self._take(event)

    def on_time(self, now: Now) -> list[Event]:
        """Send what is due."""
        self._follow_edit(now)
        self._move(now.wall)
        self._notifier.free(self._clock)
        return self._end()

    def next_time(self) -> Due:
        """When the next notification is due, on the wall clock."""
        if self._edited or self._doubted:
            return Due(wall=-math.inf)
        due = self._notifier.next_due()
        ripe = self._unanswered.next_due() if self._unanswered else math.inf
        return Due(wall=min(ripe, math.inf if due is None else due) + 2 * INSTANT)

    def _move(self, to: float) -> None:
        """What is due before an instant is sent before what happens at it, which comes first."""
        before, self._clock = self._clock, max(self._clock, to)
        limit = self._clock - INSTANT
        for due, since, given in self._unanswered.ripe(limit) if self._unanswered else ():
            at = self._clock if due < before or due == since else due  # an edit may shorten it
            self._notifier.tick(at - INSTANT)
            self._notifier.take(terms=self._terms, now=at, annunciate=True, since=since, **given)
        self._notifier.tick(limit)

    def _take(self, event: AlarmTransition) -> None:
        self._move(event.recorded)
        if event.event == "rule_changed" and _name(event) in self._doubted:
            event = event if self._arriving(event, ()) else _gone(event)
        is_told = event.annunciation in ("start", "again")
        masked = any(flag in _MASKS or flag.startswith("shelved") for flag in event.flags)
        given: Given = {
            "key": self._key(event), "name": _name(event), "event": event.event,
            "acked": "unacked" not in event.flags, "masked": masked,
            "about": msgspec.to_builtins(event),
        }  # fmt: skip
        name, key, waiting = given["name"], given["key"], self._unanswered
        if waiting is not None and (waiting.holds(name) or not self._notifier.knows(name, key)):
            waiting.take(given, is_told, self._clock)
        else:
            self._notifier.take(terms=self._terms, now=self._clock, annunciate=is_told, **given)

    def _key(self, event: AlarmTransition) -> list[list[str]]:
        """The group of an alarm, by its fields."""
        values = [field(event, name) for name in self._by]
        return [
            [name, "" if value is None else text(value)]
            for name, value in zip(self._by, values, strict=True)
        ]

    def _find_edited(self, saved: Mapping[str, Any]) -> None:
        """Find what an edit takes out of its group: it comes no longer, or belongs to another.

        Steps above an alarm judge its readings, of which the last may have other labels than its
        last change. Where they would not let that one come, what the alarm says itself counts.
        """
        above, behind = saved.get("given", ()), saved.get("given_behind", ())
        is_moved = self._selected is not None and saved.get("above") != self._selected.text
        is_led = self._behind is not None and saved.get("behind") != self._behind.text
        waiting = list(self._unanswered.given()) if self._unanswered else []
        known = [(key, one, "") for key, one in self._notifier.members()]
        for key, one, waits in [*known, *((one["key"], one, one["name"]) for one in waiting)]:
            event = self._under_present_name(msgspec.convert(one["about"], AlarmTransition), behind)
            one["about"]["alarm"] = event.alarm
            if one.get("state") == "resolved":
                continue  # its end is told where its start was; it may stand anew elsewhere
            arrives = self._arriving_as_told(event, behind) if is_led else event
            if arrives is None and waits and self._unanswered:
                self._unanswered.forget(waits)
                continue
            if arrives is None:
                self._edited.append(_gone(event))
                continue
            if is_moved and _arriving(self._selected, event, above) is None:
                self._doubted.add(_name(event))
            event, one["about"]["labels"] = arrives, arrives.labels
            if event.occ and self._key(event) != key:
                self._edited.append(msgspec.structs.replace(event, event="rule_changed"))

    def _under_present_name(
        self, event: AlarmTransition, given: Collection[str]
    ) -> AlarmTransition:
        """An alarm's change under the name that the definition has for it now."""
        event = msgspec.structs.replace(event, alarm=self._names.get(event.alarm, event.alarm))
        first = event.rule.split("/")[1]  # the name that it was born with
        if first in self._names or self._arriving(event, given) is not None:
            return event
        again = msgspec.structs.replace(event, alarm=first)
        return event if self._arriving(again, given) is None else again

    def _arriving(self, event: AlarmTransition, given: Collection[str]) -> AlarmTransition | None:
        """A change of an alarm as it would come from there now; None where it would not."""
        return _arriving(self._behind, event, given)

    def _arriving_as_told(
        self, event: AlarmTransition, given: Collection[str]
    ) -> AlarmTransition | None:
        """The same; one that comes for what people were told of it comes as it is."""
        if (arrives := self._arriving(event, given)) is not None:
            return arrives
        told = (as_announced(event, one) for one in event.told)
        return event if any(self._arriving(one, given) is not None for one in told) else None

    def _follow_edit(self, now: Now) -> None:
        """Let alarms leave, or change to, their groups as the definition has them now."""
        edited, self._edited = self._edited, []
        at = max(self._clock, now.wall)
        for event in edited:
            self._take(msgspec.structs.replace(event, time=at, recorded=at, annunciation=None))

    def _end(self) -> list[Event]:
        self._doubted.clear()  # alarms have said by now what an edit changed of them
        out, self._out = self._out, []
        return out

    def _sent(self, sent: Mapping[str, Any], members: Mapping[str, Member]) -> None:
        raised, over = (
            [self._shown(members[name]) for name in sent[key]] for key in ("firing", "resolved")
        )
        at, kind = sent["at"], sent["kind"]
        if not raised and not over and kind != "flood_off":
            return
        group = {name.removeprefix("label."): value for name, value in sent["group"]}
        subject = "/".join(value or "-" for value in group.values()) or "alarms"
        data = {
            **group,
            "what": kind,
            "raised": raised,
            "over": over,
            "count": len(raised),
            "priority": max(
                (one["priority"] for one in raised), key=PRIORITIES.index, default=None
            ),
            "text": report(kind, raised, over),
        }
        self._out.append(
            Occurrence(
                id=f"{self._step}/{subject}/{at}/{kind}", time=at, subject=subject,
                type="notification", data=data,
                labels={name: value for name, value in group.items() if value},
            )
        )  # fmt: skip

    def _shown(self, member: Member) -> dict[str, Any]:
        event = msgspec.convert(member["about"], AlarmTransition)
        return {**_about(event, self._page_url), "since": member["since"]}

    def snapshot(self) -> object:
        """Return the groups and the wall clock."""
        waiting = self._unanswered.snapshot() if self._unanswered else {}
        above, behind = self._selected, self._behind
        labels: dict[str, Any] = {}
        if above is not None and behind is not None:
            labels = {"above": above.text, "given": sorted(above.names)}
            labels |= {"behind": behind.text, "given_behind": sorted(behind.names)}
        return self._notifier.snapshot(), self._clock, waiting, labels

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        groups, self._clock, *more = state
        waits, labels = [*more, {}, {}][:2]
        if version < 5:
            for group in groups.values():
                for name, member in group["members"].items():
                    member["about"] = _as_change(name, member["about"])
            for name, one in waits.items():
                one["given"]["about"] = _as_change(name, one["given"]["about"])
        self._notifier.restore(groups)
        self._notifier.adopt(self._terms)
        if waits:
            self._unanswered = self._unanswered or Unanswered(0.0)  # an edit: they wait no longer
            self._unanswered.restore(waits)
        if "behind" not in labels and self._behind is not None:
            is_same = self._selected is not None and labels.get("above") == self._selected.text
            given = sorted(self._behind.names.intersection(labels.get("given", ())))
            labels = {**labels, "given_behind": given}
            labels |= {"behind": self._behind.text} if is_same else {}
        self._find_edited(labels)


def _gone(event: AlarmTransition) -> AlarmTransition:
    """The end of an alarm for those who hear of it no longer."""
    return msgspec.structs.replace(
        event, event="removed", change="removed", state="normal", flags=[], annunciation=None
    )


def _arriving(
    above: Selects | None, event: AlarmTransition, given: Collection[str]
) -> AlarmTransition | None:
    if above is None:
        return event
    known = _known(event)
    if "label" in known:
        arriving: Any = above.arriving(event, known, given)
        return arriving  # type: ignore[no-any-return]
    return event if above.may_pass(event, known) else None


def _known(event: AlarmTransition) -> frozenset[str]:
    """The fields of an alarm's readings that are known."""
    if not event.occ:
        return _ALWAYS_KNOWN
    silent = frozenset({"metric", "label"}) if event.metric is None else frozenset()
    return (KNOWN | OF_ALARMS) - silent


def _name(event: AlarmTransition) -> str:
    return f"{event.rule}/{event.subject}"


def _about(event: AlarmTransition, page_url: str) -> dict[str, Any]:
    words = in_words(event)
    return {
        "alarm": event.alarm, "subject": event.subject, "priority": event.priority,
        "change": event.change,
        "value": words.get("value"), "unit": event.unit, "message": event.message,
        "condition": event.condition_text, "first_value": words.get("first_value"),
        "response": event.response, "link": alarm_link(page_url, event.rule, event.subject),
    }  # fmt: skip


_ALWAYS_KNOWN = frozenset({"subject", "alarm", "priority"})
"""What versions up to 4 kept of an alarm by which it is selected."""


def _as_change(name: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """A change of an alarm, made of what versions up to 4 kept to be read; it is of no occurrence.

    Up to version 2 that had no condition, response and value at the start.
    """
    known = {key: value for key, value in about.items() if key not in ("condition", "link")}
    return {
        "kind": "alarm", "id": "", "time": 0.0, "recorded": 0.0, "occ": 0, "seq": 0, "isa": "",
        "rule": name.removesuffix(f"/{about['subject']}"), "event": about["change"], "state": "",
        "condition_text": about.get("condition"), **known,
    }  # fmt: skip
