"""The logic of an alarm with `rules`: one alarm for each rule that people write, at run time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from operators.alarms.base_logic import AlarmLogic
from operators.alarms.engine.departures import Departures
from operators.alarms.engine.level_crossing import CROSSES, Crossings, level_of
from operators.alarms.engine.rule import Rule
from operators.alarms.engine.state import State
from operators.alarms.engine.transition import Transition
from operators.alarms.rule_builder import sample
from operators.alarms.settings import Alarm
from operators.alarms.signals import concerns, of_signal, rules_of, signal_rule
from operators.alarms.watched import signal
from operators.component import StepContext
from operators.events import DeadLetter, Event, Occurrence, Reading, Row, encode_lines
from operators.model.condition import Column
from operators.model.hysteresis import NoLimit
from operators.model.selector import glob
from operators.model.units import Quantity

MOST_KNOWN = 50_000
_DELETED = ("delete", "deleted", "removed")


class RulesLogic(AlarmLogic):
    """Takes rules as rows in the role `rules`: occurrences with the row as data, or table rows.

    A row has `id`, `subject` (a name or a pattern), optionally `metric`, a condition as in `when`
    or `crosses` with a level, `priority`, `page` and `enabled`. The same `id` again changes the
    rule; `deleted: true`, or a deleted row, removes it. A row that makes no sense changes nothing
    and is a dead letter.
    """

    def __init__(self, alarm: Alarm, context: StepContext) -> None:
        super().__init__(alarm, context)
        self._rows: dict[str, dict[str, Any]] = {}
        self._departures = Departures()
        self._crossings = Crossings()
        self.commands.crossings = self._crossing_signals
        self._reading: Any = None
        self._index()

    def _index(self) -> None:
        """Which rules a subject's events concern."""
        self._exact: dict[str, list[str]] = {}
        self._patterns: list[tuple[Any, str]] = []
        self._known: dict[str, list[str]] = {}
        for rule_id, row in self._rows.items():
            subject = str(row["subject"])
            if "*" in subject or "?" in subject:
                self._patterns.append((glob(subject), rule_id))
            else:
                self._exact.setdefault(subject, []).append(rule_id)

    def start(self, at: float, clock: float) -> None:
        """Put saved rules under the present definition (its response, bounds and defaults)."""
        for rule_id in [one.id for one in self.engine.rules.values() if one.of not in self._rows]:
            self.engine.remove_rule(rule_id, at, clock)
        for rule_id, row in self._rows.items():
            rule = self._rule(rule_id, row)
            if rule is not None and (self._edited or rule.hash != self.engine.rules[rule_id].hash):
                self._revise(rule, at, clock)
        self._index()

    def _revise(self, rule: Rule, at: float, clock: float, is_same: bool = True) -> None:
        """Put the alarms of a rule under what it says now, if it judges the same things."""

        def own(s: State) -> Rule | None:
            is_judged = is_same and self._judges(rule, s) and self.selects(s)
            return of_signal(rule, s.rule.id, self.definition.made) if is_judged else None

        for rule_id in rules_of(self.engine, rule.id):
            one = of_signal(rule, rule_id, self.definition.made)
            self.engine.revise(one, at, clock, own, self.follow_masks)

    def _judges(self, rule: Rule, s: State) -> bool:
        """Whether a rule is about a signal that it was about before."""
        row, about = self._rows[rule.of], s.slot.about
        if not glob(str(row["subject"])).fullmatch(s.subject):
            return False
        metric, is_first = row.get("metric"), s.rule.id == s.rule.of
        if metric or _counts_presence(rule):
            return is_first and (not metric or about is None or about[0] == metric)
        asks = isinstance(row.get("is"), (bool, str))
        return about is None or concerns(rule, sample(s.subject, about, s.seen_unit), asks)

    # ------------------------------------------------------------------------
    # rules
    def take_rules(self, events: list[Event], at: float) -> None:
        """Add, change and remove rules."""
        for event in events:
            row = _row(event)
            if not row or row.get("id") in (None, ""):
                self._refuse(event, "a rule needs an 'id'")
                continue
            rule_id = f"{self.context.step}/{row['id']}"
            if row.get("deleted") or row.get("op") in _DELETED:
                self._crossings.forget(rule_id)
                if self._rows.pop(rule_id, None) is not None:
                    self._remove(rule_id, at)
            else:
                self._set(event, rule_id, row, at)
        self._index()

    def _set(self, event: Event, rule_id: str, row: dict[str, Any], at: float) -> None:
        if not row.get("subject"):
            self._refuse(event, f"rule {row['id']!r} needs a 'subject'")
            return
        try:
            rule = self.definition.made(self.definition.record_of_row(row, rule_id))
        except (ValueError, NoLimit) as error:
            self._refuse(event, f"rule {row['id']!r}: {_first_line(error)}")
            return
        crossed = self._rows.get(rule_id, row).get(CROSSES)
        is_same = crossed == row.get(CROSSES)
        if not is_same:
            self._crossings.forget(rule_id)
        self._rows[rule_id] = row
        if rule_id in self.engine.rules:
            self._revise(rule, at, self._clock, is_same)
        else:
            self.engine.put_rule(rule)
        subject = str(row["subject"])
        if rule.absent is not None and "*" not in subject and "?" not in subject:
            self.engine.declare(rule_id, subject, at, event=self._clock)

    def _remove(self, rule_id: str, at: float) -> None:
        for one in rules_of(self.engine, rule_id):
            self.engine.remove_rule(one, at, self._clock)

    def _rule(self, rule_id: str, row: Mapping[str, Any]) -> Rule | None:
        try:
            return self.definition.made(self.definition.record_of_row(row, rule_id))
        except (ValueError, NoLimit):
            self.count("bad_rule")
            return None

    def _refuse(self, event: Event, detail: str) -> None:
        self.count("bad_rule")
        self.errors.append(
            DeadLetter(
                id=f"{event.id}/{self.context.step}",
                time=event.time,
                flow=self.context.flow,
                step=self.context.step,
                reason="bad_rule",
                detail=detail,
                origin=self.alarm.rules or "",
                payload=encode_lines([event]),
                holds="events",
            )
        )

    # ------------------------------------------------------------------------
    # events
    def take(self, events: Sequence[Event], at: float) -> None:
        """Judge events that arrived at `at` by every rule of their subject."""
        known = self._known.get
        for event in events:
            self._newest = max(self._newest, event.time)
            subject = getattr(event, "subject", None)
            if subject is None:
                self.count("not_data")
                continue
            if self._departures.take(self.engine, event, self._arrival(event, at)):
                continue
            rules = known(subject)
            if rules is None:
                rules = self._find(subject)
            for rule_id in rules:
                self._take_one(rule_id, event, at)

    def _find(self, subject: str) -> list[str]:
        rules = [
            *self._exact.get(subject, ()),
            *(r for pattern, r in self._patterns if pattern.fullmatch(subject)),
        ]
        if rules or self._patterns:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[subject] = rules
        return rules

    def _take_one(self, rule_id: str, e: Any, at: float) -> None:
        row, rule = self._rows[rule_id], self.engine.rules[rule_id]
        metric = row.get("metric")
        if metric and metric != getattr(e, "metric", None):
            return
        level = level_of(row)
        if level is not None:
            self._take_crossing(rule_id, e, at, level)
            return
        presence = _counts_presence(rule)
        if not presence and not metric:
            if not concerns(rule, e, isinstance(row.get("is"), (bool, str))):
                self.count("unit")
                return
            rule_id = signal_rule(self.engine, rule_id, e, self.definition.made)
        slot = self.engine.slots[rule_id].get(e.subject)
        if slot is None or not self.take_unchanged(rule_id, slot, e, at):
            self.judge(rule_id, e, at, None, presence=presence)

    def _take_crossing(self, rule_id: str, e: Any, at: float, level: Quantity) -> None:
        """A reading counts when it is on the other side of the level than the one before."""
        if type(e) is not Reading or e.value is None or e.quality != "good":
            self.count("not_data")
            return
        try:
            crossed = self._crossings.crossed(rule_id, e, level)
        except ValueError:
            self.count("unit")
            return
        if crossed:
            self._reading = e
            self.judge(rule_id, e, at, None, presence=True)
            self._reading = None

    def _crossing_signals(self, subject: str) -> Iterator[tuple[State, Quantity]]:
        for rule_id in self._find(subject):
            level = level_of(self._rows[rule_id])
            if level is not None:
                for metric in self._crossings.metrics(rule_id, subject):
                    yield signal(self.engine, rule_id, subject, metric), level

    def _transition(self, state: State, transition: Transition) -> None:
        """What is said of a crossing has the value that crossed, and the level."""
        level = level_of(self._rows.get(state.rule.of, {}))
        if level is not None:
            e = self._reading
            value, unit = (e.value, e.unit) if e is not None else (None, level.unit)
            edge = level.in_unit(unit)
            labels = {**transition.labels, "condition": CROSSES}
            transition = msgspec.structs.replace(
                transition, value=value, unit=unit, limit=edge, labels=labels
            )
        super()._transition(state, transition)

    def page_of(self, state: State) -> str | None:
        """The page of an alarm, from its rule's row if it is a column."""
        page = self.alarm.page
        if isinstance(page, Column):
            cell = self._rows.get(state.rule.of, {}).get(page.column)
            return str(cell) if cell is not None else super().page_of(state)
        return page

    # ------------------------------------------------------------------------
    # snapshot
    def more_state(self) -> dict[str, Any]:
        """The rules and the sides of their levels."""
        rows = {rule_id: dict(row) for rule_id, row in self._rows.items()}
        return {"rows": rows, "crossings": self._crossings.snapshot()}

    def take_more_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `more_state` returned."""
        self._rows = {rule_id: dict(row) for rule_id, row in state.get("rows", {}).items()}
        self._crossings.restore(state.get("crossings", []))
        self._index()


def _counts_presence(rule: Rule) -> bool:
    """Whether any event counts, not its value."""
    return rule.absent is not None or rule.pulse is not None


def _row(event: Event) -> dict[str, Any]:
    if isinstance(event, Row):
        return {**event.values, "deleted": event.op == "delete"}
    return dict(event.data) if isinstance(event, Occurrence) else {}


def _first_line(error: Exception) -> str:
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    first = errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
