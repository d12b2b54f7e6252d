"""Clients on plain sockets that are cut off at random and come back with their last cursor."""

import asyncio
import base64
import contextlib
import json
import os
import random
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

_NUMBER = re.compile(rb'"n": ?(\d+)')
_CURSOR = re.compile(rb'"cursor":"([^"]*)"')


def masked(text: str) -> bytes:
    """A text message as a client sends it (RFC 6455, section 5.3)."""
    payload = text.encode()
    mask = os.urandom(4)
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + struct.pack("!H", size)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def split(buffer: bytearray) -> list[tuple[int, bytes]]:
    """Take the whole frames off the front of a buffer: opcode and payload of each."""
    frames, at, size = [], 0, len(buffer)
    while size - at >= 2:
        length, start = buffer[at + 1], at + 2
        if length == 126 and size - at >= 4:
            length, start = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
        elif length == 127 and size - at >= 10:
            length, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
        elif length > 125:
            break
        if start + length > size:
            break
        frames.append((buffer[at] & 15, bytes(buffer[start : start + length])))
        at = start + length
    del buffer[:at]
    return frames


@dataclass
class Follower:
    """Follows one channel of numbered messages up to the number `last`.

    `got` are the numbers in the order they came; `fresh` counts the connections that did not go on
    where the last ended.
    """

    port: Callable[[], int]
    token: str
    channel: str
    last: int
    dice: random.Random
    got: list[int] = field(default_factory=list)
    connections: int = 0
    fresh: int = 0
    cursor: str | None = None

    async def run(self) -> None:
        while not self.done:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._connect(self.dice.randrange(50, max(51, self.last // 2)))

    @property
    def done(self) -> bool:
        return bool(self.got) and self.got[-1] == self.last

    async def _connect(self, messages: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port(), limit=1 << 20)
        try:
            key = base64.b64encode(os.urandom(16)).decode()
            writer.write(
                "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection:"
                f" Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version:"
                " 13\r\nSec-WebSocket-Protocol: vigie.push.v1\r\nAuthorization: Bearer"
                f" {self.token}\r\n\r\n".encode()
            )
            if b" 101 " not in await reader.readuntil(b"\r\n\r\n"):
                return
            message = {"type": "subscribe", "channels": [self.channel], "cursor": self.cursor}
            writer.write(masked(json.dumps(message)))
            self.connections += 1
            await self._read(reader, len(self.got) + messages)
        finally:
            writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader, until: int) -> None:
        buffer = bytearray()
        while not self.done and len(self.got) < until:
            data = await reader.read(1 << 18)
            if not data:
                return
            buffer += data
            for opcode, payload in split(buffer):
                if opcode == 1:
                    self._hear(payload)

    def _hear(self, payload: bytes) -> None:
        if payload.startswith(b'{"type":"event"'):
            number = _NUMBER.search(payload)
            assert number, payload
            self.got.append(int(number[1]))
        elif payload.startswith(b'{"type":"subscribed"') and b'"recovered":true' not in payload:
            self.fresh += 1
        cursor = _CURSOR.search(payload)
        if cursor:
            self.cursor = cursor[1].decode()


def follow(followers: list[Follower]) -> None:
    """Run all of them until each has the last message."""

    async def together() -> None:
        await asyncio.gather(*(follower.run() for follower in followers))

    asyncio.run(together())
