"""The step `mode`: lets events through only in some modes of operation."""

import math
from typing import Any, ClassVar

import msgspec
from pydantic import Field

from operators.component import Due, Now, Operator, StepContext
from operators.events import AlarmTransition, Event, Reading
from operators.model.fields import field, signal_of, text, value_of
from operators.model.units import Some
from operators.stateful.roles import RoleLogic

FORGET = 7 * 86400.0
MOST_GROUPS = 10_000


class Mode(Operator):
    """Passes events only while a mode switch stands at one of `passes`, such as `surveillance`.

    The stream's `from` names the roles; the events of `role` are those of the switch, the
    others are let through or dropped, and counted as `other_mode`. The mode is kept through
    restarts until the switch says another; `start` is the mode before it has said anything.
    With `same` there is a mode for each place. The `off` of a two-state signal whose `on`
    passed also passes in any mode, so that nothing stays on for ever; so does the end of an
    alarm whose start passed. To arm an alarm by a mode, and see in its history that it was
    suppressed, use `armed: {while: ...}` on a stream `threshold: {is: surveillance}` of the
    switch instead.
    """

    NAME: ClassVar[str] = "mode"
    STATEFUL: ClassVar[bool] = True
    CROSS_SUBJECT: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "mode: {role: switch, passes: surveillance, start: surveillance}",
        "mode: {role: switch, field: data.mode, passes: [night, away], same: label.area}",
    )

    role: str = Field(
        "mode", min_length=1, description="The role whose events say the mode.", examples=["switch"]
    )
    field: str = Field(
        "value",
        min_length=1,
        description="The field of those events that holds it.",
        examples=["data.mode"],
    )
    passes: Some = Field(
        min_length=1, description="The modes in which events pass.", examples=["surveillance"]
    )
    start: str | None = Field(
        None, description="The mode at first; nothing passes when left out.", examples=["active"]
    )
    same: Some | None = Field(
        None,
        min_length=1,
        description="The field or fields that tell places apart.",
        examples=["label.area"],
    )

    def placeholders(self) -> list[str]:
        """Names of the fields that it reads."""
        return [self.field, *self.group_fields()]

    def group_fields(self) -> list[str]:
        """Return the names of the fields of `same`."""
        return [self.same] if isinstance(self.same, str) else list(self.same or ())

    def logic(self, context: StepContext) -> "ModeLogic":
        """Make the step's logic for one shard."""
        return ModeLogic(self, context)


class ModeLogic(RoleLogic):
    """State is the mode of each group, and when the `on` of signals, the start of alarms passed.

    Up to version 1 it did not know which alarms had passed; of those that began before `_knows`
    an end passes as everything does.
    """

    VERSION: ClassVar[int] = 2

    def __init__(self, settings: Mode, context: StepContext) -> None:
        super().__init__()
        self._settings = settings
        self._passes = frozenset(
            [settings.passes] if isinstance(settings.passes, str) else settings.passes
        )
        self._group_fields = settings.group_fields()
        self._modes: dict[tuple[str, ...], tuple[float, str]] = {}
        self._on: dict[tuple[str, str], float] = {}
        self._alarms: set[tuple[str, str]] = set()
        self._knows: float | None = -math.inf

    def take(self, role: str, event: Event, out: list[Event]) -> None:
        """Take one event of a role."""
        group = tuple(text(field(event, name)) for name in self._group_fields)
        if role == self._settings.role:
            self._switch(group, event)
            return
        mode = self._modes.get(group, (0.0, self._settings.start))[1]
        state = event.value if isinstance(event, Reading) else None
        if isinstance(event, AlarmTransition):
            self._take_alarm(event, mode in self._passes, out)
            return
        key = signal_of(event)
        if mode in self._passes:
            if state == 1.0:
                self._on[key] = event.time
            elif state == 0.0:
                self._on.pop(key, None)
            out.append(event)
        elif state == 0.0 and self._on.pop(key, None) is not None:
            out.append(event)
        else:
            self.count("other_mode")

    def _take_alarm(self, event: AlarmTransition, passes: bool, out: list[Event]) -> None:
        """Who is told of a start is told of what becomes of it; who is not hears of no end."""
        key = (event.subject, event.rule)
        if self._knows is None:
            self._knows = event.time
        if event.annunciation in ("start", "again") and passes:
            self._alarms.add(key)
        elif event.annunciation == "end":
            if key in self._alarms:
                self._alarms.remove(key)
                passes = True
            elif passes and (event.since is None or event.since >= self._knows):
                event = msgspec.structs.replace(event, annunciation=None, told=[])
        elif event.annunciation is None:
            passes = passes or key in self._alarms
        if passes:
            out.append(event)
        else:
            self.count("other_mode")

    def _switch(self, group: tuple[str, ...], event: Event) -> None:
        name = self._settings.field
        found = value_of(event) if name == "value" else field(event, name)
        if found is None:
            self.count("not_data")
        elif group not in self._modes and len(self._modes) >= MOST_GROUPS:
            self.count("crowded")
        elif event.time >= self._modes.get(group, (-math.inf, ""))[0]:
            self._modes[group] = (event.time, text(found))
        else:
            self.late.append(event)

    def on_due(self, now: Now, out: list[Event]) -> None:
        """Do what is due at `now`."""
        for key in [key for key, time in self._on.items() if time + FORGET <= now.event]:
            del self._on[key]
            self.count("forgotten")

    def deadline(self) -> Due:
        """Return when something is due next."""
        return Due(event=min(self._on.values()) + FORGET if self._on else math.inf)

    def snapshot(self) -> object:
        """Return the state as plain data."""
        return dict(self._modes), dict(self._on), sorted(self._alarms), self._knows

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned."""
        modes, on, *more = state
        alarms, self._knows = more or ((), None)
        self._modes, self._on = dict(modes), dict(on)
        self._alarms = {(subject, rule) for subject, rule in alarms}
