"""History from a file of JSON lines: events as topics have them, or messages of devices."""

import gzip
import math
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import msgspec

from connectors.base import ConnectorError
from flows.replay.merge import in_order
from flows.replay.player import Piece
from operators.events import Event, Message, Row, decode_lines

BLOCK = 8 << 20
_decode = msgspec.json.Decoder().decode
_RAW = "topic", "payload", "time"


class FileHistory:
    """The events of a file from `start` to before `end` (epoch seconds), in the order of its lines.

    A line is an event with its `kind`; or a device's message, `{"topic": …, "payload": …, "time":
    …}`, whose payload is a text or any JSON and whose time is in epoch seconds or a date, in `zone`
    if it names none. A file that ends in `.gz` is unpacked. A line that is neither is left out and
    told to `warn` at the end, with the first line's number.
    """

    def __init__(
        self,
        path: Path,
        start: float,
        end: float,
        zone: ZoneInfo,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._path, self._start, self._end, self._zone, self._warn = path, start, end, zone, warn
        self._bad: list[tuple[int, str]] = []
        self._bad_count = 0
        self.size = path.stat().st_size if path.is_file() else 0
        self.done = 0

    @property
    def share(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        return min(1.0, self.done / self.size) if self.size else 1.0

    def pieces(self) -> Iterator[Piece]:
        """The events; raises `ConnectorError` for a file that cannot be read."""
        newest = -math.inf
        line = 1
        try:
            for block in self._blocks():
                events = self._events(block, line)
                line += block.count(b"\n")
                start, end = self._start, self._end
                events = [event for event in events if start <= event.time < end]
                if events:
                    piece = in_order(events, newest)
                    newest = piece.times[-1]
                    yield piece
        except (OSError, EOFError) as error:
            raise ConnectorError(
                f"{self._path} cannot be read: {getattr(error, 'strerror', None) or error}"
            ) from error
        if self._bad_count:
            number, why = self._bad[0]
            lines = "a line" if self._bad_count == 1 else f"{self._bad_count} lines"
            self._warn(f"{self._path}: {lines} left out, the first is line {number}: {why}")

    def rows(self) -> list[Event]:
        """The lines of a table, such as rules: objects with an `id`, or events that hold them."""
        rows: list[Event] = []
        for number, line in enumerate(b"".join(self._blocks()).split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                row = _decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise ConnectorError(f"{self._path}:{number}: {error}") from None
            if isinstance(row, dict) and "kind" in row:
                rows += decode_lines(line)
            elif isinstance(row, dict) and row.get("id") not in (None, ""):
                time = 0.0 if math.isinf(self._start) else self._start
                rows.append(
                    Row(
                        id=f"{self._path.name}/{number}",
                        time=time,
                        table=self._path.name,
                        op="update",
                        values=row,
                    )
                )
            else:
                raise ConnectorError(
                    f"{self._path}:{number}: expected a row as a JSON object with an 'id'"
                )
        return rows

    def _blocks(self) -> Iterator[bytes]:
        """The file in pieces that end with a line."""
        with self._path.open("rb") as raw:
            file: BinaryIO = gzip.GzipFile(fileobj=raw) if self._path.suffix == ".gz" else raw  # type: ignore[assignment]
            rest = b""
            while data := file.read(BLOCK):
                self.done = raw.tell()
                whole, newline, tail = data.rpartition(b"\n")
                if newline:
                    yield rest + whole + newline
                    rest = tail
                else:
                    rest += data
            if rest:
                yield rest

    def _events(self, block: bytes, first: int) -> list[Event]:
        try:
            return decode_lines(block)
        except msgspec.DecodeError:
            return [
                event
                for number, line in enumerate(block.split(b"\n"), first)
                for event in self._one(line, number)
            ]

    def _one(self, line: bytes, number: int) -> list[Event]:
        if not line.strip():
            return []
        try:
            found = _decode(line)
            if isinstance(found, dict) and "kind" not in found and "topic" in found:
                return [self._message(found, number)]
            return decode_lines(line)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors, too
            self._bad_count += 1
            if not self._bad:
                self._bad.append((number, str(error)))
            return []

    def _message(self, found: dict[str, Any], number: int) -> Event:
        if missing := [key for key in _RAW if key not in found]:
            raise ValueError(f"a message needs {', '.join(map(repr, missing))}")
        payload, time = found["payload"], found["time"]
        if isinstance(time, str):
            moment = datetime.fromisoformat(time)
            time = (moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).timestamp()
        fields = {
            "kind": "message",
            "id": found.get("id", f"{self._path.name}/{number}"),
            "time": time,
            "topic": found["topic"],
            "retained": found.get("retained", False),
            "labels": found.get("labels", {}),
        }
        message = msgspec.convert(fields, Message)
        message.payload = (
            payload.encode() if isinstance(payload, str) else msgspec.json.encode(payload)
        )
        return message
