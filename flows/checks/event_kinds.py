"""Kinds of events that streams, alarms and topics hold, and so the kind of table they fit in."""

from collections.abc import Iterable

from connectors.clickhouse.components import ClickHouse
from connectors.kafka.components import Topic, TopicSink
from connectors.kafka.topic_names import DEFAULT_NAMES, TopicNames
from flows.language.model import Flow, inputs, origin

Kinds = frozenset[str]
UNKNOWN: Kinds = frozenset({"readings", "alarms", "events"})
DECODED: Kinds = frozenset({"readings", "events"})

_SOURCES: dict[str, Kinds] = {"simulate": frozenset({"readings"})}
_RAW = ("mqtt", "http", "mariadb_binlog", "rtsp", "topic")
_MADE: dict[str, Kinds] = {
    "decode": DECODED,
    "combine": frozenset({"readings"}),
    "window": frozenset({"events"}),
    "correlate": frozenset({"events"}),
    "silence": frozenset({"events"}),
    "notify": frozenset({"events"}),
    "shape": frozenset({"events"}),
    "detect": frozenset({"events"}),
    "alarm": frozenset({"alarms"}),
}
_PASSING = (
    "convert", "debounce", "deduplicate", "drop", "label", "lookup", "motion_gate", "only",
    "rename", "scale", "threshold",
    "track", "translate", "zones",
)  # fmt: skip


class Contents:
    """The kinds of events behind the names of one or several flows.

    Flows that are given together know what is in each other's topics.
    """

    def __init__(self, flows: Iterable[Flow], names: TopicNames = DEFAULT_NAMES) -> None:
        self._flows = list(flows)
        self._topic_names = names
        self._asking: set[str] = set()

    def of(self, flow: Flow, name: str) -> Kinds:
        """The kinds of tables that the events of a name may need.

        One kind is certain; `UNKNOWN` stands for anything.
        """
        base = origin(name)
        if name.endswith(".errors") and base != name:
            return frozenset({"events"})
        if base == "alarms" or base in flow.alarms:
            return frozenset({"alarms"})
        if base in flow.sources:
            return self._of_source(flow, base)
        if base not in flow.streams or (mark := f"{flow.flow}/{base}") in self._asking:
            return UNKNOWN
        self._asking.add(mark)
        try:
            stream = flow.streams[base]
            held: Kinds = frozenset().union(*(self.of(flow, read) for read in inputs(stream.from_)))
            for step in stream.steps:
                if step.kind not in _PASSING:
                    held = _MADE.get(step.kind, UNKNOWN)
        finally:
            self._asking.discard(mark)
        return held

    def _of_source(self, flow: Flow, name: str) -> Kinds:
        source = flow.sources[name]
        if isinstance(source.settings, Topic) and not source.settings.messages:
            return frozenset().union(*(self.of_topic(topic) for topic in source.settings.topics()))
        return frozenset({"events"}) if source.kind in _RAW else _SOURCES.get(source.kind, UNKNOWN)

    def of_topic(self, topic: str) -> Kinds:
        """What is known to be written to a topic."""
        if topic == self._topic_names.alarms:
            return frozenset({"alarms"})
        if topic in self._asking:
            return UNKNOWN
        self._asking.add(topic)
        try:
            held: Kinds = frozenset()
            for flow in self._flows:
                for sink in flow.sinks.values():
                    if isinstance(sink.settings, TopicSink) and sink.settings.name == topic:
                        held = held.union(*(self.of(flow, read) for read in inputs(sink.from_)))
        finally:
            self._asking.discard(topic)
        return held or UNKNOWN

    def of_table(self, flow: Flow, sink: str, settings: ClickHouse) -> str | None:
        """The kind of table that a ClickHouse sink writes; None if definitions leave it open.

        If they leave it open between kinds, a table named after one of them is of that kind.
        """
        if settings.kind:
            return settings.kind
        held: Kinds = frozenset().union(
            *(self.of(flow, read) for read in inputs(flow.sinks[sink].from_))
        )
        if settings.table in held:
            return settings.table
        return next(iter(held)) if len(held) == 1 else None
