"""The contracts of sources and sinks, without the engine: plain objects that its adapter drives."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from operators.component import Component
from operators.events import DeadLetter, Event, Occurrence, encode_lines

Polygon = Sequence[tuple[float, float]]
"""Corners as (x, y), fractions of a picture from 0 to 1."""


class ConnectorError(Exception):
    """A connector cannot work as set up; the message says what was expected and the remedy."""


class Refused(ConnectorError):
    """A far end refuses what the site file asks of it, so that waiting would not help."""


class Stopped(Exception):
    """The process was asked to stop while the connector waited for a service that is down."""


class NoAnswer(Exception):
    """What keeps pictures or video does not answer now; the message says why."""


class VideoCut(NamedTuple):
    """A piece of a camera's video that was written to a file.

    It begins at `start` and ends at `end` (epoch seconds), which may be later and earlier than what
    was asked for; `codec` is the word of the video's coding, such as `h264`.
    """

    start: float
    end: float
    codec: str


class Batch(NamedTuple):
    """Events of one source partition, in order.

    `wall` is the arrival time of the last one (epoch seconds). `live` is False while the reader
    works off what had gathered before it started: until then wall-clock time must not move the
    flow's clocks. `whole` says that the events are a table as it stands: rows that are not among
    them are gone. Of a topic, `next_offset` is the offset after the batch, and `recreated` says
    that the topic is another one of the same name, so that offsets begin again. `arrivals` says how
    many events arrived when, in their order (none: all at `wall`); it is what the records say, so
    that who reads them again finds the same.
    """

    events: Sequence[Event]
    wall: float
    live: bool
    whole: bool = False
    next_offset: int | None = None
    recreated: bool = False
    arrivals: Sequence[tuple[int, float]] = ()


class Reader(Protocol):
    """One partition of a source that can be read again from a position.

    Such as a topic's partition, a binary log, a generator.
    """

    def read(self) -> Batch | None:
        """What is ready, at most a few thousand events; None at once if nothing is.

        Never blocks.
        """

    def position(self) -> object:
        """A position as plain data; a reader opened with it continues after the last event read."""

    def read_until(self) -> float:
        """Up to which wall time `read` has returned all there was; -inf while that is not known."""

    def lag(self) -> int | None:
        """How many records `read` has not returned yet; None if unknown."""

    def close(self) -> None:
        """Release threads and sockets."""


@runtime_checkable
class ShownReader(Protocol):
    """A reader that lets other programs see how far a flow has come."""

    def checkpointed(self, position: object) -> None:
        """A position became part of the flow's saved state."""


@runtime_checkable
class ExpiringReader(Protocol):
    """A reader of what is removed after a while, read or not."""

    def behind(self) -> float | None:
        """Seconds since the oldest record was written that is not read; None if unknown."""

    def retention(self) -> float | None:
        """Seconds for which a record is kept; None for ever, or where that is not known."""


class Writer(Protocol):
    """The running side of a sink."""

    def write(self, events: list[Event]) -> None:
        """Take events in order; blocks while its bounded queue is full (back pressure)."""

    def flush(self) -> None:
        """Return when all that was written is durable at the far end; waits while it is down.

        Raises `Stopped` if stopped meanwhile.
        """

    def close(self) -> None:
        """Release threads and sockets without waiting for a service that is down."""


@runtime_checkable
class StatefulWriter(Protocol):
    """A writer that keeps something from one start to the next, with the flow's saved state."""

    def snapshot(self) -> Any:
        """Make durable what can be, as `flush`; the rest is returned, as plain data."""

    def restore(self, state: Any) -> None:
        """Take back what `snapshot` returned."""


def settle(writer: Writer) -> Any:
    """Make durable what a writer took; what it keeps of that, None where it keeps nothing."""
    if isinstance(writer, StatefulWriter):
        return writer.snapshot()
    writer.flush()
    return None


class Receiver(Protocol):
    """A source whose sender waits for an acknowledgement (MQTT, HTTP).

    It writes what it receives into a topic, acknowledges when the broker has it, and the flow reads
    the topic.
    """

    def start(self) -> None:
        """Connect in the background and stay connected; never raises for a far end that is down."""

    def stop(self) -> None:
        """Disconnect; what was not acknowledged will be sent again."""


