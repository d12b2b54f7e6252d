"""The socket on which the supervisor answers: a line of JSON each way, in its private folder."""

import contextlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from flows.site.wishes import Wish

NAME = "control.sock"
LONGEST = 8 << 20
WRITE_PATIENCE = 1.0


class NoSupervisor(Exception):
    """Nobody answers; the message has the remedy."""


@contextmanager
def _near(folder: Path) -> Iterator[str]:
    """A short path of the socket: a longer one than 107 bytes has no place in an address."""
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{NAME}"
    finally:
        os.close(handle)


def listen(folder: Path) -> socket.socket:
    """Listen in a folder that only this account may enter."""
    (folder / NAME).unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _near(folder) as path:
        server.bind(path)
    os.chmod(folder / NAME, 0o600)
    server.listen(16)
    server.setblocking(False)
    return server


def ask(folder: Path, wish: Wish, patience: float) -> bytes:
    """The answer of the supervisor whose folder this is; raises `NoSupervisor`."""
    nobody = NoSupervisor(
        f"no `vigie up` answers in {folder}; is it running, and with this --data?"
    )
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(patience)
    try:
        with client, _near(folder) as path:
            client.connect(path)
            client.sendall(msgspec.json.encode(wish) + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                if not (part := client.recv(1 << 16)):
                    raise nobody
                answer += part
            return answer
    except TimeoutError:
        raise NoSupervisor(f"`vigie up` in {folder} gave no answer for {patience:g} s") from None
    except OSError:
        raise nobody from None


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
