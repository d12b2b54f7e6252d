"""The running side of the archive: objects that grow, and never hold a line twice."""

import gzip
import hashlib
import logging
import re
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable

import msgspec
import zstandard

from connectors.base import ConnectorContext
from connectors.runtime.batch_writer import BatchWriter
from connectors.s3.components import Objects
from connectors.s3.keys import BadKey, KeyTemplate
from connectors.s3.store import Refused
from connectors.s3.uploads import Uploads
from operators.events import AlarmTransition, Event

log = logging.getLogger("vigie")

OPEN_SPANS = 1_000
OPEN_BYTES = 64 << 20
MARK_BYTES = 100

Line = Callable[[Event], bytes]
PACKERS: dict[str, tuple[str, str, Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "none": ("", "application/x-ndjson", bytes, bytes),
    "gzip": (
        ".gz",
        "application/gzip",
        lambda data: gzip.compress(data, 6, mtime=0),
        gzip.decompress,
    ),
    "zstd": (
        ".zst",
        "application/zstd",
        lambda data: zstandard.ZstdCompressor(3).compress(data),
        lambda data: zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 30),
    ),
}
"""Compression: ending of the key, content type, there and back."""
_UNPACKERS = {ending: unpack for ending, _, _, unpack in PACKERS.values()}
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)
"""What they raise for a content that is cut short or no longer what it was."""


def line_maker(context: ConnectorContext) -> Line:
    """An event as a line: its JSON, or its shape with its id."""
    encode = msgspec.json.Encoder().encode
    shape = context.shape
    if shape is None:
        return lambda event: encode(event) + b"\n"
    return lambda event: encode({"id": event.id, **shape(event)}) + b"\n"


def digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def mark_of(event: Event, line: bytes) -> bytes:
    """What tells whether an event is there already: its line; of a transition its id, for when
    it was `recorded` may differ if it is made again after a restart."""
    by_id = isinstance(event, AlarmTransition) and _id_of(line) == event.id
    return digest(event.id.encode() if by_id else line)


class _Known(msgspec.Struct):
    """What is read of a line that is there."""

    id: str


_known = msgspec.json.Decoder(_Known).decode


def _id_of(line: bytes) -> str | None:
    """The id in a line; None where its shape has none, or one of another type."""
    try:
        return _known(line).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class Span:
    """The lines of one key: the objects that are full are only counted, the last one is held
    until it is.
    """

    def __init__(self, size: int) -> None:
        self.number = 0
        self.lines: list[bytes] = []
        self.bytes = 0
        self.waiting: list[tuple[bytes, bytes]] = []
        self._size = size
        self._before: set[bytes] = set()
        self._held: set[bytes] = set()

    def read_other(self, content: bytes) -> list[bytes]:
        """Take note of the lines of an object that is not continued here; returns them."""
        lines = content.splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()  # a store that keeps half of what it was given
        self._before.update(map(digest, lines))
        self._before.update(
            digest(id.encode()) for line in lines if (id := _id_of(line)) is not None
        )
        return lines

    def read_back(self, number: int, content: bytes) -> None:
        """Take what an object holds that an earlier process began; objects come in order of
        their numbers.
        """
        lines = self.read_other(content)
        self.number = number
        self.lines, self.bytes = lines, sum(map(len, lines))

    def pass_over(self, number: int) -> None:
        """Leave an object as it is, and go on behind it."""
        self.number = number + 1
        self.lines, self.bytes = [], 0

    def add(self, lines: Iterable[tuple[bytes, bytes]]) -> None:
        """Queue the lines that are new, each behind its mark."""
        for mark, line in lines:
            if mark not in self._before and mark not in self._held:
                self._held.add(mark)
                self.waiting.append((mark, line))

    def write(self, put: Callable[[int, bytes], None]) -> None:
        """Write objects until no line waits. Lines stay queued when `put` raises."""
        while self.waiting:
            if self.lines and self.bytes + len(self.waiting[0][1]) > self._size:
                self._next()
            count, total = 0, self.bytes
            for _, line in self.waiting:
                if total and total + len(line) > self._size:
                    break
                count, total = count + 1, total + len(line)
            lines = self.lines + [line for _, line in self.waiting[:count]]
            put(self.number, b"".join(lines))
            self.lines, self.bytes = lines, total
            del self.waiting[:count]

    @property
    def weight(self) -> int:
        """About how many bytes of memory it needs."""
        return self.bytes + MARK_BYTES * (len(self._before) + len(self._held))

    def _next(self) -> None:
        self.number += 1
        self.lines, self.bytes = [], 0
        self._held = {mark for mark, _ in self.waiting}


