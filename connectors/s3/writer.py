"""The running side of the sinks for objects: archives that grow, and an object an event."""

import logging
import re
from collections import OrderedDict
from collections.abc import Callable

from connectors.base import ConnectorContext
from connectors.runtime.batch_writer import BatchWriter
from connectors.s3.contents import DAMAGED, PACKERS, UNPACKERS, Content, Make, NoContent, line_maker
from connectors.s3.keys import BadKey, KeyTemplate
from connectors.s3.settings import Settings
from connectors.s3.span import Span, fingerprint
from connectors.s3.store import ObjectRejected
from connectors.s3.uploads import Uploads
from operators.events import Event

log = logging.getLogger("vigie")

OPEN_SPANS = 1_000
OPEN_BYTES = 64 << 20


class _UploadingWriter:
    """Uploads in batches of events what a subclass makes of them, and tries again what failed."""

    def __init__(
        self,
        context: ConnectorContext,
        settings: Settings,
        key: str,
        *,
        max_events: int,
        max_wait: float,
        queue_bound: int,
    ) -> None:
        self._uploads = Uploads(context, settings, key)
        self._writer = BatchWriter(
            context,
            self._deliver,
            max_events=max_events,
            max_wait=max_wait,
            queue_bound=queue_bound,
            idle=self._uploads.answers,
        )
        self.write = self._writer.write
        self.flush = self._writer.flush

    def close(self) -> None:
        """Stop the threads and close the connections."""
        self._writer.close()
        self._uploads.close()

    def _deliver(self, events: list[Event]) -> None:
        raise NotImplementedError


class ArchiveWriter(_UploadingWriter):
    """Sorts events by key into spans, and writes the objects that changed.

    `key` is the template of the keys; an object has at most `size` bytes before compression, and
    its events are of `every` seconds. What a span held before this process is read back.
    """

    def __init__(
        self,
        context: ConnectorContext,
        settings: Settings,
        key: str,
        every: float,
        size: int,
        compress: str,
    ) -> None:
        self._keys = KeyTemplate(key, every)
        self._share = f"-p{context.share}" if context.share else ""
        self._ending, self._type, self._pack, _ = PACKERS[compress]
        self._size = size
        self._line = line_maker(context)
        self._count = context.count
        self._spans: OrderedDict[str, Span] = OrderedDict()
        self._changed: dict[str, list[Event]] = {}
        self._unreadable: dict[str, ObjectRejected] = {}
        super().__init__(
            context, settings, key, max_events=10_000, max_wait=1.0, queue_bound=50_000
        )

    def _deliver(self, events: list[Event]) -> None:
        self._uploads.make_ready()
        if not self._changed:  # else the same events come again, after a Retry
            self._take(events)
        self._uploads.run(self._write, list(self._changed))
        self._forget()

    def _take(self, events: list[Event]) -> None:
        groups: dict[str, list[Event]] = {}
        bad: list[tuple[Event, str]] = []
        for event in events:
            try:
                groups.setdefault(self._keys.key(event), []).append(event)
            except BadKey as error:
                bad.append((event, str(error)))
        known = self._spans.keys() | self._unreadable.keys()
        self._uploads.run(self._open_if_it_can_be, [key for key in groups if key not in known])
        for event, detail in bad:
            self._uploads.refuse([event], "bad_key", detail)
        for key in groups.keys() & self._unreadable.keys():
            self._refuse(key, groups.pop(key), self._unreadable.pop(key))
        for key, members in groups.items():
            lines = ((event, self._line(event)) for event in members)
            self._spans[key].add((fingerprint(event, line), line) for event, line in lines)
            self._spans.move_to_end(key)
        self._changed = groups

    def _open_if_it_can_be(self, key: str) -> None:
        try:
            self._uploads.attempt(key, lambda: self._open(key))
        except ObjectRejected as rejected:
            self._unreadable[key] = rejected

    def _refuse(self, key: str, events: list[Event], why: ObjectRejected) -> None:
        self._uploads.refuse(events, "refused", f"the object store refused {key!r}: {why}")

    def _open(self, key: str) -> None:
        """Read back what there is of a key, also of other shares and compressions."""
        span = Span(self._size)
        form = re.compile(re.escape(key) + r"(-p\w+)?-(\d{4,})\.jsonl(\.\w+)?")
        found = [
            match
            for name in self._uploads.store.names(f"{key}-")
            if (match := form.fullmatch(name))
        ]
        for match in sorted(found, key=lambda match: int(match[2])):
            name, number, ending = match[0], int(match[2]), match[3] or ""
            unpack = UNPACKERS.get(ending)
            packed = self._uploads.store.get(name) if unpack else None
            if unpack is None or packed is None:
                continue
            ours = (match[1] or "") == self._share and ending == self._ending
            content = self._unpacked(name, unpack, packed)
            if content is None:
                if ours:
                    span.skip(number)
            elif ours:
                span.read_back(number, content)
            else:
                span.read_other(content)
        self._spans[key] = span

    def _unpacked(self, name: str, unpack: Callable[[bytes], bytes], packed: bytes) -> bytes | None:
        """The content of an object; None, with an error in the log, where it is damaged."""
        try:
            return unpack(packed)
        except DAMAGED as error:
            self._count("damaged_object", 1)
            log.error(
                "the object %r is damaged and cannot be unpacked (%s): it stays as it is, and a new"
                " object is begun; what it held is written again only if it comes again. Restore it"
                " from a copy of the bucket, or remove it",
                name,
                error,
            )
            return None

    def _write(self, key: str) -> None:
        def put(number: int, content: bytes) -> None:
            self._uploads.store.put(self._name(key, number), self._pack(content), self._type)

        try:
            self._uploads.attempt(key, lambda: self._spans[key].write(put))
        except ObjectRejected as rejected:
            self._refuse(key, self._changed[key], rejected)
            del self._spans[key]
        del self._changed[key]

    def _name(self, key: str, number: int) -> str:
        return f"{key}{self._share}-{number:04d}.jsonl{self._ending}"

    def _forget(self) -> None:
        """Let go of the spans least recently written; they are read back should they come again."""
        held = sum(span.memory for span in self._spans.values())
        while len(self._spans) > 1 and (len(self._spans) > OPEN_SPANS or held > OPEN_BYTES):
            held -= self._spans.popitem(last=False)[1].memory


class ObjectWriter(_UploadingWriter):
    """Writes an object for each event; events of which `make` makes none are its to count."""

    def __init__(self, context: ConnectorContext, settings: Settings, key: str, make: Make) -> None:
        self._keys = KeyTemplate(key)
        self._make = make
        self._left: dict[str, tuple[Event, Content]] = {}
        super().__init__(context, settings, key, max_events=200, max_wait=0.05, queue_bound=2_000)

    def _deliver(self, events: list[Event]) -> None:
        self._uploads.make_ready()
        if not self._left:  # else the same events come again, after a Retry
            self._take(events)
        self._uploads.run(self._put, list(self._left))

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
            self._uploads.attempt(
                key, lambda: self._uploads.store.put(key, content.data, content.type)
            )
        except ObjectRejected as rejected:
            self._uploads.refuse(
                [event], "refused", f"the object store refused {key!r}: {rejected}"
            )
        del self._left[key]
