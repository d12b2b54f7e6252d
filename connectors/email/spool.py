"""A file in which events wait for their mail.

Neither a crash nor a mail server that is down loses one.
"""

import collections
import os
from pathlib import Path
from typing import BinaryIO

import msgspec

from connectors.runtime.private_files import private_folder, write_private
from operators.events import Event, decode_lines, encode_lines

REMEMBERED = 10_000
COMPACT_BYTES = 4 << 20

EVENT, GROUP, SENT, DONE = b"E ", b"G ", b"S ", b"D "


class MailSpool:
    """Events in order of arrival; the first `group` of them are the mail that is being sent.

    For one user and one thread at a time.

    The file is a log: `E event` adds an event, `G n` makes the first n one mail, `S n` takes the
    first n off, `D id` remembers an event that was sent, so that its repetition after a restart is
    not. Without a path nothing is kept on disk.
    """

    def __init__(self, path: Path | None) -> None:
        self.waiting: collections.deque[Event] = collections.deque()
        self.group = 0
        self._path = path
        self._file: BinaryIO | None = None
        self._sent: dict[str, None] = {}
        self._known: set[str] = set()
        if path is not None:
            private_folder(path.parent)
            self._read(path)
            self._rewrite(path)

    @property
    def durable(self) -> bool:
        """Whether `sync` keeps the events on disk."""
        return self._file is not None

    def add(self, events: list[Event]) -> int:
        """Add the events that are new; returns how many."""
        new = []
        for event in events:
            if event.id not in self._known and event.id not in self._sent:
                self._known.add(event.id)
                new.append(event)
        self.waiting.extend(new)
        if self._file is not None:
            for event in new:
                self._file.write(EVENT + encode_lines([event]))
        return len(new)

    def begin(self, count: int) -> list[Event]:
        """Make the first `count` events one mail and return them."""
        self.group = count
        self._log(GROUP, count)
        return [self.waiting[i] for i in range(count)]

    def end(self) -> None:
        """The mail is sent (or refused for good): forget its events."""
        for _ in range(self.group):
            self._forget(self.waiting.popleft())
        self._log(SENT, self.group)
        self.group = 0
        if self._path is not None and self._file is not None and self._file.tell() > COMPACT_BYTES:
            self._rewrite(self._path)

    def sync(self) -> None:
        """Return when everything is on disk."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _forget(self, event: Event) -> None:
        self._known.discard(event.id)
        self._sent[event.id] = None
        while len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]

    def _log(self, kind: bytes, count: int) -> None:
        if self._file is not None:
            self._file.write(kind + str(count).encode() + b"\n")
            self.sync()

    def _read(self, path: Path) -> None:
        """Replay the log without a last line that was only partly written."""
        try:
            lines = path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return
        for number, line in enumerate(lines, 1):
            kind, rest = line[:2], line[2:]
            try:
                if kind == EVENT:
                    self.add(decode_lines(rest))
                elif kind == GROUP:
                    self.group = min(int(rest), len(self.waiting))
                elif kind == SENT:
                    for _ in range(min(int(rest), len(self.waiting))):
                        self._forget(self.waiting.popleft())
                    self.group = 0
                elif kind == DONE:
                    self._sent[rest.decode()] = None
                else:
                    raise ValueError(f"unknown kind {kind!r}")
            except (ValueError, msgspec.MsgspecError) as error:
                raise ValueError(
                    f"{path}, line {number}: expected a waiting event, got {line[:80]!r} ({error});"
                    " move the file away to go on without the mails that waited"
                ) from error

    def _rewrite(self, path: Path) -> None:
        self.close()
        lines = [DONE + sent.encode() + b"\n" for sent in self._sent]
        lines += [EVENT + encode_lines([event]) for event in self.waiting]
        if self.group:
            lines.append(GROUP + str(self.group).encode() + b"\n")
        write_private(path, b"".join(lines))
        self._file = path.open("ab")
