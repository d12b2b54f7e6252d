"""What the sources, shards and sinks of one running dataflow share."""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from connectors.base import Reader, Tracing, Writer
from connectors.runtime import steady_clock
from flows.dataflow.plan import Plan
from flows.dataflow.routing import Router
from flows.runtime.saved_state.input_state import InputState
from flows.runtime.source_progress import SourceProgress
from flows.runtime.sources.crossings import Crossings
from flows.runtime.sources.order_journal import OrderJournal
from flows.runtime.wakeup import Wakeup


@dataclass
class Input:
    """A source of the running flow: its partitions in this process, and how to open one.

    `open` takes a partition and the position to go on from. A `side` input reaches every shard: a
    table, which is read whole before any data are, or people's commands. `is_reachable` is False
    while what fills the source from outside cannot be reached. `grown` are partitions that came to
    it since it was asked last, of all processes; this one reads those that `is_mine`, from their
    beginning, and others where its subjects may lie in any. `ahead` are offsets of a partition at
    which its batches are to end. Where it `is_drawn`, which events are followed was decided when
    they came in. Where it `begins_late`, a partition without a position is read from its end.
    """

    name: str
    parts: list[str]
    open: Callable[[str, object | None], Reader]
    side: Literal["table", "commands"] | None = None
    is_reachable: Callable[[], bool] = lambda: True
    grown: Callable[[], list[str]] = list
    is_mine: Callable[[str], bool] = lambda part: True
    is_drawn: bool = False
    begins_late: bool = False
    ahead: Callable[[str], Collection[int]] = lambda part: ()


@dataclass
class RuntimeContext:
    """What the parts of one running dataflow share.

    `counted` and `passed` take counts for the metrics. `flush_refused` returns when what the
    sources refused is durable: a position behind it must not be saved before. `may_write` is called
    before anything is written, and does not return where another process may run the flow. `router`
    knows the shard to which a subject belongs by its key, which answers commands for a subject that
    no shard knows. `input`, `state` and `carried` are what was saved, for sources, shards and sinks
    that the engine does not bring itself; `ahead` are the offsets up to which a shard has taken
    what is read. `crossings` is there where several processes run the flow. `journal` opens that of
    a source, where its order is to outlive a kill.
    """

    plan: Plan
    stopping: threading.Event
    wakeup: Wakeup = field(default_factory=Wakeup)
    counted: Callable[[Mapping[tuple[str, str], int]], None] = lambda counts: None
    passed: Callable[[str, int], None] = lambda name, n: None
    flush_refused: Callable[[], None] = lambda: None
    may_write: Callable[[], None] = lambda: None
    clock: Callable[[], float] = steady_clock.now
    router: Router = field(default_factory=Router)
    input: Callable[[str], InputState] = lambda source: InputState({})
    state: Callable[[str], bytes | None] = lambda shard: None
    carried: Callable[[str], Any] = lambda sink: None
    ahead: Callable[[str], Mapping[str, int]] = lambda shard: {}
    crossings: Crossings | None = None
    journal: Callable[[str], OrderJournal] | None = None
    traces: Tracing | None = None

    def __post_init__(self) -> None:
        self.source_progress = SourceProgress(self.plan.flow)
        self.parts_of_shard: dict[str, set[str]] = {}
        self.side_parts: set[str] = set()
        self.table_parts: set[str] = set()
        self.unread_tables: set[str] = set()
        self.close_error: BaseException | None = None

    def close(self, part: Reader | Writer) -> None:
        """Close a reader or a writer, and keep the first error.

        The engine closes them also while it passes on an error of another part, and a second one
        then would abort the process.
        """
        try:
            part.close()
        except BaseException as error:
            self.close_error = self.close_error or error

    def join(self, source: Input) -> None:
        """Make a source known before the dataflow runs."""
        self.wakeup.join()
        for part in source.parts:
            self.add(source, part)

    def add(self, source: Input, part: str) -> str:
        """Make a source partition known, and return its id."""
        id = f"{source.name}:{part}"
        if source.side is None:
            shard = self.router.shard_of_partition(part)
            self.parts_of_shard.setdefault(shard, set()).add(id)
            return id
        self.side_parts.add(id)
        if source.side == "table":
            self.table_parts.add(id)
            self.unread_tables.add(id)
        return id