class Health:
    """State of a flow's connectors, shared with metrics and `/health`; logs each change once.

    Thread-safe.
    """

    def __init__(
        self, report: Callable[[str, bool, str], None] = lambda name, up, detail: None
    ) -> None:
        self._report = report
        self._lock = threading.Lock()
        self.down: dict[str, str] = {}
        self.detectors: dict[str, dict[str, str]] = {}
        """What looks at the pictures of each camera source, replaced as a whole."""
        self.cameras: dict[str, dict[str, dict[str, Any]]] = {}
        """The state of each camera of each source, as it tells it; replaced as a whole."""
        self._seen: set[str] = set()

    def no_cameras(self, source: str) -> None:
        """No camera of a source is known yet."""
        with self._lock:
            self.cameras = {**self.cameras, source: {}}

    def camera(self, source: str, name: str, state: dict[str, Any] | None) -> None:
        """The state of a camera from now on; None where it is gone."""
        with self._lock:
            others = {key: one for key, one in self.cameras.get(source, {}).items() if key != name}
            now = others if state is None else {**others, name: state}
            self.cameras = {**self.cameras, source: now}

    def up(self, name: str) -> None:
        """The connector works."""
        with self._lock:
            was_down = self.down.pop(name, None) is not None
            first = name not in self._seen
            self._seen.add(name)
        if was_down or first:
            self._report(name, True, "is back" if was_down else "is up")

    def degraded(self, name: str, detail: str) -> None:
        """The connector waits for the far end; `detail` says why."""
        with self._lock:
            changed = name not in self.down
            self.down[name] = detail
            self._seen.add(name)
        if changed:
            self._report(name, False, detail)


SpanKind = Literal["internal", "client", "producer", "consumer"]
"""What OpenTelemetry asks of a part of a trace: whether it leads to or from another program."""


class Tracing(Protocol):
    """What follows single events (`connectors.runtime.tracing.traces`)."""

    clock: Callable[[], float]

    def drawn(self, events: Sequence[Event]) -> list[int]:
        """The numbers of new events that are followed; the drawn ones have no `trace` yet."""

    def span(
        self,
        name: str,
        parent: str | None,
        start: float,
        end: float,
        kind: SpanKind = "internal",
        id: str | None = None,
        **said: Any,
    ) -> str:
        """Take a span that is over; its own `traceparent`."""


