"""Where a replay's history comes from: from `--input`, or from each source of a definition."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from connectors.base import PictureSource, PushSource
from connectors.clickhouse.components import ClickHouse
from connectors.config.suggestion import near
from connectors.kafka.components import Topic, TopicSink
from connectors.kafka.topic_names import TopicNames
from flows.dataflow.compiler import is_table
from flows.language.model import Flow, inputs, origin
from flows.replay.pictures.look import Look
from flows.replay.pictures.recordings import holds_pictures
from flows.replay.pictures.stays import telling

Kind = Literal["clickhouse", "topic", "file", "pictures", "none"]


class InputError(ValueError):
    """An `--input` makes no sense, or a source has no history; the message names the remedy."""


class Place(NamedTuple):
    """Where history is: a table, topics, or a file; or recordings, with the way to look at them.

    `connection` is that of the site file.
    """

    kind: Kind
    names: tuple[str, ...] = ()
    connection: str = ""
    look: Look | None = None

    def __str__(self) -> str:
        return (
            "none"
            if self.kind == "none"
            else self.names[0]
            if self.kind in ("file", "pictures")
            else f"{self.kind}:{','.join(self.names)}"
        )


@dataclass(frozen=True)
class Inputs:
    """What feeds a definition: places by source, or by stream, which is then read, not played.

    `telling` are the streams whose objects are reported beside the alarms.
    """

    sources: dict[str, Place]
    streams: dict[str, Place]
    tables: dict[str, Place]
    telling: tuple[str, ...] = ()


def parse(text: str) -> tuple[str, Place]:
    """Name and place of `NAME=clickhouse:TABLE`, `NAME=topic:TOPIC`, `NAME=FILE` or `NAME=none`.

    Raises `InputError`.
    """
    name, equals, where = text.partition("=")
    if not (name and equals and where):
        raise InputError(
            f"{text!r} is not an input; write NAME=clickhouse:TABLE, NAME=topic:TOPIC,"
            " NAME=FILE.jsonl, NAME=VIDEO or NAME=none"
        )
    kind, colon, what = where.partition(":")
    if where == "none":
        return name, Place("none")
    if colon and kind == "clickhouse":
        if not what.replace("_", "a").isalnum():
            raise InputError(f"{what!r} is not the name of a table; write {name}=clickhouse:TABLE")
        return name, Place("clickhouse", (what,), "clickhouse")
    if colon and kind == "topic":
        topics = tuple(topic for topic in what.split(",") if topic)
        if not topics:
            raise InputError(f"{text!r} names no topic; write {name}=topic:TOPIC")
        return name, Place("topic", topics, "redpanda")
    if not Path(where).exists():
        hint = near(kind, ("clickhouse", "topic")) if colon else None
        raise InputError(
            f"there is no file {where!r} for {name!r}" + (f" ({hint})" if hint else "")
        )
    return name, Place("file", (where,))


def resolve(flow: Flow, given: Mapping[str, Place], names: TopicNames) -> Inputs:
    """The places for all that the alarms of a flow need; raises `InputError`."""
    for name in given:
        if name not in flow.sources and name not in flow.streams:
            known = [*flow.sources, *flow.streams]
            hint = near(name, known) or f"it has {', '.join(known)}"
            raise InputError(f"the flow {flow.flow!r} has no source or stream {name!r} ({hint})")
    given = {name: _pictures(flow, name, place) for name, place in given.items()}
    streams = {name: place for name, place in given.items() if name in flow.streams}
    cameras = {
        name
        for name, place in given.items()
        if name in flow.sources and _is_camera(flow, name) and place.kind != "none"
    }
    tells = tuple(name for name in telling(flow, cameras) if name not in streams)
    for name in needed(flow, streams, tells):
        if name in flow.sources and name not in given and own_topic(flow, name, names) is None:
            streams |= _written_streams(flow, name, streams)
    sources: dict[str, Place] = {}
    tables: dict[str, Place] = {}
    for name in needed(flow, streams, tells):
        if name not in flow.sources:
            continue
        place = given.get(name) or own_topic(flow, name, names) or _written(flow, name)
        if place is None:
            raise InputError(_without_history(flow, name))
        if place.kind != "none":
            (tables if is_table(flow.sources[name].settings) else sources)[name] = place
    for name in tables:
        if tables[name].kind == "clickhouse":
            raise InputError(
                f"{name!r} is a table of rows; read it from its topic or a file: --input"
                f" {name}=FILE.jsonl"
            )
    return Inputs(
        sources,
        {name: place for name, place in streams.items() if place.kind != "none"},
        tables,
        tells,
    )


def needed(flow: Flow, read: Iterable[str] = (), more: Iterable[str] = ()) -> list[str]:
    """The sources, streams and alarms that a flow's alarms depend on, and `more` streams.

    It does not look beyond `read` streams.
    """
    found: dict[str, None] = {}
    waiting = [*flow.alarms, *more]
    while waiting:
        name = origin(waiting.pop(0))
        if name in found:
            continue
        found[name] = None
        if name == "alarms":
            continue
        if alarm := flow.alarms.get(name):
            waiting += [*alarm.sources, *(side for side, _ in alarm.side_inputs())]
        elif name in flow.streams and name not in read:
            waiting += inputs(flow.streams[name].from_)
            sides = (step.settings.side_input() for step in flow.streams[name].steps)
            waiting += [side for side in sides if side is not None]
    return list(found)


def _is_camera(flow: Flow, name: str) -> bool:
    return isinstance(flow.sources[name].settings, PictureSource)


def _pictures(flow: Flow, name: str, place: Place) -> Place:
    """A place, as recordings if it is a file or folder of a camera source."""
    if place.kind != "file":
        return place
    where = Path(place.names[0])
    if name in flow.sources and _is_camera(flow, name) and holds_pictures(where):
        return place._replace(kind="pictures")
    if where.is_dir():
        raise InputError(
            f"{where} is a folder, and {name!r} is no source of cameras; name a file of JSON lines"
        )
    return place


def own_topic(flow: Flow, name: str, names: TopicNames) -> Place | None:
    """The topic that a source reads, or that its receiver writes."""
    settings = flow.sources[name].settings
    if isinstance(settings, Topic):
        return Place("topic", tuple(settings.topics()), settings.connection)
    if isinstance(settings, PushSource | PictureSource):
        return Place("topic", (names.of_source(flow.flow, name),), "redpanda")
    return None


def _written(flow: Flow, name: str) -> Place | None:
    """Where a sink of the flow keeps all that a source or stream gives, and nothing else."""
    for sink in flow.sinks.values():
        if inputs(sink.from_) != [name] or sink.only is not None or sink.shape is not None:
            continue
        if isinstance(sink.settings, ClickHouse):
            return Place("clickhouse", (sink.settings.table,), sink.settings.connection)
        if isinstance(sink.settings, TopicSink):
            return Place("topic", (sink.settings.name,), sink.settings.connection)
    return None


def _written_streams(flow: Flow, source: str, read: Iterable[str]) -> dict[str, Place]:
    """The nearest streams behind a source that a sink keeps."""
    found: dict[str, Place] = {}
    behind = {source}
    for name in _in_order(flow):
        if name in read or not behind.intersection(
            origin(one) for one in inputs(flow.streams[name].from_)
        ):
            continue
        place = _written(flow, name)
        if place is None:
            behind.add(name)
        else:
            found[name] = place
    return found


def _in_order(flow: Flow) -> list[str]:
    """Streams, each after those it reads."""
    ordered: list[str] = []
    waiting = list(flow.streams)
    while waiting:
        ready = [
            name for name in waiting
            if not {origin(one) for one in inputs(flow.streams[name].from_)}
            & (set(waiting) - {name})
        ]  # fmt: skip
        ordered += ready
        waiting = [name for name in waiting if name not in ready]
        if not ready:
            break
    return ordered


def _without_history(flow: Flow, name: str) -> str:
    kind = flow.sources[name].kind
    readers = [
        stream for stream in flow.streams if name in map(origin, inputs(flow.streams[stream].from_))
    ]
    stream = (
        f", or what a stream made of it: --input {readers[0]}=clickhouse:TABLE" if readers else ""
    )
    return (
        f"the source {name!r} ({kind}) keeps no history, and no sink keeps it whole; name its"
        f" history: --input {name}=FILE.jsonl{stream}; or leave it out: --input {name}=none"
    )
