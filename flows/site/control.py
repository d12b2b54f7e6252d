"""The socket on which the supervisor answers: a line of JSON each way, in its private folder."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

NAME = "control.sock"
LONGEST = 8 << 20


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


def ask(folder: Path, question: Mapping[str, Any], patience: float) -> bytes:
    """The answer of the supervisor whose folder this is; raises `NoSupervisor`."""
    nobody = NoSupervisor(
        f"no `vigie up` answers in {folder}; is it running, and with this --data?"
    )
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(patience)
    try:
        with client, _near(folder) as path:
            client.connect(path)
            client.sendall(msgspec.json.encode(question) + b"\n")
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
    """One who asks, on the supervisor's side; the socket never blocks."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        connection.setblocking(False)
        self._read = b""
        self._to_write = b""

    def question(self) -> dict[str, Any] | None:
        """What is asked, once it is whole; raises `ValueError` for what is none, or too long."""
        try:
            part = self.connection.recv(1 << 16)
        except BlockingIOError:
            return None
        self._read += part
        if not part or len(self._read) > LONGEST:
            raise ValueError("it left, or asked for too much")
        if not self._read.endswith(b"\n"):
            return None
        return msgspec.json.decode(self._read, type=dict[str, Any])

    def answer(self, answer: Any) -> None:
        """Answer as far as the other side takes it at once."""
        self._to_write = msgspec.json.encode(answer) + b"\n"
        self.connection.setblocking(True)
        self.connection.settimeout(1.0)
        try:
            self.connection.sendall(self._to_write)
        except OSError:
            return
