"""Plays a history into a flow on the real engine, from its saved state, on a clock of its own."""

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from bytewax._bytewax import run_main

from connectors.base import Batch
from connectors.config.document import Document
from flows.checks.context import Scope
from flows.dataflow.compiler import ALARM_SINK, compile_flow
from flows.dataflow.plan import COMMANDS, Plan
from flows.loader import build as build_flow
from flows.runtime.alarm_metrics import AlarmFigures, CountingWriter
from flows.runtime.bytewax_adapter import build
from flows.runtime.runtime_context import Input, RuntimeContext
from flows.runtime.saved_state.compatibility import StateLayout
from flows.runtime.saved_state.folder import StateFolder
from operators.events import Event
from tests.flows.runtime.saved_state.history import Given

EPOCH = timedelta(milliseconds=20)
TABLES = ("devices", "rules")
DATA = ("plain", "raw", "seen")


def plan_at(path: Path) -> Plan:
    """The plan of the definition in a file."""
    document = Document.read(path)
    flow = build_flow(document)
    assert flow is not None, document.report()
    return compile_flow(flow, Scope(document, flow).tables, ZoneInfo("UTC")).plan


class Play:
    """One run of the flow over `history` up to batch `until`, with its saved state in `folder`.

    A batch is read once what the one before it gave has reached the sinks, so that every run takes
    the same batches in the same order. `made` is what reached them, as (sink, event).
    """

    def __init__(self, plan: Plan, history: list[Given], folder: Path, until: int) -> None:
        self.made: list[tuple[str, Event]] = []
        self.begun = -1
        """The first batch that this run took, after the tables."""
        self._plan, self._history, self._until = plan, history, until
        self._folder = StateFolder(folder, plan.flow)
        self._ends = len(history) == until
        self._taken: dict[str, int] = {}
        self._before = -1
        self._wall = 0.0
        self._stopping = threading.Event()
        self._context = RuntimeContext(plan, self._stopping, clock=lambda: self._wall)

    def run(self) -> None:
        """Go on from the saved state; returns once the whole history has been taken, never if it
        goes on after `until`.
        """
        watch = AlarmFigures(self._plan.flow)
        outlets = [outlet.name for outlet in self._plan.outlets]
        writers: dict[str, Callable[[], object]] = {
            name: partial(_Writer, name, self) for name in outlets
        }
        writers[ALARM_SINK] = lambda: CountingWriter(_Writer(ALARM_SINK, self), watch)
        inputs = [Input(name, [f"{name}/0"], partial(self._open, name), "table") for name in TABLES]
        inputs += [
            Input(name, [f"{name}/0"], partial(self._open, name), is_reachable=lambda: False)
            for name in DATA
        ]
        inputs.append(Input(COMMANDS, [f"{COMMANDS}/0"], partial(self._open, COMMANDS), "commands"))
        parts = {source.name: source.parts for source in inputs}
        layout = StateLayout(tuple(self._plan.identities()), parts=parts)
        with self._folder.locked(layout.shards):
            opened = self._folder.open(layout)
            self._context.input = opened.saved.input
            self._context.state = opened.saved.shard
            dataflow = build(self._context, inputs, writers)  # type: ignore[arg-type]
            run_main(dataflow, epoch_interval=EPOCH, recovery_config=opened.recovery)

    def _open(self, name: str, part: str, position: object | None) -> "_Reader":
        taken = position[1] if isinstance(position, tuple | list) else position or 0
        assert isinstance(taken, int)
        self._taken[name] = 0 if name in TABLES else taken
        return _Reader(self, name, taken)

    def wake(self) -> None:
        """Let the next batch be read at once."""
        self._context.wakeup.arrived()

    def next(self, name: str) -> Given | None:
        """The next batch, if it is this source's turn."""
        if name in TABLES:
            given = next(given for given in self._history if given.source == name)
            return None if self._taken[name] else self._take(given)
        turn = len(TABLES) + sum(n for source, n in self._taken.items() if source not in TABLES)
        if self.begun < 0:
            self.begun = turn
        if turn == self._until:
            if self._ends:
                self._stopping.set()
            return None
        given = self._history[turn]
        if given.source != name or len(self.made) == self._before:
            return None
        return self._take(given)

    def _take(self, given: Given) -> Given:
        self._taken[given.source] += 1
        if given.source not in TABLES:
            self._before = len(self.made)
        self._wall = max(self._wall, given.wall)
        return given


class _Reader:
    def __init__(self, play: Play, name: str, taken: int) -> None:
        self._play, self._name, self._n = play, name, taken
        self._begun = False

    def read(self) -> Batch | None:
        if self._name in DATA and not self._begun:
            self._begun = True
            return Batch([], 0.0, True)
        given = self._play.next(self._name)
        if given is None:
            return None
        self._n += 1
        return Batch(given.events, given.wall, True, whole=self._name in TABLES)

    def position(self) -> object:
        return ("taken", self._n) if self._name == "raw" else self._n

    def read_until(self) -> float:
        return 0.0

    def lag(self) -> int | None:
        return None

    def close(self) -> None:
        pass


class _Writer:
    def __init__(self, name: str, play: Play) -> None:
        self._name, self._play = name, play

    def write(self, events: list[Event]) -> None:
        self._play.made.extend((self._name, event) for event in events)
        self._play.wake()

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass
