"""The binary log as the server sends it: one connection, whole packets, and positions (GTIDs)."""

import socket
import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import pymysql

from connectors.base import ConnectorError

QUERY = 2
FORMAT_DESCRIPTION = 15
XID = 16
EXECUTE_LOAD_QUERY = 18
TABLE_MAP = 19
INCIDENT = 26
XA_PREPARE = 38
GTID = 162
QUERY_COMPRESSED = 165
STANDALONE = 1

RECEIVE_BYTES = 1 << 18
WHOLE_PACKET = 0xFFFFFF
HEARTBEAT_S = 1.0
SILENCE_S = 10.0
LOST_POSITION = 1236
ACCESS_DENIED_FOR_COMMAND = 1227

Gtids = dict[int, tuple[int, int]]


class PositionLost(Exception):
    """The server has no binary log any more that begins at the position asked for."""


class ServerIdTaken(ConnectorError):
    """Another reader connects with the same number and ends this one's connection."""


class Rows(NamedTuple):
    """What a row event does: `op`, which version of the header it has, and whether its rows are
    compressed.
    """

    op: str
    version: int
    compressed: bool = False


ROW_EVENTS = {
    23: Rows("insert", 1), 24: Rows("update", 1), 25: Rows("delete", 1),
    30: Rows("insert", 2), 31: Rows("update", 2), 32: Rows("delete", 2),
    166: Rows("insert", 1, True), 167: Rows("update", 1, True), 168: Rows("delete", 1, True),
    169: Rows("insert", 2, True), 170: Rows("update", 2, True), 171: Rows("delete", 2, True),
}  # fmt: skip


def parse_gtids(text: str) -> Gtids:
    """`0-1-100,1-2-7` as {domain: (server, sequence)}."""
    parts = [part.strip().split("-") for part in text.split(",") if part.strip()]
    return {int(domain): (int(server), int(sequence)) for domain, server, sequence in parts}


def format_gtids(gtids: Gtids) -> str:
    return ",".join(
        f"{domain}-{server}-{sequence}" for domain, (server, sequence) in sorted(gtids.items())
    )


def reached(position: Gtids, target: Gtids) -> bool:
    """Whether `position` is at `target` or after it."""
    return all(domain in position and position[domain][1] >= target[domain][1] for domain in target)


def length_coded(data: bytes, offset: int) -> tuple[int, int]:
    """(value, next offset) of a length-coded number."""
    first = data[offset]
    if first < 251:
        return first, offset + 1
    size = {252: 2, 253: 3, 254: 8}[first]
    return int.from_bytes(data[offset + 1 : offset + 1 + size], "little"), offset + 1 + size


def uncompressed(data: bytes, offset: int) -> bytes:
    """The plain bytes of a compressed tail: a byte with the algorithm and length size, the
    length, a zlib stream.
    """
    size = data[offset] & 0x07
    return zlib.decompress(data[offset + 1 + size :])


def query_text(data: bytes, end: int) -> tuple[str, str]:
    """(default database, statement) of a query event."""
    event = data[5]
    schema_length = data[28]
    variables = int.from_bytes(data[31:33], "little")
    start = 33 + (4 + 4 + 4 + 1 if event == EXECUTE_LOAD_QUERY else 0) + variables
    schema = data[start : start + schema_length].decode("utf8", "replace")
    text = data[start + schema_length + 1 : end]
    if event == QUERY_COMPRESSED:
        text = uncompressed(text, 0)
    return schema, text.decode("utf8", "replace")


class Stream:
    """The packets of the binary log from a position on.

    `packets()` never blocks; `receive()` waits for more, at most some ten seconds, and raises
    `OSError` when the server is gone. `interrupt()` ends a wait from another thread.
    """

    def __init__(self, connection: Any, gtids: Gtids, server_id: int) -> None:
        self._connection = connection
        self._socket: socket.socket = connection._sock
        self._buffer = b""
        self._missing = 1
        self.checksum = 0
        with connection.cursor() as cursor:
            cursor.execute(
                "SET @master_binlog_checksum=@@global.binlog_checksum, @mariadb_slave_capability=4"
            )
            cursor.execute("SET @master_heartbeat_period=%s", (int(HEARTBEAT_S * 1e9),))
            cursor.execute("SET @slave_connect_state=%s", (format_gtids(gtids),))
            cursor.execute("SET @slave_gtid_strict_mode=1, @slave_gtid_ignore_duplicates=0")
        self._socket.settimeout(SILENCE_S)
        connection._execute_command(0x12, struct.pack("<IHI", 4, 0, server_id))

    def receive(self) -> None:
        """Wait until there is one whole packet at least."""
        chunks = [self._buffer]
        while self._missing > 0:
            chunk = self._socket.recv(RECEIVE_BYTES)
            if not chunk:
                raise ConnectionResetError("the server closed the connection")
            chunks.append(chunk)
            self._missing -= len(chunk)
        self._buffer = b"".join(chunks)

    def packets(self) -> Iterator[bytes]:
        """The whole packets received: each an OK byte, the event's header from 1 to 20, and its
        body.
        """
        buffer, start, size = self._buffer, 0, len(self._buffer)
        parts: list[bytes] = []
        at = 0
        while True:
            if at + 4 > size:
                missing = at + 4 - size
                break
            length = buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16
            end = at + 4 + length
            if end > size:
                missing = end - size
                break
            data = buffer[at + 4 : end]
            at = end
            if length == WHOLE_PACKET:
                parts.append(data)
                continue
            if parts:
                data = b"".join([*parts, data])
                parts = []
            start = end
            if data[0] or data[5] == FORMAT_DESCRIPTION:
                self._check(data)
            yield data
        self._buffer, self._missing = buffer[start:], missing

    def _check(self, data: bytes) -> None:
        if data[0] == 0xFF:
            raise_error(int.from_bytes(data[1:3], "little"), data[3:].decode("utf8", "replace"))
        if data[0] == 0xFE:
            raise ConnectionResetError("the server ended the binary log stream")
        self.checksum = 4 if data[-5] == 1 else 0

    def interrupt(self) -> None:
        try:
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            return  # it is closed already

    def close(self) -> None:
        self._connection._force_close()


def raise_error(code: int, message: str) -> None:
    """Raise what an error packet of the binary log stream means."""
    text = message[6:] if message.startswith("#") else message
    if code == LOST_POSITION and ("GTID" in text or "purged" in text or "first log file" in text):
        raise PositionLost(text)
    if code == ACCESS_DENIED_FOR_COMMAND:
        raise ConnectorError(
            f"the user may not read the binary log ({text}): it needs the privilege REPLICATION"
            " SLAVE"
        )
    if "same server_id" in text or "server_uuid/server_id" in text:
        raise ServerIdTaken(
            f"another reader uses the same server_id ({text}): give one of them its own `server_id`"
            " in the site file"
        )
    raise pymysql.err.OperationalError(code, text)
