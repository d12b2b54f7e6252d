"""Replay of dead letters: back into the topic of their source, or to the sink that refused them."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from connectors.base import ConnectorContext, Health, PushSource, Stopped, Writer
from connectors.config.site import Site
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.dead_letters import DeadLetterTopics, Entry, ReplayMark
from connectors.kafka.log.content import is_arrow
from connectors.kafka.packing import why_too_large
from connectors.kafka.producer import Producer
from connectors.kafka.topic_names import TopicNames
from connectors.kafka.topics.contents import Unreachable
from flows.dataflow.compiler import CompiledSink
from flows.language.model import Flow, inputs, origin
from operators.events import DeadLetter, Event, Message, decode_lines, encode_lines
from operators.stateful.deduplicate import Deduplicate

REPEATABLE = (
    "convert", "decode", "drop", "label", "lookup", "only", "rename", "translate",
)  # fmt: skip
"""Steps that an event which has passed them may pass again; `deduplicate`, too, once it has
forgotten it.
"""

CLOCK_LAG = 60.0
"""Seconds by which a flow's clock may be behind, by its lateness and idle time."""


class NotReplayable(Exception):
    """A letter that cannot be sent again; the message says why, and what to do instead."""


@dataclass(frozen=True)
class Target:
    """Where a letter goes: a line for a topic under a key, or events for a sink."""

    topic: str | None = None
    key: str = ""
    line: bytes = b""
    partitions: int | None = None
    sink: str | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The topic or the sink, for people."""
        return self.topic or f"sink {self.sink}"


def target_of(letter: DeadLetter, flow: Flow, names: TopicNames, into: str | None = None) -> Target:
    """Where to send a letter; `into` names the source if the letter does not.

    Raises `NotReplayable`.
    """
    if letter.cut:
        raise NotReplayable(
            "only its beginning was kept, because it is larger than record_limit; send it anew"
        )
    if letter.step in flow.sinks:
        return Target(sink=letter.step, events=_events(letter))
    if letter.holds == "row":
        raise NotReplayable(
            "it is a row of a database table, which only the database can send; update the row"
            " there"
        )
    step = letter.step.removesuffix(" topic")
    if step in flow.sources:  # a line that the reader of the topic refused
        topic, partitions = _topic_of(flow, step, names)
        is_registered = letter.payload[:1] == b"\0"  # has a schema registry's header
        is_line = not (is_registered or is_arrow(letter.payload))
        line = letter.payload.rstrip(b"\n") + b"\n" if is_line else letter.payload
        return Target(topic, letter.origin, line, partitions)
    source = into or _source_of(letter, flow, names)
    topic, partitions = _topic_of(flow, source, names)
    if letter.holds == "events":
        _refuse_twice(letter, flow)
        events = _events(letter)
        return Target(
            topic,
            str(getattr(events[0], "subject", letter.origin)),
            encode_lines(events),
            partitions,
        )
    message = Message(
        id=letter.id,
        time=letter.time,
        topic=letter.origin,
        payload=letter.payload,
        retained=letter.retained,
        redelivered=letter.redelivered,
        labels=letter.labels,
    )
    return Target(topic, letter.origin, encode_lines([message]), partitions)


def _events(letter: DeadLetter) -> list[Event]:
    try:
        events = decode_lines(letter.payload)
    except msgspec.DecodeError as error:
        raise NotReplayable(f"its payload is no event that could be sent again ({error})") from None
    if not events:
        raise NotReplayable("nothing of it was kept")
    return events


def _source_of(letter: DeadLetter, flow: Flow, names: TopicNames) -> str:
    if letter.source in flow.sources:
        return str(letter.source)
    intake = names.of_source(flow.flow, "")
    if letter.step.removeprefix(intake) in flow.sources:
        return letter.step.removeprefix(intake)
    sources = _sources_above(flow, letter.step.split("/")[1]) if "/" in letter.step else []
    if len(sources) == 1:
        return sources[0]
    known = (
        f"one of {', '.join(sources)}"
        if sources
        else f"the step {letter.step!r} is not in the definition any more"
    )
    raise NotReplayable(f"it does not say by which source it came ({known}); name it with --into")


def _sources_above(flow: Flow, name: str) -> list[str]:
    entry = flow.streams.get(name) or flow.alarms.get(name)
    if entry is None:
        return [name] if name in flow.sources else []
    above = [
        source for read in inputs(entry.from_) for source in _sources_above(flow, origin(read))
    ]
    return sorted(set(above))


def _topic_of(flow: Flow, source: str, names: TopicNames) -> tuple[str, int | None]:
    if source not in flow.sources:
        raise NotReplayable(f"the flow has no source {source!r}; it has {', '.join(flow.sources)}")
    settings = flow.sources[source].settings
    if isinstance(settings, PushSource):
        return names.of_source(flow.flow, source), 1
    if isinstance(settings, Topic):
        return settings.topics()[0], settings.new_partitions
    raise NotReplayable(
        f"it came by {source!r}, a {settings.NAME}, into which nothing can be put; send it anew at"
        " its origin"
    )


def _refuse_twice(letter: DeadLetter, flow: Flow) -> None:
    """Refuse an event that would pass a step twice which only takes each event once."""
    _, stream, *step = [*letter.step.split("/"), ""]
    for kind, settings in _steps_before(flow, stream, step[0]):
        if isinstance(settings, Deduplicate):
            # it forgets once in each span
            left = letter.time + 2 * settings.within + CLOCK_LAG - time.time()
            if left > 0:
                raise NotReplayable(
                    f"the step {kind!r} would drop it as a repetition of itself; try again in"
                    f" {left:.0f} s"
                )
        elif kind not in REPEATABLE:
            raise NotReplayable(
                f"it would pass the step {kind!r} a second time, which would change it; send it"
                " anew"
            )


def _steps_before(flow: Flow, name: str, until: str = "") -> Iterator[tuple[str, Any]]:
    entry: Any = flow.streams.get(name) or flow.alarms.get(name)
    for read in inputs(entry.from_) if entry is not None else ():
        yield from _steps_before(flow, origin(read))
    for step in getattr(entry, "steps", ()):
        if step.kind == until:
            return
        yield step.kind, step.settings


class Replay:
    """Sends letters again and marks each once it is durable, so that a replay may stop anywhere.

    `sinks` makes the sinks of the definition when one is needed; `wait` is how many seconds the
    broker or a sink may stay silent.
    """

    def __init__(
        self,
        letters: DeadLetterTopics,
        connection: TopicConnection,
        flow: Flow,
        site: Site,
        sinks: Callable[[], Mapping[str, CompiledSink]],
        wait: float,
    ) -> None:
        self._letters = letters
        self._connection = connection
        self._flow = flow
        self._site = site
        self._sinks = sinks
        self._wait = wait
        self._stopping = threading.Event()
        self._health = Health()
        self._producers: dict[int | None, Producer] = {}
        self._writers: dict[str, Writer] = {}
        self._refused: list[DeadLetter] = []

    def send(self, entry: Entry, into: str | None = None) -> str:
        """Send one letter, mark it, and return where it went.

        Raises `NotReplayable` and `Unreachable`.
        """
        target = target_of(entry.letter, self._flow, self._connection.topic_names, into)
        timer = threading.Timer(self._wait, self._stopping.set)
        timer.start()
        try:
            if target.sink is not None:
                self._write(target.sink, target.events)
            elif target.topic is not None:
                self._put(target.topic, target.key, target.line, target.partitions)
            mark = ReplayMark(
                id=entry.letter.id,
                step=entry.letter.step,
                partition=entry.partition,
                offset=entry.offset,
                time=time.time(),
                to=target.name,
            )
            marks = self._letters.marks_topic(self._flow.flow)
            self._put(marks, mark.id, msgspec.json.encode(mark) + b"\n", 1)
        except Stopped as stopped:
            raise Unreachable(f"gave up after {self._wait:g} s: {stopped}") from None
        finally:
            timer.cancel()
        return target.name

    def _put(self, topic: str, key: str, line: bytes, partitions: int | None) -> None:
        if detail := why_too_large(key, line, self._connection.record_limit):
            raise NotReplayable(
                f"it is still too large: {detail}; raise record_limit, and max.message.bytes of"
                f" {topic}"
            )
        if partitions not in self._producers:
            self._producers[partitions] = Producer(
                self._connection,
                self._health,
                "replay",
                partitions=partitions,
                stopping=self._stopping,
            )
        producer = self._producers[partitions]
        producer.send(topic, key, line, pack=False)
        producer.flush(self._stopping)

    def _write(self, name: str, events: list[Event]) -> None:
        if name not in self._writers:
            self._writers[name] = self._open(name)
        self._refused.clear()
        self._writers[name].write(events)
        self._writers[name].flush()
        if self._refused:
            raise NotReplayable(
                f"{name} refused it again: {self._refused[0].reason}: {self._refused[0].detail}"
            )

    def _open(self, name: str) -> Writer:
        sink = self._sinks()[name]
        model = sink.component.CONNECTION
        connection = (
            self._site.connection(getattr(sink.component, "connection", ""), model)
            if model
            else None
        )
        context = ConnectorContext(
            flow=self._flow.flow,
            name=name,
            connection=connection,
            stopping=self._stopping,
            health=self._health,
            dead_letter=self._refused.append,
            timezone=self._site.zone,
            shape=sink.shape,
            share="replay",  # the flow may be running: other clients and objects than its own
        )
        return sink.component.open(context)

    def close(self) -> None:
        """Close what was opened."""
        for writer in self._writers.values():
            writer.close()
        for producer in self._producers.values():
            producer.close()
