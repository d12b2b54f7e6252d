"""Many WebSocket clients in one process, cheap enough to leave the server the other core.

They count messages by their ends (every message of this benchmark ends alike); a few also take the
time of each. Like every client they answer pings: those that connected first would be cut off
before the last of thousands has come.
"""

import json
import os
import re
import selectors
import socket
import statistics
import threading
import time

from tests.api.push.followers import masked
from tests.waiting import wait_until

_SENT = re.compile(rb'"sent": ?([0-9.]+)')
_PING = b"\x89\x04"
"""A ping as uvicorn sends it, with four bytes; no message of this benchmark has these two in it."""
_UNMASKED_PONG = b"\x8a\x84\x00\x00\x00\x00"
"""Head and mask of the answer; a mask of zeros leaves the four bytes as they are."""
END = b'"end":1}}'
_SNAPSHOT = b'"type":"snapshot"'
"""What tells a client of Vigie that its subscription stands; the peers' clients are subscribed
once connected.
"""
TIMED = 10


class Crowd:
    """`clients` connections to `/ws`, each following one channel; `mute` more that never read.

    Client N follows `channel` with N in the place of `{}`.
    """

    def __init__(
        self,
        port: int,
        clients: int,
        mute: int = 0,
        token: str | None = None,
        channel: str = "busy",
    ) -> None:
        self._channel = channel
        self.messages = 0
        self.delays: list[float] = []
        self._selector = selectors.DefaultSelector()
        self._sockets: list[socket.socket] = []
        self._rests: dict[int, bytes] = {}
        self._timed: set[int] = set()
        self._stopping = False
        self._to_answer: set[int] = set()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        for number in range(clients):
            one = self._connect(port, token, number)
            one.setblocking(False)
            self._rests[one.fileno()] = b""
            if token:
                self._to_answer.add(one.fileno())
            if number < TIMED:
                self._timed.add(one.fileno())
            self._selector.register(one, selectors.EVENT_READ)
        for number in range(mute):
            self._connect(port, token, number, buffer=4096)
        wait_until(lambda: not self._to_answer, 60, "all clients to be subscribed")

    def _connect(self, port: int, token: str | None, number: int, buffer: int = 0) -> socket.socket:
        one = socket.socket()
        if buffer:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        one.settimeout(60)
        one.connect(("127.0.0.1", port))
        lines = ["GET /ws HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade"]
        lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        if token:
            lines += [f"Authorization: Bearer {token}", "Sec-WebSocket-Protocol: vigie.push.v1"]
        one.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += one.recv(4096)
        assert b" 101 " in answer.split(b"\r\n", 1)[0], answer
        if token:
            channels = [self._channel.format(number)]
            one.sendall(masked(json.dumps({"type": "subscribe", "channels": channels})))
        self._sockets.append(one)
        return one

    def _read(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select(0.1):
                descriptor = key.fd
                try:
                    data = os.read(descriptor, 1 << 18)
                except BlockingIOError:
                    continue
                if not data:
                    self._selector.unregister(key.fileobj)
                    continue
                whole = self._rests[descriptor] + data
                if (ping := whole.find(_PING)) >= 0:
                    os.write(descriptor, _UNMASKED_PONG + whole[ping + 2 : ping + 6])
                self.messages += whole.count(END)
                if descriptor in self._to_answer and _SNAPSHOT in whole:
                    self._to_answer.remove(descriptor)
                end = whole.rfind(END)
                self._rests[descriptor] = whole[end + len(END) :] if end >= 0 else whole
                if descriptor in self._timed and end >= 0:
                    now = time.time()
                    self.delays += [now - float(sent) for sent in _SENT.findall(whole[:end])]

    def quantiles(self) -> tuple[float, float]:
        """p50 and p99 in milliseconds of the messages that were timed."""
        cuts = statistics.quantiles(self.delays, n=100)
        return 1000 * cuts[49], 1000 * cuts[98]

    def close(self) -> None:
        self._stopping = True
        self._thread.join(5)
        for one in self._sockets:
            one.close()
