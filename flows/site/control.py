"""The supervisor's side of the socket on which it is asked."""

import contextlib
import os
import socket
from pathlib import Path
from typing import Any

import msgspec

from connectors.runtime.supervisor import NAME, Wish, near

LONGEST = 8 << 20
WRITE_PATIENCE = 1.0


def listen(folder: Path) -> socket.socket:
    """Listen in a folder that only this account may enter."""
    (folder / NAME).unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with near(folder) as path:
        server.bind(path)
    os.chmod(folder / NAME, 0o600)
    server.listen(16)
    server.setblocking(False)
    return server


class Asking:
    """One who asks, on the supervisor's side."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.setblocking(False)
        self._read = b""

    def fileno(self) -> int:
        """The socket's, for a selector."""
        return self._connection.fileno()

    def wish(self) -> Wish | None:
        """What is asked, once it is whole; raises `ValueError` or `OSError` for what is none."""
        try:
            part = self._connection.recv(1 << 16)
        except BlockingIOError:
            return None
        self._read += part
        if not part or len(self._read) > LONGEST:
            raise ValueError("it left, or asked for too much")
        if not self._read.endswith(b"\n"):
            return None
        return msgspec.json.decode(self._read, type=Wish)  # type: ignore[no-any-return]

    def answer(self, answer: Any) -> None:
        """Answer, and be done."""
        with contextlib.suppress(OSError), self._connection:
            self._connection.settimeout(WRITE_PATIENCE)
            self._connection.sendall(msgspec.json.encode(answer) + b"\n")

    def close(self) -> None:
        """Leave without an answer."""
        self._connection.close()
