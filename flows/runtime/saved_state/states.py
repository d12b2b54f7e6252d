"""The saved states of one process: source positions, shards and figures of its alarms."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from connectors.kafka.in_flight import CARRIED
from connectors.kafka.log.position import Position
from flows.dataflow.compiler import ALARM_SINK
from flows.dataflow.shard_state import SavedBatch
from flows.runtime.saved_state import input_state
from flows.runtime.saved_state.envelope import (
    FORMAT,
    check_format,
    unwrap,
    unwrap_position,
    wrap,
    wrap_position,
)
from flows.runtime.saved_state.input_state import INPUT, InputState
from operators.model.saved_state import decode, encode

FIGURES = f"sink_{ALARM_SINK}"
"""The step of the dataflow that keeps the figures of the alarms, of all shards of a process
(`flows.runtime.alarm_metrics`).
"""


@dataclass
class States:
    """Positions by source and partition, states and figures of the alarms by shard: envelopes.

    `waiting` is what was read before a position and waits, encoded.
    """

    positions: dict[tuple[str, str], bytes] = field(default_factory=dict)
    shards: dict[str, bytes] = field(default_factory=dict)
    figures: dict[str, bytes] = field(default_factory=dict)
    waiting: dict[tuple[str, str], bytes] = field(default_factory=dict)
    records: dict[str, list[Any]] = field(default_factory=dict)
    """What sinks had not written yet (`connectors.kafka.in_flight`), by sink."""
    ahead: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    """Of a partition that several processes read: shards that had taken more than its position
    says, each with the offset up to which."""

    def add(self, step: str, key: str, state: bytes) -> None:
        """Put in the state that a step of the dataflow keeps under a key.

        `step` is such as `input_readings`; states of steps that are not taken over are left out.
        Raises ValueError if `state` is no envelope.
        """
        if step.startswith(INPUT):
            self._add_input(step.removeprefix(INPUT), input_state.load(state))
        elif step.startswith("source_"):
            self.positions[step.removeprefix("source_"), key] = state
        elif step.partition(".")[0] == "graph":
            self.shards[key] = state
        elif step.startswith("sink_"):
            self._add_sink(step.partition(".")[0], decode(unwrap(state, "sink")) or {})

    def _add_sink(self, step: str, kept: Any) -> None:
        self.records[step.removeprefix("sink_")] = list(kept.get(CARRIED, ()))
        if step == FIGURES:
            for shard, figures in kept.get("shards", {}).items():
                self.figures[shard] = wrap("sink", encode(figures))

    def _add_input(self, source: str, state: InputState) -> None:
        for place in [place for place in self.positions if place[0] == source]:
            del self.positions[place]  # of a partition that is not read any more
        for part, position in state.positions.items():
            self.positions[source, part] = wrap_position(position)
            self.waiting.pop((source, part), None)
        for part, batch in state.waiting:
            self.waiting[source, part] = encode(batch)

    def input(self, source: str) -> InputState:
        """Where the partitions of a source are read on, and what waits of them."""
        positions = {
            part: self.position(name, part) for name, part in self.positions if name == source
        }
        waiting = [
            (part, decode(batch, SavedBatch))
            for (name, part), batch in self.waiting.items()
            if name == source
        ]
        return InputState(positions, waiting)

    def position(self, source: str, part: str) -> Any:
        """The position of a source partition, None where none is known."""
        found = self.positions.get((source, part))
        return None if found is None else unwrap_position(found)

    def shard(self, shard: str) -> bytes | None:
        """The state of a shard in its envelope, None where none is known."""
        return self.shards.get(shard)

    def ahead_of(self, shard: str) -> dict[str, int]:
        """Offsets before which a shard has taken what is read, by `SOURCE:PARTITION`."""
        return {
            f"{source}:{part}": offsets[shard]
            for (source, part), offsets in self.ahead.items()
            if shard in offsets
        }

    def carried(self, sink: str) -> Any:
        """What a sink had not written yet, None if that is nothing."""
        records = self.records.get(sink)
        return {CARRIED: records} if records else None

    def figures_by_shard(self) -> dict[str, Any]:
        """The figures of the alarms as plain data."""
        return {shard: decode(unwrap(kept, "sink")) for shard, kept in self.figures.items()}

    def keep_earliest(self, other: "States", source: str, part: str) -> None:
        """Take a position that all shards share from another store if it is behind the one here."""
        mine, theirs = self.position(source, part), other.position(source, part)
        if theirs is not None and (mine is None or _offset(theirs) < _offset(mine)):
            self.positions[source, part] = other.positions[source, part]

    def knows(self, source: str) -> bool:
        """Whether any partition of the source has a position, so that one without is new."""
        return any(
            name == source and self.position(name, part) is not None
            for name, part in self.positions
        )


def _offset(position: Any) -> int:
    return Position.parse(position).offset


class _File(msgspec.Struct, frozen=True):
    format: int
    positions: list[tuple[str, str, bytes]]
    shards: dict[str, bytes]
    figures: dict[str, bytes]
    records: dict[str, list[Any]] = {}
    waiting: list[tuple[str, str, bytes]] = []
    ahead: list[tuple[str, str, dict[str, int]]] = []


def dump(states: States) -> bytes:
    """Encode states for a file."""
    positions = [(*place, state) for place, state in states.positions.items()]
    waiting = [(*place, batch) for place, batch in states.waiting.items()]
    ahead = [(*place, offsets) for place, offsets in states.ahead.items()]
    file = _File(FORMAT, positions, states.shards, states.figures, states.records, waiting, ahead)
    return encode(file)


def load(data: bytes) -> States:
    """Decode what `dump` wrote; raises ValueError if it is something else."""
    file: _File = decode(data, _File)
    check_format(file.format)
    positions = {(source, part): state for source, part, state in file.positions}
    waiting = {(source, part): batch for source, part, batch in file.waiting}
    ahead = {(source, part): offsets for source, part, offsets in file.ahead}
    return States(positions, file.shards, file.figures, waiting, file.records, ahead)
