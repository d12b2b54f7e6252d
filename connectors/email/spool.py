"""A file in which events wait for their mail.

Neither a crash nor a mail server that is down loses one.
"""

import collections
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from connectors.runtime.line_log import LineLog
from operators.events import Event, decode_lines, encode_lines

REMEMBERED = 10_000

EVENT, GROUP, SENT, DONE, OWED, STILL = b"E ", b"G ", b"S ", b"D ", b"O ", b"T "


@dataclass(eq=False)
class Owed:
    """A mail that some recipients have to wait for: `to` are their addresses.

    It was tried `tries` times, and is to be tried again at `due` (seconds of the monotonic clock).
    """

    events: list[Event]
    to: list[str]
    tries: int = 1
    due: float = 0.0


class MailSpool:
    """Events in order of arrival; the first `group` of them are the mail that is being sent.

    For one user and one thread at a time.

    The file is a log: `E event` adds an event, `G n` makes the first n one mail, `S n` takes the
    first n off, `D id` remembers an event that was sent, so that its repetition after a restart is
    not. `O n addresses` takes the first n off, as a mail that is `owed` to these; `T i addresses`
    says to whom the i-th of those is still owed, if to any. Without a path nothing is kept on disk.
    """

    def __init__(self, path: Path | None) -> None:
        self.waiting: collections.deque[Event] = collections.deque()
        self.group = 0
        self.owed: list[Owed] = []
        self._sent: dict[str, None] = {}
        self._known: set[str] = set()
        self._log = LineLog(path, self._read, self._lines, "an event that waits for its mail")
        self.durable = self._log.durable
        self.sync = self._log.sync
        self.close = self._log.close

    def add(self, events: list[Event]) -> int:
        """Add the events that are new; returns how many."""
        new = self._new(events)
        for event in new:
            self._log.write(_event_line(event))
        return len(new)

    def begin(self, count: int) -> list[Event]:
        """Make the first `count` events one mail and return them."""
        self.group = count
        self._log.write(GROUP + b"%d" % count)
        self.sync()
        return [self.waiting[i] for i in range(count)]

    def end(self) -> None:
        """The mail is sent (or refused for good): forget its events."""
        self._log.write(SENT + b"%d" % self.group)
        self._forget(self.group)
        self.sync()

    def owe(self, to: list[str]) -> Owed:
        """The mail is sent but to these addresses: keep it for them, and forget its events."""
        self._log.write(OWED + b" ".join([b"%d" % self.group, *map(str.encode, to)]))
        owed = self._put_off(self.group, to)
        self.sync()
        return owed

    def still_owed(self, owed: Owed, to: list[str]) -> None:
        """A mail that was owed is by now owed to these addresses only, or to nobody."""
        index = self.owed.index(owed)
        self._log.write(STILL + b" ".join([b"%d" % index, *map(str.encode, to)]))
        self._keep_owing(index, to)
        self.sync()

    def _put_off(self, count: int, to: list[str]) -> Owed:
        owed = Owed([self.waiting[i] for i in range(min(count, len(self.waiting)))], to)
        self.owed.append(owed)
        self._forget(count)
        return owed

    def _keep_owing(self, index: int, to: list[str]) -> None:
        self.owed[index].to = to
        if not to:
            del self.owed[index]

    def _new(self, events: list[Event]) -> list[Event]:
        new = []
        for event in events:
            if event.id not in self._known and event.id not in self._sent:
                self._known.add(event.id)
                new.append(event)
        self.waiting.extend(new)
        return new

    def _forget(self, count: int) -> None:
        for _ in range(min(count, len(self.waiting))):
            event = self.waiting.popleft()
            self._known.discard(event.id)
            self._sent[event.id] = None
        while len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]
        self.group = 0

    def _read(self, line: bytes) -> None:
        kind, rest = line[:2], line[2:]
        if kind == EVENT:
            self._new(decode_lines(rest))
        elif kind == GROUP:
            self.group = min(int(rest), len(self.waiting))
        elif kind == SENT:
            self._forget(int(rest))
        elif kind == DONE:
            self._sent[rest.decode()] = None
        elif kind in (OWED, STILL):
            number, *to = rest.decode().split(" ")
            (self._put_off if kind == OWED else self._keep_owing)(int(number), to)
        else:
            raise ValueError(f"unknown kind {kind!r}")

    def _lines(self) -> Iterator[bytes]:
        owed_ids = {event.id for owed in self.owed for event in owed.events}
        yield from (DONE + sent.encode() for sent in self._sent if sent not in owed_ids)
        for owed in self.owed:
            yield from map(_event_line, owed.events)
            yield OWED + b" ".join([b"%d" % len(owed.events), *map(str.encode, owed.to)])
        yield from map(_event_line, self.waiting)
        if self.group:
            yield GROUP + b"%d" % self.group


def _event_line(event: Event) -> bytes:
    return EVENT + encode_lines([event])[:-1]
