"""Taking over partitions that several processes read, each as far as it had come."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from connectors.kafka.admin import partition_of
from connectors.kafka.log.position import Position
from connectors.kafka.packing import key_of
from flows.dataflow.merging import by_time, with_arrivals
from flows.dataflow.plan import COMMANDS
from flows.dataflow.shard_state import SavedBatch
from flows.runtime.saved_state.compatibility import StateLayout
from flows.runtime.saved_state.envelope import wrap_position
from flows.runtime.saved_state.states import States
from operators.events import Event
from operators.model.saved_state import decode, encode

Place = tuple[str, str]
"""A source and its partition."""


@dataclass
class _Reading:
    """How far the shards of one store had come in a partition."""

    states: States
    position: Position
    shards: list[str] = field(default_factory=list)

    def taken(self, place: Place) -> dict[str, int]:
        """The offset up to which each shard has taken what the partition holds."""
        ahead = self.states.ahead.get(place, {})
        return {shard: max(self.position.offset, ahead.get(shard, 0)) for shard in self.shards}


def take_shared(
    taken: States,
    by_shard: Mapping[str, States],
    told: Mapping[Place, Position],
    layout: StateLayout,
) -> None:
    """Put into `taken` where partitions are read on that the shards had read to several offsets.

    `by_shard` are the states that each shard comes from, `told` where the partitions begin that
    hold subjects of several processes. Reading goes on at the least position; each shard leaves out
    what it had taken. Shards of a process that ended before it saved anything of a source begin
    where a new flow does.
    """
    stores = {id(states): states for states in by_shard.values()}
    for place in {place for states in stores.values() for place in states.positions} | told.keys():
        if place[0] == COMMANDS:
            continue
        if len(stores) == 1 and (states := next(iter(stores.values()))).positions.get(place):
            _copy(taken, place, states)
            continue
        readings: dict[int, _Reading] = {}
        for shard, states in by_shard.items():
            position = _reached(states, place, layout) or told.get(place)
            if position is not None:
                readings.setdefault(id(states), _Reading(states, position)).shards.append(shard)
        if readings:
            _merge(taken, place, list(readings.values()), layout.count)


def _reached(states: States, place: Place, layout: StateLayout) -> Position | None:
    """Where a process reads a partition on, as far as its state says."""
    saved, source = states.position(*place), place[0]
    if saved is not None:
        return Position.parse(saved)
    return Position(0) if source in layout.begin_early and not states.knows(source) else None


def _copy(taken: States, place: Place, states: States) -> None:
    taken.positions[place] = states.positions[place]
    if place in states.waiting:
        taken.waiting[place] = states.waiting[place]
    if place in states.ahead:
        taken.ahead[place] = states.ahead[place]


def _merge(taken: States, place: Place, readings: list[_Reading], count: int) -> None:
    least = min((one.position for one in readings), key=lambda position: position.offset)
    taken.positions[place] = wrap_position(least)
    reached = {shard: at for one in readings for shard, at in one.taken(place).items()}
    taken.ahead[place] = {shard: at for shard, at in reached.items() if at > least.offset}
    waiting = _merged(place, readings, count)
    taken.waiting.pop(place, None)
    if waiting is not None:
        taken.waiting[place] = waiting


def _merged(place: Place, found: Iterable[_Reading], count: int) -> bytes | None:
    """What waited in each store for its shards, as one batch in the order of time."""
    waited: list[tuple[list[Event], float]] = []
    for reading in found:
        if (batch := reading.states.waiting.get(place)) is None:
            continue
        events, wall, _, _, _, _, arrivals = decode(batch, SavedBatch)
        given = with_arrivals(events, arrivals or ((len(events), wall),))
        mine = [one for one in given if str(partition_of(key_of(one[0]), count)) in reading.shards]
        if mine:
            waited.append(([event for event, _ in mine], max(at for _, at in mine)))
    if not waited:
        return None
    [(_, together)] = by_time([(None, events) for events, _ in waited])
    wall = max(at for _, at in waited)
    saved: SavedBatch = (list(together), wall, False, False, None, False, ((len(together), wall),))
    return encode(saved)
