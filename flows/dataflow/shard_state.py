"""The saved state of one shard: the form in which its graph survives a restart."""

from typing import Any

import msgspec

from operators.component import Logic
from operators.events import Announced, Event
from operators.model.saved_state import decode, encode

VERSION = 2
"""Up to version 1 it was not known which alarms a sink for people was told of."""


class StepState(msgspec.Struct, array_like=True, frozen=True):
    """The state of one step, encoded, and the `Logic.VERSION` that wrote it."""

    version: int
    state: msgspec.Raw


class ClockState(msgspec.Struct, frozen=True):
    """The state of a shard's clocks, in epoch seconds.

    `now` is event and wall time; by source partition, `marks` are the watermarks and `arrivals` the
    latest arrivals. `anchor` tells the clock of the process, see `connectors.runtime.steady_clock`.
    """

    now: tuple[float, float]
    marks: dict[str, float]
    arrivals: dict[str, float]
    anchor: tuple[str, float, float] | None = None


SavedBatch = tuple[list[Event], float, bool, bool, int | None, bool, tuple[tuple[int, float], ...]]
"""A `connectors.base.Batch`, field by field."""


class ArrivalsState(msgspec.Struct, frozen=True):
    """The state of what reaches a shard, before its graph.

    `seen` is the offset of each partition of commands, `known` the digests of the rows of each
    table, `waiting` what could not be taken yet, as (partition, source, batch).
    """

    seen: dict[str, int]
    known: dict[str, dict[str, bytes]]
    waiting: list[tuple[str, str, SavedBatch]]


class Notified(msgspec.Struct, array_like=True, frozen=True):
    """An alarm whose start a sink was told; `ends` says that it wants to hear the end.

    `as_` is as what it was told.
    """

    rule: str
    subject: str
    ends: bool
    as_: tuple[Announced, ...]


class SinkState(msgspec.Struct, frozen=True):
    """The alarms that a sink for people was told of, and of no end yet.

    `like` tells its settings, by which one of another name goes on. Of what began before `since` it
    is not known whether it was told.
    """

    like: str
    since: float
    notified: list[Notified]


class ShardState(msgspec.Struct, frozen=True):
    """Everything of a shard that must survive a restart.

    `steps` are by persisted id, `tables` the sources whose rows each step had taken, `names` the
    persisted id of each identity that the definition had, `sinks` what each of those for people
    was told.
    """

    version: int
    clock: ClockState
    steps: dict[str, StepState]
    tables: dict[str, list[str]] = {}
    arrivals: ArrivalsState | None = None
    names: dict[str, str] = {}
    sinks: dict[str, SinkState] | None = None


def dump(state: ShardState) -> bytes:
    """Encode the state of a shard."""
    return encode(state)


def load(data: bytes | msgspec.Raw) -> ShardState:
    """Decode what `dump` wrote; raises ValueError for anything else, or a later version."""
    state: ShardState = decode(data, ShardState)
    if not 1 <= state.version <= VERSION:
        raise ValueError(
            f"the saved state has version {state.version}; this release reads up to {VERSION}"
        )
    return state


def take_state(identity: str, logic: Logic) -> StepState | None:
    """The encoded state of a step; None for a step without.

    Raises TypeError naming the step where its state cannot be encoded.
    """
    state = logic.snapshot()
    if state is None:
        return None
    try:
        return StepState(logic.VERSION, msgspec.Raw(encode(state)))
    except (TypeError, UnicodeEncodeError) as error:
        raise TypeError(f"the state of {identity} cannot be saved: {error}") from error


def give_state(identity: str, logic: Logic, saved: StepState) -> None:
    """Restore a step from its encoded state.

    Raises ValueError naming the step where it does not fit.
    """
    type_: Any = logic.STATE if saved.version == logic.VERSION else Any
    try:
        logic.restore(decode(saved.state, type_), saved.version)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ValueError(
            f"the saved state of {identity} (version {saved.version}) does not fit:"
            f" {type(error).__name__}: {error}"
        ) from error
