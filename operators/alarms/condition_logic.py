"""The logic of an alarm with `when`: one rule for all subjects, with a fast path."""

import contextlib
import math
from collections.abc import Mapping, Sequence
from heapq import heappush
from typing import Any

from operators.alarms.base_logic import AlarmLogic
from operators.alarms.engine.departures import Departures
from operators.alarms.engine.fast_path import finite
from operators.alarms.engine.machine import Engine
from operators.alarms.engine.rule import Rule
from operators.alarms.engine.state import NEVER, Mode, Slot, State
from operators.alarms.engine.timers import NO_DATA
from operators.alarms.rule_builder import NoPriority, sample
from operators.alarms.settings import Alarm
from operators.alarms.signals import concerns, of_signal, rules_of, signal_rule
from operators.columnar.lazy import as_list
from operators.component import StepContext
from operators.events import Event, Reading
from operators.model.hysteresis import BadLimit, NoLimit


class ConditionLogic(AlarmLogic):
    """The rule `flow/alarm`, with an alarm for each subject.

    A condition on values judges each signal of a subject by itself: the first one under this rule,
    further ones under `flow/alarm/METRIC`.
    """

    def __init__(self, alarm: Alarm, context: StepContext) -> None:
        super().__init__(alarm, context)
        rule = self.definition.common
        assert rule is not None
        self._rule_id = rule.id
        self._presence = self.definition.presence
        named = alarm.only is not None and alarm.only.metric is not None
        asks = alarm.when is not None and isinstance(alarm.when.is_, (bool, str))
        self._word = asks and not named
        self._listed = [
            subject
            for subject in (context.known if rule.watches_silence else ())
            if self.definition.selects(subject, None, None)
        ]
        self._departures = Departures()
        self._written = self.definition.written()
        self._saved: dict[str, Any] | None = None
        self._were_listed: frozenset[str] = frozenset()
        self.engine.put_rule(rule)

    def _new_engine(self) -> Engine:
        engine = super()._new_engine()
        if self.definition.priority_varies:
            engine.on_raise = self._raised
        return engine

    def start(self, at: float, clock: float) -> None:
        """Put saved alarms under the present definition, and wait for subjects that tables list."""
        common, engine = self.definition.common, self.engine
        assert common is not None
        for rule in [one for one in engine.rules.values() if one.of != self._rule_id]:
            engine.remove_rule(rule.id, at, clock)
        if self._rule_id not in engine.rules:
            engine.put_rule(common)
        for subject in self._unlisted():
            engine.drop(self._rule_id, subject, at, "subject_gone", clock)
        saved, present = self._saved or self._written, self._written
        if self._edited or saved != present or engine.rules[self._rule_id].hash != common.hash:
            self._edit(common, saved, at, clock)
        for subject in filter(self.owns, self._listed):
            if subject not in engine.slots[self._rule_id] and subject not in self.retired():
                self._expect(subject, at, clock)

    def _expect(self, subject: str, at: float, clock: float) -> None:
        """Let the silence of a subject count, under the limits that tables give it."""
        rule = self.definition.common
        if self.definition.varies:
            metric = self.context.metrics[0] if len(self.context.metrics) == 1 else None
            try:
                rule = self.definition.rule_for(subject, metric, {})
            except NoLimit:
                return
        self.engine.declare(self._rule_id, subject, at, rule, clock)

    def _unlisted(self) -> list[str]:
        """Subjects that tables list no longer: their silence is no more than that of any other."""
        slots, listed = self.engine.slots[self._rule_id], set(self._listed)
        return [
            subject
            for subject, slot in slots.items()
            if subject not in listed
            and (
                (self._presence and subject in self._were_listed)
                or (slot.state is not None and slot.state.last_ts == NEVER)
            )
        ]

    def _edit(self, common: Rule, saved: dict[str, Any], at: float, clock: float) -> None:
        """Follow a change of the definition or of a table.

        An alarm whose own part is as it was stays as it is: neither its limits nor its priority are
        read from labels again.
        """
        present = self._written
        edited = (
            self.engine.rules[self._rule_id].hash != common.hash
            or saved["limits"] != present["limits"]
        )
        prioritised = saved["priority"] != present["priority"]

        def own(s: State) -> Rule | None:
            if not self._watches(s):
                return None
            before, now = saved["cells"].get(s.subject), present["cells"].get(s.subject)
            moved = self.has_moved(s)
            rule = self._own_rule(s, common) if edited or moved or before != now else s.rule
            if rule is None:
                return None
            rule = self._under(rule, s.rule.id)
            if not self.definition.priority_varies:
                return (
                    self.definition.of_severity(rule, common.base_severity) if prioritised else rule
                )
            if not s.occ:
                return rule
            column = present["priority"][0]
            if prioritised or moved or (before or {}).get(column) != (now or {}).get(column):
                return self._prioritised(s, rule)
            return self.definition.of_severity(rule, s.rule.base_severity)

        for rule_id in rules_of(self.engine, self._rule_id):
            self.engine.revise(self._under(common, rule_id), at, clock, own, self.follow_masks)

    def _under(self, rule: Rule, rule_id: str) -> Rule:
        return of_signal(rule, rule_id, self.definition.made)

    def _own_rule(self, s: State, common: Rule) -> Rule | None:
        """The rule that a subject comes under; None where it has no limit any more."""
        if not self.definition.varies:
            return common
        metric, labels = s.slot.about or (None, {})
        try:
            return self.definition.rule_for(s.subject, metric, labels)
        except NoLimit:
            return None

    def _watches(self, s: State) -> bool:
        """Whether a subject that was watched still is, by its last reading."""
        if s.rule.id != self._rule_id and self._presence:
            return False
        if not self.selects(s):
            return False
        common, about = self.definition.common, s.slot.about
        assert common is not None
        return (
            self._presence
            or about is None
            or concerns(common, sample(s.subject, about, s.seen_unit), self._word)
        )

    def _raised(self, s: State) -> Rule:
        return self._prioritised(s, s.rule)

    def _prioritised(self, s: State, rule: Rule) -> Rule:
        """The rule with the priority that labels and tables give now, or the default."""
        try:
            severity = self.definition.severity_for(s.subject, (s.slot.about or (None, {}))[1])
        except NoPriority:
            self.count("bad_priority")
            common = self.definition.common
            assert common is not None
            severity = common.base_severity
        return self.definition.of_severity(rule, severity)

    def more_state(self) -> dict[str, Any]:
        """The definition that the saved alarms belong to."""
        return {"written": self._written, "listed": self._listed}

    def take_more_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `more_state` returned."""
        self._saved = state.get("written")
        self._edited |= self._saved not in (None, self._written)
        self._were_listed = frozenset(state.get("listed", ()))

    def take(self, events: Sequence[Event], at: float) -> None:
        """Judge events that arrived at `at`."""
        engine = self.engine
        rule = engine.rules[self._rule_id]
        if rule.watches_silence or self._presence or self.definition.priority_varies:
            self._take_any(as_list(events), at)
            return
        slots, latest = engine.slots[self._rule_id], at + rule.max_future
        with engine.stores[self._rule_id].changing(
            slots, events, at, engine.mark, latest
        ) as changing:
            self._take_numbers(changing, at)

    def _take_numbers(self, events: list[Event], at: float) -> None:
        """Events whose values count."""
        if set(map(type, events)) <= {Reading}:
            self._look(events, at)
        else:
            self._take_any(events, at)

    def _look(self, events: list[Event], at: float) -> None:
        """The loop over readings, one by one."""
        engine = self.engine
        get = engine.slots[self._rule_id].get
        horizon, mark = at + engine.rules[self._rule_id].max_future, engine.mark
        slow, varies = self._take_reading, self.definition.varies
        e: Any
        for e in events:
            slot = get(e.subject)
            if slot is not None:
                low, high, due, unit = slot.mode
                time = e.time
                value = e.value
                about = slot.about
                if (
                    value is not None
                    and low <= value <= high
                    and slot.ts < time < due
                    and mark <= time <= horizon
                    and e.unit == unit
                    and e.quality == "good"
                    and about is not None
                    and about[0] == e.metric
                    and (not varies or about[1] == e.labels)
                ):
                    slot.ts = time
                    slot.id = e.id
                    slot.value = value
                    slot.wall = at
                    if about[1] != e.labels:
                        self.relabel(self._rule_id, slot, e, at)
                    continue
            slow(e, slot, at)

    def _take_any(self, events: list[Event], at: float) -> None:
        """Events of which only the presence counts, or of several kinds."""
        engine = self.engine
        rule = engine.rules[self._rule_id]
        get = engine.slots[self._rule_id].get
        horizon, mark = at + rule.max_future, engine.mark
        expect = rule.expect if rule.watches_silence else math.inf
        if self._presence and rule.levels:
            expect = -1.0
        presence, varies = self._presence, self.definition.varies
        labelled = self.definition.priority_varies or self._by_label
        mark = max(mark, self.slow_before(rule))
        for e in events:
            if e.time > self._newest:
                self._newest = e.time
                mark = max(engine.mark, self.slow_before(rule))
            subject = getattr(e, "subject", None)
            if subject is None:
                self.count("not_data")
                continue
            slot = get(subject)
            if slot is not None and type(e) is Reading:
                low, high, due, unit = slot.mode
                time, value = e.time, e.value
                last = slot.ts
                if (
                    value is not None
                    and last < time < due
                    and time - last <= expect
                    and low <= value <= high
                    and mark <= time <= horizon
                    and e.unit == unit
                    and e.quality == "good"
                    and (presence or (slot.about is not None and slot.about[0] == e.metric))
                    and not (varies and slot.about is not None and slot.about[1] != e.labels)
                ):
                    slot.ts = time
                    slot.id = e.id
                    slot.value = value
                    slot.wall = at
                    if labelled:
                        self.relabel(self._rule_id, slot, e, at)
                    continue
            self._take_reading(e, slot, at)

    def _take_reading(self, event: Any, slot: Slot | None, at: float) -> None:
        """Judge one event: a first one, one that may change something, or one of no good data."""
        rule_id = self._rule_id
        if self._departures.take(self.engine, event, self._arrival(event, at)):
            return
        if not self._presence:
            if not concerns(self.engine.rules[rule_id], event, self._word):
                self.count("unit")
                return
            rule_id = signal_rule(self.engine, rule_id, event, self.definition.made)
            if rule_id != self._rule_id:
                slot = self.engine.slots[rule_id].get(event.subject)
                if slot is not None and self.take_unchanged(rule_id, slot, event, at):
                    return
        own: Rule | None = None
        if slot is not None and slot.state is not None and slot.state.gone:
            slot = None
        elif slot is not None and slot.about is None:
            if self.is_taken(rule_id, slot, event, at):
                self._learn_limits(rule_id, event, at)
        elif slot is not None and not self._follow_limits(rule_id, slot, event, at):
            return
        if slot is None and self.definition.varies:
            try:
                own = self.definition.rule_for(event.subject, *self._abouts.of(event))
            except NoLimit as error:
                self.count("bad_limit" if isinstance(error, BadLimit) else "no_limit")
                return
            own = None if own is self.definition.common else self._under(own, rule_id)
        unknown = own is None and event.subject not in self.engine.slots[rule_id]
        if unknown and self._open_slot(rule_id, event, at):
            return
        self.judge(rule_id, event, at, own, self._presence)

    def _learn_limits(self, rule_id: str, event: Any, at: float) -> None:
        """Put a subject that was only expected under the limits that its first event shows."""
        if self.definition.varies:
            with contextlib.suppress(NoLimit):
                own = self.definition.rule_for(event.subject, *self._abouts.of(event))
                self.engine.put_under(self._under(own, rule_id), event.subject, at, event.time)

    def _follow_limits(self, rule_id: str, slot: Slot, event: Any, at: float) -> bool:
        """Judge a signal by the limits that its labels give now; without one it ends."""
        about = self._abouts.of(event)
        if not self.definition.varies or about == slot.about:
            return True
        if not self.is_taken(rule_id, slot, event, at):
            return True
        subject, arrival = event.subject, self._arrival(event, at)
        try:
            rule = self._under(self.definition.rule_for(subject, *about), rule_id)
        except BadLimit:
            self.count("bad_limit")  # a row with a mistake changes nothing
            return True
        except NoLimit:
            self.count("no_limit")
            self.engine.end(rule_id, subject, arrival, event.time)
            return False
        s = self.engine.state(rule_id, subject)
        if s is not None and self.definition.priority_varies:
            rule = self.definition.of_severity(rule, s.rule.base_severity)
        if s is not None and rule.hash != s.rule.hash:
            self.relabel(rule_id, slot, event, at, rule)
        return True

    def _open_slot(self, rule_id: str, event: Any, at: float) -> bool:
        """Make the slot of a new, normal subject without a state, if many are known already."""
        engine = self.engine
        slots = engine.slots[rule_id]
        if len(slots) < engine.states_kept or type(event) is not Reading or event.quality != "good":
            return False
        rule = engine.rules[rule_id]
        value, time, subject = event.value, event.time, event.subject
        if (
            value is None
            or not max(engine.mark, self.slow_before(rule)) <= time <= at + rule.max_future
            or at < engine.wall_mark
            or (rule_id, subject) in engine.tombs
            or self._hiding
            or engine.on_open is not None
            or not (mode := self._first_mode(rule, event.unit))
            or not mode[0] <= value <= mode[1]
        ):
            return False
        slots[subject] = Slot(time, event.id, value, at, mode, self._abouts.of(event))
        engine.stores[rule_id].add(subject)
        engine.created += 1
        if rule.watches_silence:
            heappush(
                engine.event_heap,
                (time + rule.expect, NO_DATA, engine.created, rule_id, subject),
            )
        return True

    def _first_mode(self, rule: Rule, unit: str | None) -> Mode | None:
        """The mode of a new subject in state normal; None where the rule needs a state of each."""
        plain = not (rule.schedule or rule.window or rule.n_of_m or rule.pulse) and rule.enabled
        if not plain or (rule.unit is not None and unit not in (None, rule.unit)):
            return None
        low, high = finite([level.unbreached for level in rule.levels] or [(-math.inf, math.inf)])
        return self.engine.shared_mode((low, high, math.inf, unit))
