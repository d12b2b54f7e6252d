"""Dead letters: reading `vigie.dead.FLOW`, and their replays in `vigie.replayed.FLOW`.

A letter is known by its id and the step that refused it. The same one may stand in the topic
several times: written again after a crash, or refused again after a replay. A mark says up to which
offset of the topic it was replayed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import msgspec

from connectors.kafka.connection import TopicConnection
from connectors.kafka.open_consumer import open_consumer
from connectors.kafka.topics.contents import contents, reaching
from operators.events import DeadLetter, decode_lines


class ReplayMark(msgspec.Struct, kw_only=True):
    """A replay of the letter (`id`, `step`) up to `offset` of `partition`, `to` where and when."""

    id: str
    step: str
    partition: int
    offset: int
    time: float
    to: str


@dataclass(frozen=True)
class Entry:
    """A letter in its topic.

    `set_aside` is when it was written (epoch seconds), `times` how often it stands there.
    `replayed` is when it was last replayed; `is_open` that this was not since it was last refused.
    """

    letter: DeadLetter
    partition: int
    offset: int
    set_aside: float
    times: int = 1
    replayed: float | None = None
    is_open: bool = True

    @property
    def key(self) -> tuple[str, str]:
        """Id and step."""
        return self.letter.id, self.letter.step


class DeadLetterTopics:
    """The dead letters of one site, read from its broker. Methods raise `Unreachable`."""

    def __init__(self, connection: TopicConnection) -> None:
        self._connection = connection

    def topic(self, flow: str) -> str:
        """The topic of a flow's dead letters."""
        return self._connection.topic_names.dead_letters(flow)

    def marks_topic(self, flow: str) -> str:
        """The topic of a flow's replays."""
        return self._connection.topic_names.replayed(flow)

    def flows(self) -> list[str]:
        """The flows that have dead letters, or had some."""
        prefix = self.topic("")
        with reaching(self._connection), open_consumer(self._connection) as consumer:
            return sorted(
                name.removeprefix(prefix) for name in consumer.topics() if name.startswith(prefix)
            )

    def entries(
        self,
        flow: str,
        wanted: Callable[[DeadLetter], bool] = lambda letter: True,
        last: int | None = None,
    ) -> list[Entry]:
        """The wanted letters of a flow, each once, oldest first, with all payloads in memory.

        With `last`, only that many records at the end of each partition are looked at.
        """
        marks = {(mark.id, mark.step): mark for mark in self._marks(flow)}
        found: dict[tuple[str, str], Entry] = {}
        for entry in self._letters(flow, last):
            if not wanted(entry.letter):
                continue
            earlier = found.pop(entry.key, None)
            mark = marks.get(entry.key)
            found[entry.key] = replace(
                entry,
                times=earlier.times + 1 if earlier else 1,
                replayed=mark.time if mark else None,
                is_open=mark is None
                or mark.partition != entry.partition
                or mark.offset < entry.offset,
            )
        return sorted(
            found.values(), key=lambda entry: (entry.set_aside, entry.partition, entry.offset)
        )

    def _letters(self, flow: str, last: int | None) -> Iterator[Entry]:
        for record in contents(self._connection, self.topic(flow), last):
            for event in decode_lines(record.value):
                if isinstance(event, DeadLetter):
                    yield Entry(event, record.partition, record.offset, record.time)

    def _marks(self, flow: str) -> Iterator[ReplayMark]:
        decode = msgspec.json.Decoder(ReplayMark).decode_lines
        for record in contents(self._connection, self.marks_topic(flow)):
            yield from decode(record.value)
