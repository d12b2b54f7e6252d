"""Replay: definitions over history, on a virtual clock, with nothing outside but what is read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.clickhouse.connection import ClickHouseConnection
from connectors.config.site import Site
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from flows.dataflow.compiler import DEAD_SINK, compile_flow, raw_name
from flows.dataflow.plan import ALARMS, Node, Outlet, Outputs, Plan
from flows.language.field_values import Tables
from flows.language.model import Flow
from flows.replay.episodes import Episodes
from flows.replay.history_clickhouse import TableHistory
from flows.replay.history_file import FileHistory
from flows.replay.history_kafka import TopicHistory, table_rows
from flows.replay.merge import side_by_side
from flows.replay.pace import pace_of
from flows.replay.pictures.history import PictureHistory
from flows.replay.pictures.known import Known
from flows.replay.pictures.stays import Stays
from flows.replay.player import Pace, Piece, Player
from flows.replay.sources import Inputs, Place, needed
from operators.alarms.kpi import Kpis
from operators.component import Location
from operators.events import AlarmTransition, Event, Occurrence, Row

History = FileHistory | PictureHistory | TableHistory | TopicHistory

RUN = "replay"
HISTORY = ".history"
"""Under `NAME.history` come the events of a stream that is read and not calculated."""
TELLING = ".telling"
"""Under `NAME.telling` goes what a stream says of objects."""


@dataclass(frozen=True)
class Definition:
    """A definition to replay.

    `label` names it to people; `born` are its renamed identities (`flows.language.lock.born`).
    """

    label: str
    flow: Flow
    tables: Tables
    inputs: Inputs
    born: Mapping[str, str]
    profile: str | None = None
    location: Location | None = None


@dataclass(frozen=True)
class Period:
    """From `start` to before `end`, in epoch seconds; infinite ends are those of the history.

    `warm_up` seconds before it are played without being counted.
    """

    start: float
    end: float
    warm_up: float = 0.0

    @property
    def reads_from(self) -> float:
        """Where reading begins, warm-up included, in epoch seconds."""
        return self.start - self.warm_up


def replay_plan(definition: Definition, zone: ZoneInfo) -> Plan:
    """The plan of what a definition's alarms need and history does not have.

    Raises `NotRunnable`.
    """
    flow, read = definition.flow, definition.inputs.streams
    plan = compile_flow(
        flow, definition.tables, zone, definition.profile, definition.born, run=RUN,
        location=definition.location,
    ).plan  # fmt: skip
    wanted = set(needed(flow, read, definition.inputs.telling))
    nodes = tuple(
        Node(node.name, ((node.name + HISTORY, None),), ()) if node.name in read else node
        for node in plan.nodes
        if node.name in wanted
    )
    outlets = (
        Outlet(ALARMS, (ALARMS,)),
        Outlet(DEAD_SINK, tuple(f"{node.name}.errors" for node in nodes)),
        *(Outlet(name + TELLING, (name,)) for name in definition.inputs.telling),
    )
    return replace(plan, nodes=nodes, outlets=outlets)


class Run:
    """One definition over history: its alarms as episodes, and their figures.

    `entries` are the places it reads, each with the names under which its events enter the graph.
    """

    def __init__(
        self,
        definition: Definition,
        zone: ZoneInfo,
        rows: Mapping[str, list[Event]],
        pace: Pace | None = None,
    ) -> None:
        self.definition = definition
        self.kpis = Kpis(zone=zone)
        self.refused = 0
        self.entries: dict[Place, list[str]] = {}
        for name, place in definition.inputs.sources.items():
            self.entries.setdefault(place, []).append(raw_name(definition.flow, name))
        for name, place in definition.inputs.streams.items():
            self.entries.setdefault(place, []).append(name + HISTORY)
        self._plan = replay_plan(definition, zone)
        self._rows = {raw_name(definition.flow, name): some for name, some in rows.items()}
        written = [_values(row) for some in rows.values() for row in some]
        read, telling = definition.inputs.streams, definition.inputs.telling
        played = set(needed(definition.flow, read, telling)) - set(read)
        self._pace = pace or pace_of(definition.flow, played, written)
        self._player: Player | None = None
        self._episodes = Episodes(0.0)
        self._stays = Stays(0.0)

    def begin(self, at: float, counted_from: float) -> None:
        """Start the clock; rows of tables are there from the beginning."""
        self._episodes = Episodes(counted_from)
        self._stays = Stays(counted_from)
        self._player = Player(self._plan, at, self._pace, self._collect)
        for source, rows in self._rows.items():
            self._player.table(source, rows)

    def take(self, pieces: Mapping[Place, Piece]) -> None:
        """Take what the places brought in one span of time."""
        assert self._player is not None
        self._player.take(
            [
                (name, pieces[place])
                for place, names in self.entries.items()
                for name in names
                if place in pieces
            ]
        )

    def finish(self, at: float) -> None:
        """Let time pass up to `at`."""
        assert self._player is not None
        self._player.finish(at)

    @property
    def episodes(self) -> Episodes:
        """The alarms raised so far."""
        return self._episodes

    @property
    def stays(self) -> Stays:
        """Where objects of pictures were so far."""
        return self._stays

    def rows(self, name: str) -> list[Event]:
        """The rows of the table that a source brings."""
        return self._rows.get(raw_name(self.definition.flow, name), [])

    def _collect(self, outputs: Outputs) -> None:
        for event in outputs.get(ALARMS, ()):
            if isinstance(event, AlarmTransition):
                self.kpis.see(event)
                self._episodes.see(event)
        for name in self.definition.inputs.telling:
            self._stays.see(name, outputs.get(name + TELLING, ()))
        self.refused += len(outputs.get(DEAD_SINK, ()))


class Replay:
    """Definitions over the same history, read once.

    `warnings` are what people should know of the history; `counts` the events by place. `cache` is
    where that is kept which was found on pictures. Raises `ConnectorError`.
    """

    def __init__(
        self,
        definitions: Sequence[Definition],
        period: Period,
        site: Site,
        pace: Pace | None = None,
        cache: Path = Path(),
        make: "type[Run]" = Run,
    ) -> None:
        self.warnings: list[str] = []
        self._known = Known(cache)
        self.period = period
        self.counts: dict[Place, int] = {}
        self.start, self.end = period.start, period.end
        self._site, self._zone = site, site.zone
        self.runs = [make(one, site.zone, self._tables(one), pace) for one in definitions]
        places = dict.fromkeys(place for run in self.runs for place in run.entries)
        self.histories = {place: self._open(place, definitions) for place in places}

    def play(self, progress: Callable[[float], None] = lambda share: None) -> None:
        """Read all and let the alarms happen; `progress` hears how much is done, from 0 to 1."""
        begun = False
        last = self.period.start

        def tell() -> None:
            progress(min(history.share for history in self.histories.values()))

        for history in self.histories.values():
            if isinstance(history, PictureHistory):
                history.tell = tell
        for pieces in self._spans():
            filled = {place: piece for place, piece in pieces.items() if piece.events}
            if not filled:
                continue
            if not begun:
                begun = True
                self._begin(min(piece.times[0] for piece in filled.values()))
            for place, piece in filled.items():
                self.counts[place] = self.counts.get(place, 0) + len(piece.events)
                last = max(last, piece.times[-1])
            for run in self.runs:
                run.take(filled)
            tell()
        if self.end == float("inf"):
            self.end = last
        if not begun:
            self._begin(self.period.start if self.period.start > float("-inf") else self.end)
        for run in self.runs:
            run.finish(self.end)

    def _begin(self, first: float) -> None:
        if self.start == float("-inf"):
            self.start = first
        at = min(self.start, max(first, self.period.reads_from))
        for run in self.runs:
            run.begin(at, self.start)

    def _spans(self) -> Iterator[dict[Place, Piece]]:
        places = list(self.histories)
        for pieces in side_by_side([history.pieces() for history in self.histories.values()]):
            yield dict(zip(places, pieces, strict=True))

    # ------------------------------------------------------------------------
    # opening
    def _open(self, place: Place, definitions: Sequence[Definition]) -> History:
        start, end = self.period.reads_from, self.period.end
        if place.kind == "file":
            return FileHistory(_path(place), start, end, self._zone, self.warnings.append)
        if place.kind == "pictures":
            assert place.look is not None
            return PictureHistory(
                _path(place), place.look, start, end, self._known, self._warn_once
            )
        if place.kind == "clickhouse":
            return TableHistory(
                self._site.connection(place.connection, ClickHouseConnection),
                place.names[0],
                start,
                end,
            )

        ahead = max(definition.flow.clock.ahead for definition in definitions)
        connection = self._site.connection(place.connection, TopicConnection)
        return TopicHistory(
            connection, list(place.names), start, end, ahead, self._zone, self.warnings.append
        )

    def _warn_once(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def _tables(self, definition: Definition) -> dict[str, list[Event]]:
        """The rows of a definition's tables, by source, as they are now."""
        found: dict[str, list[Event]] = {}
        for name, place in definition.inputs.tables.items():
            if place.kind == "file":
                found[name] = FileHistory(
                    _path(place), self.period.reads_from, self.period.end, self._zone
                ).rows()
            else:
                connection = self._site.connection(place.connection, TopicConnection)
                found[name] = table_rows(
                    connection, Topic(name=list(place.names), table=True), name
                )
        return found


def _path(place: Place) -> Path:
    return Path(place.names[0])


def _values(row: Event) -> dict[str, object]:
    if isinstance(row, Row):
        return row.values
    return row.data if isinstance(row, Occurrence) else {}
