"""The engine: rules, the alarms under them, and the inputs that move them."""

import math
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from typing import Any

from operators.alarms.engine import suppression
from operators.alarms.engine.commands import obey
from operators.alarms.engine.evaluate import admit, take_reading
from operators.alarms.engine.registry import Entry, Registry
from operators.alarms.engine.revision import clear, end, revise
from operators.alarms.engine.rule import Rule
from operators.alarms.engine.rule_change import change_rule
from operators.alarms.engine.state import State
from operators.alarms.engine.timers import NO_DATA, event_timers, fire, wall_timers
from operators.alarms.engine.transition import Rejection, Transition, emit, follow_page
from operators.model.units import UNITS, convert


class Engine(Registry):
    """Alarms of one or more rules, each with one state for each subject. Pure: no clock, no I/O.

    With `converts`, readings in another unit of the same kind than the rule's are converted;
    without, they are bad data.
    """

    # ------------------------------------------------------------------------
    # timers
    def _advance(self, s: State, wall: float, clock: float, strict: bool) -> None:
        """Fire what is due on one alarm; `strict`: only what is due before the instant."""
        while True:
            event_due = min(event_timers(s), default=None)
            if event_due and (event_due[0] > clock or (strict and event_due[0] == clock)):
                event_due = None
            wall_due = min(wall_timers(s), default=None)
            if wall_due and (wall_due[0] > wall or (strict and wall_due[0] == wall)):
                wall_due = None
            if event_due is None and wall_due is None:
                break
            if wall_due is None or (event_due is not None and event_due <= wall_due):
                self._fire(s, event_due or (0, 0), wall, False)
            else:
                self._fire(s, wall_due, wall, True)
        s.wall = max(s.wall, wall)
        s.clock = max(s.clock, clock)

    def _fire(self, s: State, due: tuple[float, int], wall: float, on_wall: bool) -> None:
        deadline, kind = due
        s.wall = max(s.wall, min(deadline, wall))
        if not on_wall:
            s.clock = max(s.clock, deadline)
        fire(self, s, kind, deadline)

    def next_due(self) -> tuple[float, float]:
        """Instants (event clock, wall clock) before which no timer is due; it may be later."""
        return (
            self.event_heap[0][0] if self.event_heap else math.inf,
            self.wall_heap[0][0] if self.wall_heap else math.inf,
        )

    def tick(self, at: float, watermark: float | None = None) -> None:
        """Move the clocks to `at` and `watermark` (event time), and fire what is due, in order."""
        clock = at if watermark is None else watermark
        events, walls = self.event_heap, self.wall_heap
        while True:
            entry = events[0] if events and events[0][0] <= clock else None
            on_wall = False
            if walls and walls[0][0] <= at and (entry is None or walls[0] < entry):
                entry, on_wall = walls[0], True
            if entry is None:
                break
            heappop(walls if on_wall else events)
            self._fire_entry(entry, at, on_wall)
        self._mark(at, clock)

    def _fire_entry(self, entry: Entry, at: float, on_wall: bool) -> None:
        deadline, kind, index, rule_id, subject = entry
        slot = self.slots.get(rule_id, {}).get(subject)
        if slot is None:
            return
        rule = self.rules[rule_id]
        if (
            slot.state is None
            and kind == NO_DATA
            and rule.watches_silence
            and slot.ts + rule.expect > deadline
        ):
            heappush(self.event_heap, (slot.ts + rule.expect, kind, index, rule_id, subject))
            return
        s = self.load(rule_id, subject, slot)
        due = min(wall_timers(s) if on_wall else event_timers(s), default=None)
        if on_wall:
            s.armed_wall = math.inf
        else:
            s.armed_event = math.inf
        if due == (deadline, kind):
            self._fire(s, due, at, on_wall)
        self.settle(s)

    def _mark(self, at: float, clock: float) -> None:
        if clock < self.mark or at < self.wall_mark:
            for rule_id, slots in self.slots.items():
                for subject, slot in slots.items():
                    if slot.state is None:
                        continue
                    s = self.load(rule_id, subject, slot)
                    young = s.born == self.ticks
                    s.clock, s.wall = max(s.clock, clock), max(s.wall, at)
                    if young:
                        s.born = self.ticks + 1
                    self.settle(s)
        self.mark, self.wall_mark = max(self.mark, clock), max(self.wall_mark, at)
        self.ticks += 1

    # ------------------------------------------------------------------------
    # inputs
    def reading(
        self,
        rule_id: str,
        subject: str,
        at: float,
        ts: float,
        value: Any,
        id: str | None = None,
        quality: str = "good",
        unit: str | None = None,
        rule: Rule | None = None,
        about: Any = None,
        heard: float = -math.inf,
    ) -> None:
        """A reading with event time `ts` that arrived at `at`; it counts from `heard` on."""
        known = self.slots[rule_id].get(subject)
        back = known is not None and known.state is not None and known.state.gone
        since = min(ts, at)
        s = self.open(rule_id, subject, at, rule, about, None if back else since, at)
        s.clock = max(s.clock, heard)
        t = admit(self, s, ts, id, at)
        if t is None:
            s.wall = max(s.wall, at)
            self.settle(s)
            return
        if back:
            self.open(rule_id, subject, at, rule, about, since, at)
        raw, seen = value, unit
        wanted = s.rule.unit
        if unit != wanted and self.converts and _convertible(value, unit, wanted):
            value, unit = convert(value, str(unit), str(wanted)), wanted
        self._advance(s, at, t, True)
        if about is not None:
            s.slot.about = about
        if known is None or back:
            self.arm_new(s, t)
        if take_reading(self, s, ts, id, value, quality, unit, t):
            s.seen_unit = seen
            s.slot.value = raw
        self._advance(s, at, t, False)
        self.settle(s)

    def command(
        self, rule_id: str, subject: str, at: float, command: Mapping[str, Any]
    ) -> str | None:
        """What a person asks for. Returns the error's word where it is refused."""
        slot = self.slots.get(rule_id, {}).get(subject)
        if slot is None:
            return self._reject(None, rule_id, subject, at, command, "unknown_alarm")
        s = self.load(rule_id, subject, slot)
        t = max(s.wall, at)
        self._advance(s, t, s.clock, True)
        error = obey(self, s, command, t)
        if error:
            self._reject(s, rule_id, subject, t, command, error)
        self._advance(s, t, s.clock, False)
        if s.gone and s.isa() == "A":
            self._forget(s)
        else:
            self.settle(s)
        return error

    def _reject(
        self,
        s: State | None,
        rule_id: str,
        subject: str,
        at: float,
        command: Mapping[str, Any],
        error: str,
    ) -> str:
        rejection = Rejection(
            at=at, rule=rule_id, subject=subject, error=error, command=str(command["do"]),
            id=command.get("id"), user=command.get("user"),
        )  # fmt: skip
        if s is not None:
            rejection.flags, rejection.isa = s.flags(), s.isa()
        self.on_rejection(rejection)
        return error

    def _control(
        self, s: State, at: float, act: Callable[[float], None], event: float | None = None
    ) -> None:
        """Move both clocks for a rule, declare, gone or inhibit input: to `event`, else `at`."""
        t = max(s.clock, at if event is None else event)
        self._advance(s, at, t, True)
        act(t)
        self._advance(s, at, t, False)
        self.settle(s)

    def inhibit(
        self,
        rule_id: str,
        subject: str,
        at: float,
        source: str,
        active: bool,
        event: float | None = None,
    ) -> None:
        """An alarm of the same subject begins or ends to hide this one."""
        s = self.open(rule_id, subject, wall=at)
        if not s.gone:
            self._control(s, at, lambda t: suppression.inhibit(self, s, source, active, t), event)

    def declare(
        self,
        rule_id: str,
        subject: str,
        at: float,
        rule: Rule | None = None,
        event: float | None = None,
    ) -> None:
        """A subject is known to exist: from now on its silence counts."""
        new = subject not in self.slots[rule_id]
        s = self.open(rule_id, subject, None, rule, None, at if event is None else event, at)

        def known(t: float) -> None:
            if new:
                self.arm_new(s, t)
            s.last_good = t if s.last_good is None else s.last_good

        self._control(s, at, known, event)

    def set_rule(
        self,
        rule: Rule,
        at: float,
        event: float | None = None,
        own: Callable[[State], Rule] | None = None,
    ) -> None:
        """Add or change a rule; `own` says which rule a single alarm comes under."""
        old = self.rules.get(rule.id)
        self.put_rule(rule)
        for subject, slot in list(self.slots[rule.id].items()):
            s = self.load(rule.id, subject, slot, old)
            new = rule if own is None else own(s)
            if new is s.rule:
                self.settle(s)
            else:
                self._control(s, at, lambda t, s=s, new=new: self._edit(s, new, t), event)  # type: ignore[misc]

    def put_under(self, rule: Rule, subject: str, at: float, event: float | None = None) -> None:
        """Put one alarm under a rule of its own with the same id."""
        s = self.load(rule.id, subject, self.slots[rule.id][subject])
        if rule is not s.rule:
            self._control(s, at, lambda t: self._edit(s, rule, t), event)

    def _edit(self, s: State, rule: Rule, t: float) -> None:
        change_rule(self, s, rule, t)
        if s.enabled and (rule.schedule is not None or s.edge is not None):
            suppression.follow_schedule(self, s, t)

    def revise(
        self,
        rule: Rule,
        at: float,
        event: float | None,
        own: Callable[[State], Rule | None],
        mask: Callable[[State, Rule, float], None],
    ) -> None:
        """Put the alarms of a rule under a changed definition.

        `own` says which rule a single alarm comes under, None where it is judged no longer; `mask`
        hides or shows one that had the given rule.
        """
        old = self.rules.get(rule.id, rule)
        self.put_rule(rule)
        for subject, slot in list(self.slots[rule.id].items()):
            s = self.load(rule.id, subject, slot, old)
            new = own(s)
            if new is None:
                self.end(rule.id, subject, at, event)
            else:
                self._control(s, at, lambda t, s=s, new=new: self._revise(s, new, mask, t), event)  # type: ignore[misc]

    def _revise(
        self, s: State, new: Rule, mask: Callable[[State, Rule, float], None], t: float
    ) -> None:
        old, seq = s.rule, s.seq
        follow_page(self, s, t)
        if not s.gone:
            if new is not old:
                revise(self, s, new, t)
            mask(s, old, t)
        if s.seq == seq and s.last_flags and self.shown_anew(s):
            emit(self, s, "rule_changed", t, "rule_changed")

    def follow(
        self, rule_id: str, subject: str, at: float, event: float, rule: Rule | None, hides: bool
    ) -> None:
        """Show an alarm whose labels have changed on its page of now, and to those it `hides`.

        From here on its readings are judged by `rule`, if one is given; what was judged stays.
        """
        s = self.load(rule_id, subject, self.slots[rule_id][subject])
        self._control(s, at, lambda t: self._follow(s, rule or s.rule, hides, t), event)

    def _follow(self, s: State, rule: Rule, hides: bool, t: float) -> None:
        seq = s.seq
        follow_page(self, s, t)
        if rule.hash != s.rule.hash:
            self._judge_by(s, rule, t)
        if hides and s.seq == seq:
            emit(self, s, "rule_changed", t, "labels")

    def _judge_by(self, s: State, rule: Rule, t: float) -> None:
        if rule.shape != s.rule.shape or len(rule.levels) != len(s.rule.levels):
            revise(self, s, rule, t)
            return
        s.rule = rule
        if s.isa() != "A":
            emit(self, s, "rule_changed", t, "rule_changed")

    def remove_rule(self, rule_id: str, at: float, event: float | None = None) -> None:
        """A rule is gone, with all its alarms; what was shown of them is taken back."""
        for subject in list(self.slots.get(rule_id, ())):
            self.drop(rule_id, subject, at, "rule_removed", event)
        self.forget_rule(rule_id)

    def gone(self, subject: str, at: float, event: float | None = None) -> None:
        """A subject has left the inventory."""
        for rule_id in self.rules_of(subject):
            self.drop(rule_id, subject, at, "subject_gone", event)

    def rules_of(self, subject: str) -> list[str]:
        """Rules under which a subject has an alarm, those that others hide first."""
        states = [s for rule_id in self.slots if (s := self.state(rule_id, subject)) is not None]
        states.sort(key=lambda s: (not self.rules[s.rule.id].suppress_when, s.index))
        return [s.rule.id for s in states]

    def drop(
        self, rule_id: str, subject: str, at: float, reason: str, event: float | None = None
    ) -> None:
        """End one alarm. Its numbers are kept, so that one that comes back goes on from there."""
        s = self.open(rule_id, subject)
        self._control(s, at, lambda t: self._remove(s, t, reason), event)
        self._forget(s)

    def _forget(self, s: State) -> None:
        if s.seq:
            self.tombs[s.rule.id, s.subject] = (s.occ, s.seq)
        del self.slots[s.rule.id][s.subject]
        self.stores[s.rule.id].drop(s.subject)

    def _remove(self, s: State, t: float, reason: str) -> None:
        if s.seq:
            clear(s)
            emit(self, s, "removed", t, reason)
        s.enabled = False

    def end(self, rule_id: str, subject: str, at: float, event: float | None = None) -> None:
        """End an alarm that is judged no longer; one that people know of awaits them."""
        s = self.open(rule_id, subject)
        self._control(s, at, lambda t: end(self, s, t), event)
        if s.isa() == "A":
            self._forget(s)

    # ------------------------------------------------------------------------
    # outputs
    def out(self, state: State, transition: Transition) -> None:
        """Hand a transition out, and let it hide or show the alarms that depend on it."""
        self.on_transition(state, transition)
        on = state.active and not state.oos
        for rule_id in self.targets.get(state.rule.id, ()):
            slot = self.slots[rule_id].get(state.subject)
            if slot is None or slot is state.slot:
                continue
            target = self.load(rule_id, state.subject, slot)
            if on != (state.rule.id in target.inhibitors):
                t = max(target.clock, transition.at)
                self._advance(target, state.wall, t, True)
                suppression.inhibit(self, target, state.rule.id, on, t)
                self.settle(target)


def _convertible(value: Any, unit: str | None, wanted: str | None) -> bool:
    return (
        unit in UNITS
        and wanted in UNITS
        and UNITS[unit][0] == UNITS[wanted][0]
        and isinstance(value, (int, float))
        and not isinstance(value, bool)
    )