@dataclass(frozen=True)
class ConnectorContext:
    """What a connector gets from the flow that runs it.

    `connection` is the validated model named by the component's `CONNECTION` class. `stopping` is
    set on SIGTERM.
    `shape` is the sink's own form of an event, where its definition has one, `batch_events` and
    `batch_wait` (seconds) the most it may write together, `outbox` the most seconds that an event
    may wait for a far end that is down. A reader's thread calls `arrived()` when it has queued
    something, so that the flow wakes at once; `shared` is scratch space for what the partitions of
    one source have in common. `count(word, n)` adds to the counter shown in the metrics;
    `dead_letter` keeps what cannot be processed; a connector that forgets it after that, before a
    flush, first calls
    `flush_dead_letters()`, which returns when all letters are safe.
    `timezone` is the site's; in `folder` a connector may keep a file named after itself, as durable
    as the flow's saved state.
    `columns` says that the flow takes readings as columns (`operators.columnar.lazy`).
    `definition` is the beginning of the hash of the flow's definition.
    `share` names this process's part (`1of2`) where others run the rest of the flow. In the last
    run of a flow (`is_last`) nothing is left to the next.

    Of cameras: `picture(reference, frame)` gives the JPEG that an event refers to, None where it is
    gone or is of another frame; `video(camera, start, end, path)` writes a piece of a camera's
    video to a file as MP4, None where there is none; both may raise `NoAnswer`. `tell(events)`
    keeps what a sink has to say of the events it was given, and returns when it is durable.
    `masks` are the parts of a camera's pictures that nobody may see.
    `traces` follows single events; None where the site wants none followed.
    """

    flow: str
    name: str
    connection: Any
    stopping: threading.Event = field(default_factory=threading.Event)
    health: Health = field(default_factory=Health)
    count: Callable[[str, int], None] = lambda word, n: None
    dead_letter: Callable[[DeadLetter], None] = lambda letter: None
    flush_dead_letters: Callable[[], None] = lambda: None
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    folder: Path | None = None
    share: str | None = None
    shape: Callable[[Event], dict[str, Any]] | None = None
    batch_events: int | None = None
    batch_wait: float | None = None
    outbox: float | None = None
    is_last: bool = False
    arrived: Callable[[], None] = lambda: None
    shared: dict[str, Any] = field(default_factory=dict)
    picture: Callable[[str, str | None], bytes | None] = lambda reference, frame: None
    video: Callable[[str, float, float, Path], VideoCut | None] = lambda camera, start, end, path: (
        None
    )
    tell: Callable[[list[Occurrence]], None] = lambda events: None
    masks: Mapping[str, Sequence[Polygon]] = field(default_factory=dict)
    definition: str = ""
    traces: Tracing | None = None
    columns: bool = False

    def written(self, events: Iterable[Event], began: float) -> None:
        """A far end has taken events, after an attempt that began at a time (epoch seconds)."""
        if self.traces is not None:
            end = self.traces.clock()
            for event in events:
                if event.trace is not None:
                    self.traces.span(f"write {self.name}", event.trace, began, end, "client")

    def refuse(self, event: Event, reason: str, detail: str) -> None:
        """Make a dead letter of an event that a far end refuses, with a word and a sentence."""
        self.dead_letter(
            DeadLetter(
                id=f"{event.id}/{self.name}",
                time=event.time,
                flow=self.flow,
                step=self.name,
                reason=reason,
                detail=detail,
                origin=self.name,
                payload=encode_lines([event]),
                holds="events",
                trace=event.trace,
            )
        )

    def stop_if_down(self) -> None:
        """Raise `Stopped` if the flow is to stop while this connector's far end is down."""
        # a connector's other thread may take it back at any time
        reason = self.health.down.get(self.name)
        if self.stopping.is_set() and reason is not None:
            raise Stopped(f"{self.name}: {reason}")


class Source(Component):
    """A source with partitions that can be read again from a position."""

    CONNECTION: ClassVar[type[BaseModel] | None] = None

    def partitions(self, context: ConnectorContext) -> list[str]:
        """Names of the partitions; a topic's are its partition numbers. Raises `ConnectorError`."""
        return ["0"]

    def open(self, context: ConnectorContext, partition: str, position: object | None) -> Reader:
        """Open one partition at a position, or at the start the settings say.

        Must not raise when the far end is down.
        """
        raise NotImplementedError


class PushSource(Component):
    """A source whose sender waits for an acknowledgement; the flow reads its receiver's topic."""

    CONNECTION: ClassVar[type[BaseModel] | None] = None

    def receiver(
        self, context: ConnectorContext, write: Callable[[Event, Callable[[], None]], None]
    ) -> Receiver:
        """Make the receiver.

        `write(event, durable)` queues for the topic and calls `durable()` from another thread once
        the broker has it; it blocks when too much is under way.
        """
        raise NotImplementedError


class PictureSource(Component):
    """A source of pictures, which processes beside the flow take and look at.

    The flow reads what they find from a topic.
    """

    CONNECTION: ClassVar[type[BaseModel] | None] = None


AnySource = Source | PushSource | PictureSource


class Sink(Component):
    """A sink; its writer is driven by the flow or by its outbox.

    `EXPIRES` says that it heeds `outbox`, `OUTSIDE` that it writes to another system than the
    broker. One that is `FOR_PEOPLE` is given of alarms what is annunciated, unless its `only`
    chooses; the others record everything. The writer of one with `TAKES_COLUMNS` may be given
    readings as columns (`operators.columnar.lazy`).
    """

    CONNECTION: ClassVar[type[BaseModel] | None] = None
    TAKES_COLUMNS: ClassVar[bool] = False
    OUTSIDE: ClassVar[bool] = True
    EXPIRES: ClassVar[bool] = False
    FOR_PEOPLE: ClassVar[bool] = False

    @property
    def tells_people(self) -> bool:
        """Whether people read what this sink writes, as it is set up."""
        return self.FOR_PEOPLE

    def open(self, context: ConnectorContext) -> Writer:
        """Make the writer, which waits and reports itself degraded while the far end is down."""
        raise NotImplementedError
