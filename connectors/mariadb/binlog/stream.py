"""A connection to the server on which it sends its binary log."""

import socket
import struct
from collections.abc import Iterator
from typing import Any

import pymysql

from connectors.base import ConnectorError
from connectors.mariadb.binlog.gtids import Gtids, format_gtids
from connectors.mariadb.binlog.packets import FORMAT_DESCRIPTION

RECEIVE_BYTES = 1 << 18
WHOLE_PACKET = 0xFFFFFF
HEARTBEAT_S = 1.0
SILENCE_S = 10.0
LOST_POSITION = 1236
ACCESS_DENIED_FOR_COMMAND = 1227


class PositionLost(Exception):
    """The server has no binary log any more that begins at the position asked for."""


class ServerIdTaken(ConnectorError):
    """Another reader connects with the same number and ends this one's connection."""


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
        with connection.cursor() as cursor:
            cursor.execute(
                "SET @master_binlog_checksum=@@global.binlog_checksum, @mariadb_slave_capability=4"
            )
            cursor.execute("SELECT @master_binlog_checksum")
            self.checksum = 4 if cursor.fetchone()[0] == "CRC32" else 0
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
        """The whole packets received: an OK byte, the event's header from 1 to 20, its body."""
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
        """End a `receive` that waits, from another thread."""
        try:
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            return  # it is closed already

    def close(self) -> None:
        """Close the connection at once."""
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
