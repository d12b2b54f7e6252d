"""The running side of sinks that make an object of each event."""

from collections.abc import Callable
from typing import NamedTuple

from connectors.base import ConnectorContext
from connectors.runtime.batch_writer import BatchWriter
from connectors.s3.archive_writer import PACKERS, line_maker
from connectors.s3.keys import BadKey, KeyTemplate
from connectors.s3.store import Refused
from connectors.s3.uploads import Settings, Uploads
from operators.events import Event


class Content(NamedTuple):
    """What an object holds, and its content type."""

    data: bytes
    type: str


class NoContent(ValueError):
    """An event of which no object can be made: `reason` is one word, the message says why."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


Make = Callable[[Event], Content | None]


def event_object(context: ConnectorContext, compress: str) -> Make:
    """The object of an event in an archive: its line."""
    line = line_maker(context)
    _, type_, pack, _ = PACKERS[compress]
    kind = "application/json" if compress == "none" else type_
    return lambda event: Content(pack(line(event)), kind)


class EachWriter:
    """`make` gives the content of an event's object; events of which it makes none are its to
    count.
    """

    def __init__(self, context: ConnectorContext, settings: Settings, key: str, make: Make) -> None:
        self._keys = KeyTemplate(key)
        self._make = make
        self._left: dict[str, tuple[Event, Content]] = {}
        self._uploads = Uploads(context, settings, key)
        self._writer = BatchWriter(
            context, self._deliver, max_events=200, max_wait=0.05, queue_bound=2_000
        )
        self.write = self._writer.write
        self.flush = self._writer.flush

    def close(self) -> None:
        self._writer.close()
        self._uploads.close()

    def _deliver(self, events: list[Event]) -> None:
        self._uploads.make_ready()
        if not self._left:  # else the same events come again, after a Retry
            self._take(events)
        self._uploads.each(self._put, list(self._left))

    def _take(self, events: list[Event]) -> None:
        for event in events:
            try:
                content = self._make(event)
                if content is not None:
                    self._left[self._keys.key(event)] = (event, content)
            except BadKey as error:
                self._uploads.refuse([event], "bad_key", str(error))
            except NoContent as error:
                self._uploads.refuse([event], error.reason, str(error))

    def _put(self, key: str) -> None:
        event, content = self._left[key]
        try:
            self._uploads.store.put(key, content.data, content.type)
        except Refused as refused:
            self._uploads.refuse([event], "refused", f"the object store refused {key!r}: {refused}")
        del self._left[key]
