"""What goes to each sink, and of which alarms those for people were told.

Who was told of an alarm's start is told of its end, however the definition was edited meanwhile;
who was not hears of no end.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from flows.dataflow.merging import gathered
from flows.dataflow.plan import ALARMS, Outlet, Outputs
from flows.dataflow.shard_state import Notified, SinkState
from operators.columnar.lazy import as_list
from operators.events import AlarmTransition, Announced, Event
from operators.model.changes import AS_IT_IS, admitted, announced, as_announced

MOST_KEPT = 32
"""Of an alarm that was told as very many things, as so many are kept: the first and the last."""


class Outlets:
    """The ends of a graph, each with its sink's selection."""

    def __init__(self, outlets: Iterable[Outlet]) -> None:
        self._outlets = tuple(outlets)
        self._people = {
            one.name: Announcements(one) for one in self._outlets if one.form is not None
        }

    def give(self, made: Outputs) -> Outputs:
        """What goes to each sink of what one pass made."""
        outputs: Outputs = {}
        for outlet in self._outlets:
            events = gathered(made[name] for name in outlet.inputs if name in made)
            if not outlet.takes_columns:
                events = as_list(events)
            if outlet.form is not None:
                people = self._people[outlet.name]
                events = [*map(outlet.form, people.admit(events, made.get(ALARMS, ())))]
            elif outlet.only is not None:
                events = admitted(events, outlet.only)
            if events:
                outputs[outlet.name] = events
        return outputs

    def snapshot(self) -> dict[str, SinkState]:
        """What each sink for people was told."""
        return {name: people.snapshot() for name, people in self._people.items()}

    def restore(self, saved: Mapping[str, SinkState] | None, wall: float) -> None:
        """Take back what `snapshot` returned; None of versions that did not know it, at `wall`."""
        if saved is None:
            for people in self._people.values():
                people.since = wall
            return
        left = {one.like: one for name, one in saved.items() if name not in self._people}
        for name, people in self._people.items():
            state = saved.get(name) or left.pop(people.like, None)
            if state is not None:
                people.restore(state)


class Announcements:
    """The alarms that one sink for people was told of, and of no end yet."""

    def __init__(self, outlet: Outlet) -> None:
        self._only, self._drops_ends = outlet.only, outlet.drops_ends
        self.like = outlet.like
        self.since = -math.inf
        self._notified: dict[tuple[str, str], Notified] = {}

    def admit(self, events: list[Event], alarms: Sequence[Event]) -> list[Event]:
        """The events that are told, and ends among all `alarms` that came on no way any more.

        An end that a stream lets pass as no end, since it would not have told the start, is one
        here if this sink was told of the start.
        """
        ends = {
            event.id: event
            for event in alarms
            if isinstance(event, AlarmTransition) and event.annunciation == "end"
        }
        if AlarmTransition not in set(map(type, events)):
            out = events if self._only is None else admitted(events, self._only)
            return [*out, *self._missed(ends.values())] if self._notified else out
        came, missed, out = {event.id for event in events}, _Missed(), []
        for id, end in ends.items():
            if id not in came:
                missed[end.rule, end.subject].append(end)
        for event in events:
            if isinstance(event, AlarmTransition):
                out += self._missed(missed.before(event))
            if (told := self._told(event, ends)) is not None:
                out.append(told)
        return [*out, *self._missed(end for some in missed.values() for end in some)]

    def _missed(self, ends: Iterable[AlarmTransition]) -> list[Event]:
        """Of ends that came on no way those of what was told."""
        return [told for end in ends if (told := self._end(end, None)) is not None]

    def _told(self, event: Event, ends: Mapping[str, AlarmTransition]) -> Event | None:
        if isinstance(event, AlarmTransition) and event.id in ends:
            is_known = (event.rule, event.subject) in self._notified
            event = msgspec.structs.replace(event, annunciation="end") if is_known else event
        kept = self._passed(event)
        if not isinstance(event, AlarmTransition):
            return kept
        if event.annunciation == "end":
            return self._end(event, kept)
        if isinstance(kept, AlarmTransition) and kept.annunciation is not None:
            self._remember(kept)
        return kept

    def _passed(self, event: Event) -> Event | None:
        return event if self._only is None else next(iter(admitted([event], self._only)), None)

    def _remember(self, event: AlarmTransition) -> None:
        key = (event.rule, event.subject)
        before = self._notified[key].as_ if key in self._notified else ()
        now = announced_as(event)
        if now not in before:
            before = (*before, now)
        if len(before) > MOST_KEPT:
            before = (*before[: MOST_KEPT // 2], *before[-MOST_KEPT // 2 :])
        ends = not self._drops_ends and self._passed(_ended(event)) is not None
        self._notified[key] = Notified(*key, ends, before)

    def _end(self, event: AlarmTransition, kept: Event | None) -> Event | None:
        """The end as it is told; `kept` is as what the selection lets it pass."""
        one = self._notified.pop((event.rule, event.subject), None)
        passes = isinstance(kept, AlarmTransition) and kept.annunciation is not None
        if one is not None and (passes or one.ends):
            told = [announced(event, as_announced(event, then)) for then in one.as_]
            return msgspec.structs.replace(event, told=[] if told == [AS_IT_IS] else told)
        is_known = event.since is None or event.since > self.since
        if one is None and passes and is_known and self._chooses_starts(event):
            return self._passed(msgspec.structs.replace(event, annunciation=None, told=[]))
        return kept

    def _chooses_starts(self, event: AlarmTransition) -> bool:
        """Whether the start of an alarm would have been told here, had it come."""
        return any(
            self._passed(_begun(as_announced(event, one))) is not None
            for one in event.told or [AS_IT_IS]
        )

    def snapshot(self) -> SinkState:
        """What it was told."""
        return SinkState(self.like, self.since, list(self._notified.values()))

    def restore(self, state: SinkState) -> None:
        """Take back what `snapshot` returned."""
        self.since = state.since
        self._notified = {(one.rule, one.subject): one for one in state.notified}


class _Missed(defaultdict[tuple[str, str], list[AlarmTransition]]):
    """Ends that came on no way, by rule and subject."""

    def __init__(self) -> None:
        super().__init__(list)

    def before(self, event: AlarmTransition) -> list[AlarmTransition]:
        """Those of the same alarm before a change of it; they are given once."""
        ends = self.pop((event.rule, event.subject), [])
        if later := [end for end in ends if end.seq > event.seq]:
            self[event.rule, event.subject] = later
        return [end for end in ends if end.seq < event.seq]


def announced_as(event: AlarmTransition) -> Announced:
    """All that is told of an alarm by a change."""
    return Announced(**{name: getattr(event, name) for name in Announced.__struct_fields__})


def _ended(event: AlarmTransition) -> AlarmTransition:
    return msgspec.structs.replace(
        event, event="returned", change="returned", state="returned", annunciation="end",
        before=event.flags, flags=["unacked"],
    )  # fmt: skip


def _begun(event: AlarmTransition) -> AlarmTransition:
    return msgspec.structs.replace(
        event, event="activated", change="raised", state="unacked", annunciation="start",
        before=[], flags=["active", "unacked"], told=[],
    )  # fmt: skip
