"""States that Vigie saved before they had a format: pickles, turned into envelopes.

They are read with the classes that they may name, those of events, and no others.
"""

import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any, get_args

import msgspec

from flows.dataflow.shard_state import (
    VERSION,
    ArrivalsState,
    ClockState,
    ShardState,
    StepState,
    dump,
)
from flows.runtime.saved_state.envelope import wrap, wrap_position
from flows.runtime.saved_state.row_pickle import arguments
from flows.runtime.saved_state.states import States
from operators.events import Event
from operators.model.saved_state import encode

_OPCODES = frozenset((
    "PROTO", "FRAME", "MEMOIZE", "BINGET", "LONG_BINGET", "STOP", "MARK", "NONE", "NEWTRUE",
    "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT",
    "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8",
    "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS",
    "EMPTY_DICT", "SETITEM", "SETITEMS", "EMPTY_SET", "ADDITEMS", "FROZENSET",
    "STACK_GLOBAL", "REDUCE",
))  # fmt: skip
"""What Python's pickle protocol 4 writes for plain data and events."""
_FAULTS = (
    pickle.UnpicklingError,
    EOFError,
    TypeError,
    AttributeError,
    LookupError,
    OverflowError,
    MemoryError,
    RecursionError,
)
"""What reading a damaged pickle, or data of another shape, raises beside ValueError."""


def _rebuild(kind: type[Any], fields: Mapping[str, Any]) -> Any:
    if kind not in _EVENTS.values():
        raise ValueError(f"{kind!r} is no event")
    return kind(**fields)


_EVENTS: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Event)}
_NAMES: dict[tuple[str, str], Callable[..., Any]] = {
    ("msgspec._utils", "rebuild"): _rebuild,
    **{("operators.events", name): kind for name, kind in _EVENTS.items()},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """The class of a legacy name; there are no others."""
        found = _NAMES.get((module, name))
        if found is None:
            raise ValueError(f"it names {module}.{name}, which no saved state does")
        return found


def loads(data: bytes) -> Any:
    """Read a pickle of plain data and events; raises ValueError for any other."""
    for _ in arguments(data, _OPCODES):
        pass
    try:
        return _Unpickler(io.BytesIO(data)).load()
    except _FAULTS as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def convert(step: str, row: bytes) -> bytes:
    """The envelope of a legacy state of a step of the dataflow, such as `source_readings`.

    Raises ValueError for anything else.
    """
    state = loads(row)
    try:
        if step.startswith("source_"):
            return wrap_position(state)
        if step.partition(".")[0] == "graph":
            return wrap("shard", dump(_shard(state)))
        if step.startswith("sink_"):
            return wrap("sink", encode(state))
    except _FAULTS as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    raise ValueError(f"no step {step!r} saves a state")


def taken_over(data: bytes) -> States:
    """The states in a legacy file of states taken over; raises ValueError for anything else."""
    try:
        positions, shards, figures = loads(data)
        found = States()
        for (source, part), state in positions.items():
            found.add(f"source_{source}", part, convert(f"source_{source}", state))
        for shard, state in shards.items():
            found.add("graph", shard, convert("graph", state))
        found.figures = {
            shard: wrap("sink", encode(loads(state))) for shard, state in figures.items()
        }
    except _FAULTS as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return found


def _shard(state: Mapping[str, Any]) -> ShardState:
    if state["version"] != 1:
        raise ValueError(f"expected version 1 of a shard's state, got {state['version']!r}")
    steps = {
        identity: StepState(version, msgspec.Raw(encode(saved)))
        for identity, (version, saved) in state["steps"].items()
    }
    arrivals = state.get("arrivals")
    return ShardState(
        VERSION,
        ClockState(**state["clock"]),
        steps,
        {identity: list(names) for identity, names in state.get("tables", {}).items()},
        arrivals and ArrivalsState(**arrivals),
    )