class ArchiveWriter:
    """Sorts events into spans, reads back what a span held before this process, and writes the
    objects that changed.
    """

    def __init__(self, context: ConnectorContext, sink: Objects) -> None:
        key = sink.key or f"{context.flow}/{context.name}/{{time:%Y/%m/%d/%H%M}}"
        self._keys = KeyTemplate(key, sink.every)
        self._share = f"-p{context.share}" if context.share else ""
        self._ending, self._type, self._pack, _ = PACKERS[sink.compress]
        self._size = sink.size
        self._line = line_maker(context)
        self._count = context.count
        self._spans: OrderedDict[str, Span] = OrderedDict()
        self._changed: dict[str, list[Event]] = {}
        self._uploads = Uploads(context, sink, key)
        self._writer = BatchWriter(
            context, self._deliver, max_events=10_000, max_wait=1.0, queue_bound=50_000
        )
        self.write = self._writer.write
        self.flush = self._writer.flush

    def close(self) -> None:
        self._writer.close()
        self._uploads.close()

    def _deliver(self, events: list[Event]) -> None:
        self._uploads.make_ready()
        if not self._changed:  # else the same events come again, after a Retry
            self._take(events)
        self._uploads.each(self._write, list(self._changed))
        self._forget()

    def _take(self, events: list[Event]) -> None:
        groups: dict[str, list[Event]] = {}
        bad: list[tuple[Event, str]] = []
        for event in events:
            try:
                groups.setdefault(self._keys.key(event), []).append(event)
            except BadKey as error:
                bad.append((event, str(error)))
        self._uploads.each(self._open, [key for key in groups if key not in self._spans])
        for event, detail in bad:
            self._uploads.refuse([event], "bad_key", detail)
        for key, members in groups.items():
            lines = ((event, self._line(event)) for event in members)
            self._spans[key].add((mark_of(event, line), line) for event, line in lines)
            self._spans.move_to_end(key)
        self._changed = groups

    def _open(self, key: str) -> None:
        """Read back what there is of a key, by this process, by one that had another share, or
        with another compression.
        """
        span = Span(self._size)
        form = re.compile(re.escape(key) + r"(-p\w+)?-(\d{4,})\.jsonl(\.\w+)?")
        found = [
            match
            for name in self._uploads.store.names(f"{key}-")
            if (match := form.fullmatch(name))
        ]
        for match in sorted(found, key=lambda match: int(match[2])):
            name, number, ending = match[0], int(match[2]), match[3] or ""
            unpack = _UNPACKERS.get(ending)
            packed = self._uploads.store.get(name) if unpack else None
            if unpack is None or packed is None:
                continue
            ours = (match[1] or "") == self._share and ending == self._ending
            content = self._unpacked(name, unpack, packed)
            if content is None:
                if ours:
                    span.pass_over(number)
            elif ours:
                span.read_back(number, content)
            else:
                span.read_other(content)
        self._spans[key] = span

    def _unpacked(self, name: str, unpack: Callable[[bytes], bytes], packed: bytes) -> bytes | None:
        """The content of an object; None, and said, where it is damaged: nobody can tell then
        what it held.
        """
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
            self._spans[key].write(put)
        except Refused as refused:
            self._uploads.refuse(
                self._changed[key], "refused", f"the object store refused {key!r}: {refused}"
            )
            del self._spans[key]
        del self._changed[key]

    def _name(self, key: str, number: int) -> str:
        return f"{key}{self._share}-{number:04d}.jsonl{self._ending}"

    def _forget(self) -> None:
        """Let go of the spans not written to for longest; they are read back should they come
        again.
        """
        held = sum(span.weight for span in self._spans.values())
        while len(self._spans) > 1 and (len(self._spans) > OPEN_SPANS or held > OPEN_BYTES):
            held -= self._spans.popitem(last=False)[1].weight
