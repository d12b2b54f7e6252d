"""The saved state of a source: where each of its partitions is read on, and what waits of them."""

from typing import Any

import msgspec

from connectors.base import Batch
from flows.dataflow.input_order import Arrival
from flows.dataflow.shard_state import SavedBatch
from flows.runtime.saved_state.envelope import Position, unwrap, wrap
from operators.model.saved_state import decode, encode

INPUT = "input_"
"""What the step of a source is called in the engine, before its name. Up to format 1 it was
`source_`, and the partitions were its keys, which the engine does not let go of."""
WHOLE = "all"
"""The key under which the engine keeps the state of a source."""


class InputState(msgspec.Struct, frozen=True):
    """Positions by partition; what was read before them and waits, as (partition, batch).

    `taken` is how many events of each partition went on so far, where that was counted.
    """

    positions: dict[str, Position]
    waiting: list[tuple[str, SavedBatch]] = []
    taken: dict[str, int] | None = None


def save(
    positions: dict[str, Any],
    source: str,
    waiting: list[Arrival],
    taken: dict[str, int] | None = None,
) -> bytes:
    """Encode the state of a source; raises TypeError for a position that is not plain data."""
    held: Any = [(one.part.removeprefix(f"{source}:"), tuple(one.batch)) for one in waiting]
    return wrap("input", encode(InputState(positions, held, taken)))


def load(data: bytes) -> InputState:
    """Decode what `save` wrote; raises ValueError for anything else."""
    state: InputState = decode(unwrap(data, "input"), InputState)
    return state


def waiting_of(source: str, state: InputState) -> list[Arrival]:
    """What waits of a source; by now more may have gathered behind it, so it is not live."""
    return [
        Arrival(f"{source}:{part}", source, Batch(*batch)._replace(live=False))
        for part, batch in state.waiting
    ]
