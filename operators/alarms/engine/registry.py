"""The alarms that an engine holds: slots and states, made, found, updated and freed."""

import math
from collections.abc import Callable
from heapq import heappush
from typing import Any

from operators.alarms.engine import suppression
from operators.alarms.engine.fast_path import mode_of
from operators.alarms.engine.rule import Rule
from operators.alarms.engine.slot_store import SlotStore
from operators.alarms.engine.state import NEVER, SLOW, Mode, Slot, State
from operators.alarms.engine.timers import event_timers, wall_timers
from operators.alarms.engine.transition import Rejection, Transition
from operators.model.units import convert

STATES_KEPT = 1000
"""Up to so many subjects of a rule keep their full state; beyond, a subject to which nothing
ever happened keeps its slot only.
"""

Key = tuple[str, str]
Entry = tuple[float, int, int, str, str]
"""(deadline, kind, index, rule, subject) of a timer that may be due."""


class Registry:
    """Rules, and for each one its alarms by subject.

    Transitions and refused commands are handed to `on_transition` and `on_rejection` as they
    happen.
    """

    def __init__(
        self, rules: list[Rule] | None = None, run: str = "", converts: bool = False
    ) -> None:
        self.run = run
        self.rules: dict[str, Rule] = {}
        self.slots: dict[str, dict[str, Slot]] = {}
        self.tombs: dict[Key, tuple[int, int]] = {}
        self.counters: dict[str, int] = {}
        self.on_transition: Callable[[State, Transition], None] = lambda state, transition: None
        self.on_rejection: Callable[[Rejection], None] = lambda rejection: None
        self.on_count: Callable[[str], None] = lambda word: None
        self.on_open: Callable[[State, float], None] | None = None
        self.hidden_by: Callable[[State], set[str]] = lambda state: set()
        self.page_of: Callable[[State], str | None] = lambda state: None
        self.shown_anew: Callable[[State], bool] = lambda state: False
        self.on_raise: Callable[[State], Rule] | None = None
        self.states_kept = STATES_KEPT
        self.stores: dict[str, SlotStore] = {}
        self.converts = converts
        self.targets: dict[str, list[str]] = {}
        self._modes: dict[Mode, Mode] = {}
        self.event_heap: list[Entry] = []
        self.wall_heap: list[Entry] = []
        self.mark = self.wall_mark = NEVER
        self.ticks = 0
        self.created = 0
        for rule in rules or ():
            self.put_rule(rule)

    # ------------------------------------------------------------------------
    # alarms
    def state(self, rule: str, subject: str) -> State | None:
        """The state of an alarm, up to date; None for an unknown subject."""
        slot = self.slots.get(rule, {}).get(subject)
        return None if slot is None else self.load(rule, subject, slot)

    def open(
        self,
        rule_id: str,
        subject: str,
        at: float | None = None,
        rule: Rule | None = None,
        about: Any = None,
        time: float | None = None,
        wall: float = NEVER,
    ) -> State:
        """The state of an alarm, made if need be by an event of `time` that arrived at `at`.

        `rule` replaces the common rule for this subject; `wall` is when it is made.
        """
        slots = self.slots[rule_id]
        slot = slots.get(subject)
        if slot is not None:
            s = self.load(rule_id, subject, slot)
            if s.gone and time is not None:
                s.gone, s.rule = False, rule or self.rules[rule_id]
                self._inherit_inhibitors(s, at, time)
            return s
        slots[subject] = slot = Slot(about=about)
        self.stores[rule_id].add(subject)
        s = slot.state = self._new_state(rule or self.rules[rule_id], subject, slot)
        s.occ, s.seq = self.tombs.pop((rule_id, subject), (0, 0))
        s.wall = wall
        self._inherit_inhibitors(s, at, time)
        self.settle(s)
        return s

    def arm_new(self, s: State, t: float) -> None:
        """A new alarm learns whether it is armed at all."""
        if s.rule.schedule is not None:
            suppression.follow_schedule(self, s, t)
        if self.on_open is not None:
            self.on_open(s, t)

    def _new_state(self, rule: Rule, subject: str, slot: Slot) -> State:
        s = State(rule, subject, slot)
        self.created += 1
        s.index, s.born = self.created, self.ticks
        return s

    def _inherit_inhibitors(self, s: State, at: float | None, time: float | None) -> None:
        outside = self.hidden_by(s)
        for source in s.rule.suppress_when:
            other = self.state(source, s.subject) if source in self.rules else None
            if other is not None and other.active and not other.oos:
                suppression.inhibit(
                    self, s, source, True, other.clock if at is None else max(at, other.clock)
                )
            elif source in outside and time is not None:
                suppression.inhibit(self, s, source, True, time)

    def load(self, rule_id: str, subject: str, slot: Slot, rule: Rule | None = None) -> State:
        """Bring a state up to what fast path and ticks did; `rule` is for a slot without state."""
        self.stores[rule_id].load(subject, slot)
        s = slot.state
        if s is None:
            s = slot.state = self._new_state(rule or self.rules[rule_id], subject, slot)
            s.born = 0
            s.levels = (False,) * len(s.rule.levels)
            s.seen_unit = slot.mode[3]
            s.unit = s.rule.unit or s.seen_unit
            if s.rule.watches_silence:
                s.armed_event = slot.ts + s.rule.expect
        if slot.ts > s.synced:
            s.synced = s.last_ts = s.last_good = slot.ts
            s.bad = False
            s.ids = (slot.id,) if slot.id is not None else ()
            s.evidence = (slot.id, slot.ts)
            s.last_value = self._in_rule_unit(s, slot.value, s.seen_unit)
            if slot.ts > s.clock:
                s.clock = slot.ts
            wall = slot.ts if self.run else slot.wall
            if wall > s.wall:
                s.wall = wall
        if self.ticks > s.born:
            if self.mark > s.clock:
                s.clock = self.mark
            if self.wall_mark > s.wall:
                s.wall = self.wall_mark
        return s

    def _in_rule_unit(self, s: State, value: Any, unit: str | None) -> Any:
        wanted = s.rule.unit
        if unit is None or wanted is None or unit == wanted or not isinstance(value, (int, float)):
            return value
        return convert(value, unit, wanted)

    def settle(self, s: State) -> None:
        """Arm the timers after a change, set the slot's mode, free a state that says nothing."""
        slot, slots = s.slot, self.slots[s.rule.id]
        due = min(event_timers(s), default=None)
        if due is not None and due[0] < s.armed_event:
            s.armed_event = due[0]
            heappush(self.event_heap, (*due, s.index, s.rule.id, s.subject))
        due = min(wall_timers(s), default=None)
        if due is not None and due[0] < s.armed_wall:
            s.armed_wall = due[0]
            heappush(self.wall_heap, (*due, s.index, s.rule.id, s.subject))
        s.synced = slot.ts = s.last_ts if s.last_ts > s.clock else s.clock
        slot.wall = s.wall
        mode = mode_of(s, slot.ts)
        slot.mode = self.shared_mode(mode)
        if len(slots) > self.states_kept and mode is not SLOW and self._is_idle(s):
            slot.id = s.ids[0] if s.ids else None
            slot.state = None
            for word, n in s.counters.items():
                self.counters[word] = self.counters.get(word, 0) + n
        self.stores[s.rule.id].store(s.subject, slot)

    def shared_mode(self, mode: Mode) -> Mode:
        """One object for equal modes without a deadline, so that slots stay small."""
        return mode if -math.inf < mode[2] < math.inf else self._modes.setdefault(mode, mode)

    def _is_idle(self, s: State) -> bool:
        """Whether the slot alone can stand for the state."""
        return (
            s.clock == s.last_ts == s.last_good
            and s.clock >= self.mark
            and s.wall >= self.wall_mark
            and s.last_value is not None
            and len(s.ids) <= 1
            and s.evidence == (s.ids[0] if s.ids else None, s.last_ts)
            and s.unit == (s.rule.unit or s.seen_unit)
            and s.rule is self.rules[s.rule.id]
            and not any(s.levels)
            and s.is_pristine()
        )

    def put_rule(self, rule: Rule) -> None:
        """Add or replace a rule."""
        self.rules[rule.id] = rule
        if rule.id not in self.slots:
            self.slots[rule.id], self.stores[rule.id] = {}, SlotStore()
        self.index_targets()

    def forget_idle(self, before: float) -> int:
        """Free normal alarms without a reading since `before`; return how many.

        Their numbers are kept. What waits for data, or is masked in any way, stays.
        """
        freed = 0
        for rule_id, slots in self.slots.items():
            if self.rules[rule_id].watches_silence:
                continue
            store = self.stores[rule_id]
            times = store.times(slots)
            for subject in [
                subject for subject, ts in zip(slots, times, strict=True) if ts < before
            ]:
                s = slots[subject].state
                if s is None or _is_at_rest(s):
                    freed += 1
                    del slots[subject]
                    store.drop(subject)
                    if s is not None and s.seq:
                        self.tombs[rule_id, subject] = (s.occ, s.seq)
            store.tidy()
        return freed

    def forget_rule(self, rule_id: str) -> None:
        """Take a rule out that has no alarms any more."""
        if self.rules.pop(rule_id, None) is not None:
            del self.slots[rule_id], self.stores[rule_id]
        self.index_targets()

    def index_targets(self) -> None:
        """Find the rules that each rule hides."""
        self.targets = {}
        for rule in self.rules.values():
            for source in rule.suppress_when:
                self.targets.setdefault(source, []).append(rule.id)

    def count(self, state: State, word: str) -> None:
        """Count something that was refused or left alone, with its alarm."""
        state.counters[word] = state.counters.get(word, 0) + 1
        self.on_count(word)

    def rule_when_raised(self, state: State) -> Rule:
        """The rule under which an alarm is raised now; only its severity may differ from before."""
        return state.rule if self.on_raise is None else self.on_raise(state)

    def out(self, state: State, transition: Transition) -> None:
        """Hand a transition out."""
        raise NotImplementedError


def _is_at_rest(s: State) -> bool:
    return (
        s.isa() == "A"
        and s.phase == "normal"
        and not s.no_data
        and not s.edge
        and s.rule.expect is None
    )
