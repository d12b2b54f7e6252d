"""Random and malformed frames and messages on every kind of WebSocket.

The server answers or closes, and stays as it was.
"""

import base64
import json
import random
import socket
import struct
import time
from dataclasses import replace
from typing import Any

import psutil
import pytest

from api.settings import Bounds, Settings
from tests.api.conftest import Start
from tests.api.running import Api, Topics
from tests.api.web.fuzz_record import SECONDS, SEED, recorded
from tests.waiting import PATIENCE, wait_until

LEAK = 48 << 20
WORDS = (
    "subscribe", "unsubscribe", "ping", "auth", "create_page", "create_alarm", "update_alarm",
    "delete_alarm", "trigger_alarm",
    "share_page", "events", "camera_1", "subject:*", "page/x", "readings", "alarms", "\x00", "é",
    "\ud800", "a" * 300,
)  # fmt: skip
KEYS = (
    "type",
    "channels",
    "cursor",
    "token",
    "payload",
    "page_id",
    "alarm_id",
    "name",
    "price",
    "condition",
    "can_view",
)


class Fuzzer:
    """One client that says anything."""

    def __init__(self, api: Api, token: str, dice: random.Random) -> None:
        self._api = api
        self._token = token
        self._dice = dice
        self.sent = 0

    def connect(self) -> None:
        """Open a connection of some kind, say some things, and go, by the book or not."""
        dice = self._dice
        path, headers = dice.choice(
            [
                (
                    "/ws",
                    (
                        "Sec-WebSocket-Protocol: vigie.push.v1\r\nAuthorization: Bearer"
                        f" {self._token}\r\n"
                    ),
                ),
                ("/ws", f"Authorization: Bearer {self._token}\r\n"),
                (f"/ws?token={self._token}", ""),
                (f"/ws/raw/line?token={self._token}", ""),
                ("/ws", ""),
                ("/ws/raw/%00", ""),
                ("/ws?token=x", "Origin: http://elsewhere.example\r\n"),
            ]
        )
        with socket.create_connection(
            ("127.0.0.1", self._api.settings.port), timeout=PATIENCE
        ) as transport:
            key = base64.b64encode(dice.randbytes(16)).decode()
            transport.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {self._api.address}\r\nUpgrade:"
                " websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key:"
                f" {key}\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n".encode()
            )
            status = transport.recv(65536).split(b" ", 2)[1]
            assert status in (b"101", b"403"), status
            try:
                for _ in range(dice.randrange(8)):
                    transport.sendall(self._frame())
                    self.sent += 1
                if dice.random() < 0.5:
                    transport.sendall(frame(8, struct.pack("!H", 1000), dice))
                    transport.settimeout(2)  # for the server it may be a part of an open frame
                    while transport.recv(65536):
                        continue
            except OSError:  # the server closed first
                return

    def _frame(self) -> bytes:
        dice = self._dice
        kind = dice.random()
        if kind < 0.5:
            return frame(1, json.dumps(self._value(0)).encode("utf-8", "surrogatepass"), dice)
        if kind < 0.6:
            return frame(dice.choice((1, 2, 9, 10)), dice.randbytes(dice.randrange(120)), dice)
        if kind < 0.7:
            return frame(
                dice.randrange(16),
                dice.randbytes(dice.randrange(200)),
                dice,
                final=dice.random() < 0.5,
            )
        if kind < 0.8:
            return frame(1, b"[" * dice.choice((10, 5000, 60_000)), dice)
        if kind < 0.85:
            return bytes((0x81, 0xFF)) + struct.pack(
                "!Q", dice.choice((1 << 17, 1 << 40, (1 << 63) + 1))
            )
        return dice.randbytes(dice.randrange(1, 60))

    def _value(self, depth: int) -> Any:
        dice = self._dice
        kind = dice.randrange(8) if depth < 4 else dice.randrange(5)
        if depth == 0 and dice.random() < 0.9:
            kind = 7
        simple: list[Any] = [
            None,
            True,
            dice.choice((0, 1, -1, 2**31, 2**64, 1e308)),
            dice.choice(WORDS),
            dice.random(),
        ]
        if kind < 5:
            return simple[kind]
        if kind < 7:
            return [self._value(depth + 1) for _ in range(dice.randrange(6))]
        found = {dice.choice(KEYS): self._value(depth + 1) for _ in range(dice.randrange(5))}
        return (
            {"type": dice.choice(WORDS), "channels": [dice.choice(WORDS)], **found}
            if depth == 0
            else found
        )


def frame(opcode: int, payload: bytes, dice: random.Random, final: bool = True) -> bytes:
    """A masked frame (RFC 6455, 5.2)."""
    size, mask = len(payload), dice.randbytes(4)
    head = bytes(((0x80 if final else 0) | opcode,))
    head += bytes((0x80 | size,)) if size < 126 else bytes((0xFE,)) + struct.pack("!H", size)
    repeated = (mask * (size // 4 + 1))[:size]
    return (
        head
        + mask
        + (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")
    )


@pytest.fixture
def api(start: Start, settings: Settings, topics: Topics) -> Api:
    api = start(replace(settings, bounds=Bounds(auth_deadline=0.5, close_grace=0.5)))
    api.wait_for_topics(topics.readings, topics.alarms, topics.push)
    return api


def still_serves(api: Api, topics: Topics, token: str) -> None:
    """All clients of the fuzz are gone, and a good one is served."""
    wait_until(lambda: api.health()["clients"] == 0, what="the connections to be let go")
    with api.subscribed(token, "line") as client:
        topics.pushed("line", [{"alive": True}])
        while "alive" not in (said := client.recv(PATIENCE)):
            assert "error" not in said


def test_nothing_that_is_said_harms_the_server(
    api: Api, topics: Topics, caplog: pytest.LogCaptureFixture
) -> None:
    token = api.login()
    fuzzer = Fuzzer(api, token, random.Random(5))
    for _ in range(150):
        fuzzer.connect()
    assert fuzzer.sent > 200
    still_serves(api, topics, token)
    assert [record for record in caplog.records if record.exc_info] == [], (
        "nothing was raised that nobody caught"
    )


@pytest.mark.fuzz
def test_ten_minutes_of_random_messages_leave_no_fault_and_no_leak(
    api: Api, topics: Topics, caplog: pytest.LogCaptureFixture
) -> None:
    token = api.login()
    fuzzer = Fuzzer(api, token, random.Random(SEED))
    process, sizes = psutil.Process(), []
    until = time.monotonic() + SECONDS
    with recorded("websocket") as row:
        while time.monotonic() < until or len(sizes) < 3:
            for _ in range(500):
                fuzzer.connect()
            wait_until(lambda: api.health()["clients"] == 0, what="the connections to be let go")
            sizes.append((process.memory_info().rss, process.num_fds()))
            row |= {"connections": 500 * len(sizes), "sent": fuzzer.sent}
        still_serves(api, topics, token)
        settled = sizes[len(sizes) // 3]
        row |= {
            "rss_growth": (sizes[-1][0] - settled[0]) >> 20,
            "files_growth": sizes[-1][1] - settled[1],
        }
        assert [record for record in caplog.records if record.exc_info] == []
        assert sizes[-1][0] - settled[0] < LEAK
        assert sizes[-1][1] - settled[1] < 50
