"""The logic of an alarm in a flow: events in, transitions out, for `when` and for `rules`."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from operators.alarms.abouts import Abouts
from operators.alarms.arming import Arming
from operators.alarms.command_handler import COMMAND, CommandHandler
from operators.alarms.engine import suppression
from operators.alarms.engine.machine import Engine
from operators.alarms.engine.registry import Key
from operators.alarms.engine.revision import remask
from operators.alarms.engine.rule import Rule
from operators.alarms.engine.snapshot import restore, snapshot
from operators.alarms.engine.state import About, Slot, State
from operators.alarms.engine.suppression import SCHEDULE_SOURCE, WHILE_SOURCE
from operators.alarms.engine.transition import Transition
from operators.alarms.hiding import Hiding, Member, differ, renamed
from operators.alarms.present_states import is_standing, standing_of, states_of
from operators.alarms.rule_builder import Definition
from operators.alarms.saved_labels import given_labels, label_anew
from operators.alarms.settings import Alarm
from operators.alarms.transition_events import Renderer
from operators.columnar.lazy import LazyEvents, as_list
from operators.component import Due, Logic, Now, StepContext
from operators.events import Event, Occurrence, Reading
from operators.model.condition import Column
from operators.model.fields import number_of

FORGET_AFTER = 7 * 86_400.0
"""A subject in state normal is freed after so long without an event, unless its silence counts."""
SWEEP_EVERY = 86_400.0
_NOTHING: About = (None, {})


class AlarmLogic(Logic):
    """Alarms of one `alarms:` entry for one shard.

    Events of the streams it watches come through `on_batch`. Through `on_role` come, each under its
    own role: `suppressed_by` transitions of other alarms, `armed` readings of the stream that arms
    it, `rules` rows of rules, `commands` what people ask for, `commands_elsewhere` the same where
    another shard answers for unknown subjects.
    `answers` to commands are occurrences `alarm_accepted` and `alarm_rejected`; `replies` keeps the
    latest refusals. Up to version 1 of what people were told only the severity was kept.
    """

    VERSION: ClassVar[int] = 2

    def __init__(self, alarm: Alarm, context: StepContext) -> None:
        super().__init__()
        self.alarm, self.context = alarm, context
        self.name = context.name or context.step.rpartition("/")[2]
        self.definition = Definition(alarm, context.step, context)
        self.commands = CommandHandler(context, self.name, self.count)
        self._hiding = Hiding(alarm.hiders, self.definition.cell)
        self._by_label = self._hiding.matches or isinstance(alarm.page, Column)
        self._hiders: dict[str, AlarmLogic] = {}
        self._hides_by = set[str]()
        self._stood: list[Member] = []
        self._arming = Arming(alarm.armed.while_ if alarm.armed else None, context.arming)
        self._started, self._edited, self._reshown = False, True, False
        self._moved: dict[Key, bool] = {}
        self.engine = self._new_engine()
        self.replies, self.answers = self.commands.refused, self.commands.answers
        self._only = alarm.only.matcher() if alarm.only else None
        self._renderer = Renderer(self.name, alarm.response, alarm.message, context.run or None)
        self._renamed = renamed(context.renamed)
        self._out: list[Event] = []
        self._wall = self._clock = self._newest = -math.inf
        self._abouts = Abouts()
        self._sweep = math.inf

    def _new_engine(self) -> Engine:
        engine = self.commands.engine = Engine(run=self.context.run, converts=True)
        engine.on_transition = self._transition
        engine.on_rejection = self.commands.refuse
        engine.on_count = self.count
        engine.page_of = self.page_of
        engine.hidden_by = lambda s: self._hiding.of(s.subject, s.slot.about)
        engine.shown_anew = lambda s: self._reshown or self.has_moved(s)
        if self._arming.by is not None:
            engine.on_open = self._arm_new
        return engine

    # ------------------------------------------------------------------------
    # events
    def on_batch(self, events: Sequence[Event], now: Now) -> list[Event]:
        """Take readings and commands; return transitions."""
        at = self._begin(now)
        given = () if isinstance(events, LazyEvents) else events  # columns are readings
        commands: list[Event] = [e for e in given if type(e) is Occurrence and e.type == COMMAND]
        if commands:
            self.commands.take(commands, at)
            events = [e for e in events if type(e) is not Occurrence or e.type != COMMAND]
        if self._only is not None:
            events = list(filter(self._only, events))
        self.take(events, at)
        return self._end()

    def on_role(self, role: str, events: Sequence[Event], now: Now) -> list[Event]:
        """Take hiding alarms, the arming stream, rules or commands."""
        act = {
            "suppressed_by": self._suppressed_by, "armed": self._arm, "rules": self.take_rules,
            "commands": self.commands.take, "commands_elsewhere": self.commands.take_known,
        }.get(role)  # fmt: skip
        if act is None:
            return self.on_batch(events, now)
        act(as_list(events), self._begin(now))
        return self._end()

    def on_command(self, command: Mapping[str, Any], now: Now) -> list[Event]:
        """Carry out one command: `do`, `alarm` or `rule`, `subject`, and what the command needs.

        Without `subject` it is for all.
        """
        self.commands.command(command, self._begin(now))
        return self._end()

    def on_time(self, now: Now) -> list[Event]:
        """Fire the timers that are due."""
        at = self._begin(now)
        self._newest = max(self._newest, now.event + self.context.patience)
        self.engine.tick(at, now.event if now.event > -math.inf else None)
        return self._end()

    def next_time(self) -> Due:
        """The next deadline on each clock."""
        if not self._started:
            return Due(wall=-math.inf)
        event, wall = self.engine.next_due()
        return Due(event, wall)

    def _begin(self, now: Now) -> float:
        self._wall = max(self._wall, now.wall)
        self._clock = now.event if now.event > -math.inf else self._wall
        self._newest = max(self._newest, now.before + self.context.patience)
        if not self._started:
            self._started = True
            self._sweep = self._clock + SWEEP_EVERY
            if self._edited:
                for name, hider in self._hiders.items():
                    self._hiding.follow(name, hider.stood())
            self.start(self._wall, self._clock)
            self._edited, self._stood = False, standing_of(self.engine)
            self._reshown, self._moved = False, {}
        elif self._clock >= self._sweep:
            self._sweep = self._clock + SWEEP_EVERY
            if freed := self.engine.forget_idle(self._clock - FORGET_AFTER):
                self.count("forgotten", freed)
        return self._wall

    def _end(self) -> list[Event]:
        out, self._out = self._out, []
        return out

    def start(self, at: float, clock: float) -> None:
        """The first time the clocks are known."""

    def take(self, events: Sequence[Event], at: float) -> None:
        """Take events that the alarm watches."""
        raise NotImplementedError

    def take_rules(self, events: list[Event], at: float) -> None:
        """Take rows of rules."""
        raise NotImplementedError

    def take_unchanged(self, rule_id: str, slot: Slot, e: Any, at: float) -> bool:
        """Take a reading that changes nothing but what was last read; False for any other event."""
        rule = self.engine.rules[rule_id]
        if type(e) is not Reading or rule.pulse is not None or slot.about is None:
            return False
        low, high, due, unit = slot.mode
        time, value, last = e.time, e.value, slot.ts
        if (
            value is None
            or time < self.slow_before(rule)
            or not low <= value <= high
            or not last < time < due
            or not self.engine.mark <= time <= at + rule.max_future
            or e.unit != unit
            or e.quality != "good"
            or slot.about[0] != e.metric
            or (self.definition.varies and slot.about[1] != e.labels)
            or (rule.watches_silence and time - last > rule.expect)
        ):
            return False
        slot.ts, slot.id, slot.value, slot.wall = time, e.id, value, at
        if slot.about[1] != e.labels:
            self.relabel(rule_id, slot, e, at)
        return True

    def judge(
        self, rule_id: str, event: Any, at: float, rule: Rule | None = None, presence: bool = False
    ) -> None:
        """Let the engine look at an event fully."""
        quality = getattr(event, "quality", "good")
        value: Any
        if presence and (rule or self.engine.rules[rule_id]).levels:
            value = True
        else:
            value = number_of(event)
            if value is None:
                value = getattr(event, "text", None)
            if value is None and presence:
                value = True
        unit = getattr(event, "unit", None)
        subject, at = event.subject, self._arrival(event, at)
        about = self._abouts.of(event)
        slot = self.engine.slots[rule_id].get(subject)
        labelled = slot is not None and self._by_label and about != slot.about
        if slot is not None and labelled and self.is_taken(rule_id, slot, event, at):
            self.relabel(rule_id, slot, event, at)
        is_slow = event.time < self.slow_before(rule or self.engine.rules[rule_id])
        heard = self._newest - self.context.patience if is_slow else -math.inf
        self.engine.reading(
            rule_id, subject, at, event.time, value, event.id, quality, unit, rule, about, heard
        )

    def is_taken(self, rule_id: str, slot: Slot, event: Any, at: float) -> bool:
        """Whether what an event says is taken: it is neither late, nor known, nor of the future."""
        s = self.engine.load(rule_id, event.subject, slot)
        return s.refusal(event.time, event.id, self._arrival(event, at)) is None

    def slow_before(self, rule: Rule) -> float:
        """The time before which a device's clock is slow: where silence counts, it is heard now."""
        return self._newest - self.context.slowness if rule.watches_silence else -math.inf

    def _arrival(self, event: Any, at: float) -> float:
        """When an event of a batch that arrived at `at` arrived itself; replays know it."""
        return float(event.time) if self.engine.run else at

    # ------------------------------------------------------------------------
    # suppression
    def _suppressed_by(self, events: list[Event], at: float) -> None:
        """Transitions of the alarms that suppress this one."""
        for event in events:
            for edge in self._hiding.take(event):
                for rule_id, slots in self.engine.slots.items():
                    for subject in self._hiding.hidden(edge, slots):
                        self.engine.inhibit(
                            rule_id, subject, self._arrival(event, at), edge.hider, edge.on,
                            event.time,
                        )  # fmt: skip

    def relabel(
        self, rule_id: str, slot: Slot, event: Any, at: float, rule: Rule | None = None
    ) -> None:
        """Take what a reading says of its subject, and by which `rule` it is judged from now on.

        Labels may name what hides it, what it hides, or a page.
        """
        before, slot.about = slot.about, self._abouts.of(event)
        if self._hiding.matches:
            self._follow_hiders(rule_id, event, at)
        hides = is_standing(slot) and differ(self._hides_by, before, slot.about)
        if slot.state is not None and (rule or hides or isinstance(self.alarm.page, Column)):
            arrival = self._arrival(event, at)
            self.engine.follow(rule_id, event.subject, arrival, event.time, rule, hides)

    def _follow_hiders(self, rule_id: str, event: Any, at: float) -> None:
        s = self.engine.state(rule_id, event.subject)
        if s is None:
            return
        hiders = self._hiding.of(s.subject, s.slot.about)
        for name in self.alarm.hiders:
            if (on := name in hiders) != (name in s.inhibitors):
                time = self._arrival(event, at)
                self.engine.inhibit(rule_id, s.subject, time, name, on, event.time)

    def hidden_by(self, name: str, other: "AlarmLogic") -> None:
        """Name an alarm of this shard that hides this one, which is asked after an edit."""
        self._hiders[name] = other
        if column := self.alarm.hiders[name]:
            other._hides_by.add(column)
            other._by_label = True

    def knows(self, subject: str) -> bool:
        """Whether there is an alarm of a subject, in whatever state."""
        return any(subject in slots for slots in self.engine.slots.values())

    def stood(self) -> list[Member]:
        """The alarms that hid others at the start; what its first batch changed is told later."""
        return self._stood

    def follow_masks(self, s: State, old: Rule, t: float) -> None:
        """Hide an alarm by what hides it under the present definition; it had the rule `old`."""
        sources = self._hiding.of(s.subject, s.slot.about)
        if self._arming.is_closed(s.subject):
            sources.add(WHILE_SOURCE)
        s.edge, schedule = None, s.rule.schedule
        if schedule is not None:
            edge = schedule.next_edge(t)
            s.edge = None if math.isinf(edge) else edge
            if not schedule.armed(t):
                sources.add(SCHEDULE_SOURCE)
        remask(self.engine, s, sources, self._hold(s, old), t)

    def _hold(self, s: State, old: Rule) -> float | None:
        """Until when a hiding alarm that is over still hides, under the present definition."""
        s.held_by = s.held_by and self._renamed(s.held_by)
        if s.hold_until is None or not s.rule.suppress_hold:
            return None
        if s.held_by is not None and s.held_by not in self.alarm.hiders:
            return None
        return s.hold_until + float(s.rule.suppress_hold - old.suppress_hold)

    def _arm(self, events: list[Event], at: float) -> None:
        """Readings of the stream that arms the alarm."""
        for event in events:
            if refused := self._arming.take(event):
                self.count(refused)
                continue
            subject = getattr(event, "subject", "")
            for rule_id, slots in self.engine.slots.items():
                for name in list(slots):
                    if name == subject or not self._arming.has(name):
                        self._set_armed(rule_id, name, self._arrival(event, at), event.time)

    def _set_armed(self, rule_id: str, subject: str, at: float, time: float) -> None:
        closed = self._arming.is_closed(subject)
        s = self.engine.state(rule_id, subject)
        if s is not None and closed != (WHILE_SOURCE in s.inhibitors):
            self.engine.inhibit(rule_id, subject, at, WHILE_SOURCE, closed, time)

    def _arm_new(self, s: State, t: float) -> None:
        if self._arming.is_closed(s.subject):
            suppression.inhibit(self.engine, s, WHILE_SOURCE, True, t)

    # ------------------------------------------------------------------------
    # outputs
    def _transition(self, state: State, transition: Transition) -> None:
        self._out.append(self._renderer.event(state, transition, state.slot.about or _NOTHING))

    def page_of(self, state: State) -> str | None:
        """The page of an alarm, which may be named by a column."""
        page = self.alarm.page
        if not isinstance(page, Column):
            return page
        cell = self.definition.cell(page.column, state.subject, (state.slot.about or _NOTHING)[1])
        return cell if cell is not None else page.default

    def states(self) -> dict[str, str]:
        """The state of each subject: normal, unacked, …; the most urgent of several rules."""
        return states_of(self.engine)

    # ------------------------------------------------------------------------
    # snapshot
    def snapshot(self) -> object:
        """Return the engine, hiding alarms, gates and what subclasses add, as plain data."""
        return {
            "engine": snapshot(self.engine),
            "name": self.name,
            **self.definition.saved(),
            "given": given_labels(self.engine, self.definition.above),
            "hiding": self._hiding.snapshot(),
            "retired": sorted(self.retired()),
            "newest": self._newest,
            **self._arming.snapshot(),
            **self.more_state(),
        }

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        if version > self.VERSION:
            found, known = f"state of alarm {self.name!r} has version {version}", self.VERSION
            raise ValueError(f"the {found}; this release reads {known}")
        self.engine = self._new_engine()
        restore(self.engine, state["engine"], self.definition.made)
        self._hiding.restore(state["hiding"], self._renamed)
        is_armed_anew = self._arming.restore(state, self._renamed)
        self.commands.retired = set(state.get("retired", ()))
        same = self.definition.compared(state)
        self._started, self._reshown = False, not same["shown"]
        self._edited = is_armed_anew or not all(same.values())
        if not same["above"]:
            self._moved = label_anew(self.engine, self.definition, state.get("given", {}))
        self._newest = state.get("newest", -math.inf)
        self.take_more_state(state)

    def has_moved(self, s: State) -> bool:
        """Whether an edit gave an alarm other labels."""
        return self._moved.get((s.rule.id, s.subject), False)

    def selects(self, s: State) -> bool:
        """Whether the last reading of an alarm would come here now, as far as that is known."""
        comes = self._moved.get((s.rule.id, s.subject), True)
        return comes and self.definition.selects(s.subject, s.slot.about, s.seen_unit)

    def retired(self) -> set[str]:
        """Subjects that people took out, and that have not spoken since."""
        self.commands.retired = {one for one in self.commands.retired if not self.knows(one)}
        return self.commands.retired

    def more_state(self) -> dict[str, Any]:
        """What a subclass saves beside the engine."""
        return {}

    def take_more_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `more_state` gave."""
