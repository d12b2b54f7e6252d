"""What one client may ask for, and what is kept for one that does not read."""

import asyncio
import base64
import contextlib
import json
import os
import socket
import struct
from dataclasses import replace

import psutil
import pytest

from api.accounts.principal import Principal
from api.permissions.visibility import EVERYTHING
from api.push.client import Client
from api.push.hub import Hub
from api.push.opening import Opening
from api.push.protocol import PUSH, PushConversation
from api.push.send_buffer import Frame, SendBuffer
from api.push.subscriptions import PatternsOfSubjects
from api.settings import Bounds, Settings
from api.web.budget import Budget
from tests.api.conftest import Start
from tests.api.push.followers import masked
from tests.api.push.test_hub import Transport, new_hub, update
from tests.api.running import Api, Topics, receive
from tests.waiting import PATIENCE, wait_until

SUBSCRIBE = '{"type":"subscribe","channels":["readings","alarms"]}'
UNSUBSCRIBE = '{"type":"unsubscribe","channels":["readings","alarms"]}'


def member(hub: Hub, account: str = "ann", **bounds: int) -> tuple[Client, Transport]:
    transport = Transport()
    client = Client(
        transport, Bounds(**bounds), Principal(account, account, "viewer", 0.0), EVERYTHING
    )
    hub.join(client)
    return client, transport


async def at_once() -> None:
    return


def conversation(hub: Hub, client: Client) -> PushConversation:
    return PushConversation(hub, client, 64, at_once)


def said(transport: Transport, word: bytes) -> bool:
    return word in b"".join(transport.written)


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_units_come_back_with_time_and_a_debt_takes_longer() -> None:
    now = [0.0]
    budget = Budget(10, 2, lambda: now[0])
    assert budget.spend(10)
    assert not budget.spend(4)
    assert budget.pause() == 2.0
    now[0] = 4.0
    assert (budget.left, budget.pause(reserve=6)) == (4.0, 1.0)
    now[0] = 99.0
    assert budget.whole


def test_a_client_that_does_not_read_gets_no_second_snapshot_while_one_waits() -> None:
    async def talk() -> None:
        hub = new_hub()
        client, transport = member(hub)
        transport.can_write = False
        talking = asyncio.create_task(
            conversation(hub, client).receive(
                json.dumps({"type": "subscribe", "channels": [f"subject:{n}*" for n in range(64)]})
            )
        )
        await settled()
        assert client.waiting == 1  # what it was subscribed to; not even one snapshot
        transport.can_write = True
        client.drain()
        await talking
        assert b"".join(transport.written).count(b'"snapshot"') == 64

    asyncio.run(talk())


def test_while_much_waits_for_one_connection_of_an_account_the_others_get_no_snapshot_yet() -> None:
    async def talk() -> None:
        hub = new_hub(account_size=1000)
        deaf, _ = member(hub)
        other, heard = member(hub)
        stranger, there = member(hub, "bob")
        deaf._transport.can_write = False  # type: ignore[misc]
        deaf.send(b"x" * 2000)
        waiting = asyncio.create_task(conversation(hub, other).receive(SUBSCRIBE))
        await conversation(hub, stranger).receive(SUBSCRIBE)
        await settled()
        assert (said(there, b"snapshot"), said(heard, b"snapshot")) == (True, False)
        hub.sweep()
        assert (deaf.closed, other.closed) == (4429, 0)
        hub.leave(deaf)
        await waiting
        assert said(heard, b"snapshot")

    asyncio.run(talk())


def test_what_waits_is_bounded_in_bytes_whatever_the_number_of_messages() -> None:
    buffer = SendBuffer(Bounds(pending_size=10_000))
    for number in range(10):
        buffer.put(Frame(b"x" * 1000, number if number % 2 else None))
    assert (buffer.overflowed, buffer.size) == (False, 10_000)
    buffer.take(3000)
    assert buffer.size == 7000
    for _ in range(4):
        buffer.put(Frame(b"x" * 1000))
    assert buffer.overflowed


def test_what_was_missed_is_looked_up_in_slices_and_what_comes_meanwhile_is_not_lost() -> None:
    async def talk() -> None:
        hub = new_hub()
        hub.begin("p", (1, 0))
        hub.publish([update(n) for n in range(1, 5001)])
        client, _ = member(hub)
        opening = Opening(hub, client, PUSH, lambda channel, data: b"", at_once)
        asked = asyncio.create_task(opening.missed({"p": (1, 0)}, ["c"]))
        await asyncio.sleep(0)
        hub.publish([update(5001)])
        frames = await asked
        assert frames is not None
        assert len(frames) == 5000
        assert b"5001" in frames[-1]

    asyncio.run(talk())


def test_a_cursor_whose_updates_go_while_they_are_looked_up_is_not_resumed() -> None:
    async def talk() -> None:
        hub = new_hub(replay_updates=3000)
        hub.begin("p", (1, 0))
        hub.publish([update(n) for n in range(2, 3000)])
        client, _ = member(hub)
        opening = Opening(hub, client, PUSH, lambda channel, data: b"", at_once)
        asked = asyncio.create_task(opening.missed({"p": (1, 0)}, ["c"]))
        await asyncio.sleep(0)
        hub.publish([update(n) for n in range(3000, 7000)])
        assert await asked is None

    asyncio.run(talk())


def test_patterns_that_come_and_go_are_found_and_no_subject_is_forgotten_for_it() -> None:
    patterns = PatternsOfSubjects()
    patterns.add("subject:kitchen*")
    assert patterns.matching("kitchen_1") == ["subject:kitchen*"]
    for number in range(5000):
        patterns.add(f"subject:*_{number}")
        if number != 1:
            patterns.remove(f"subject:*_{number}")
    assert patterns.matching("kitchen_1") == ["subject:kitchen*", "subject:*_1"]
    patterns.remove("subject:kitchen*")
    assert patterns.matching("kitchen_1") == ["subject:*_1"]
    assert len(patterns._added) < 3000


# ----------------------------------------------------------------------------
# on a server
def handshake(api: Api, path: str, headers: str) -> socket.socket:
    transport = socket.create_connection(("127.0.0.1", api.settings.port), timeout=PATIENCE)
    key = base64.b64encode(os.urandom(16)).decode()
    transport.sendall(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        head += transport.recv(1)
    assert b" 101 " in head, head
    return transport


def control(opcode: int, payload: bytes = b"") -> bytes:
    return bytes((opcode, 0x80 | len(payload))) + b"\0\0\0\0" + payload


def said_at_the_end(transport: socket.socket) -> bytes:
    """What still comes, up to the reason of a close or the end of the connection."""
    heard = b""
    with contextlib.suppress(ConnectionError):
        while b"too many" not in heard and (data := transport.recv(1 << 16)):
            heard = heard[-200:] + data
    return heard


FLOODS = {
    "subscribing and not": masked(SUBSCRIBE) + masked(UNSUBSCRIBE),
    "one after another": masked('{"type":"subscribe","channels":["a"]}'),
    "asking for what it has": masked('{"type":"subscribe","channels":["a"],"cursor":""}'),
    "pings of the protocol": masked('{"type":"ping"}'),
    "nonsense": masked("x"),
    "long lists": masked(json.dumps({"type": "subscribe", "channels": ["x"] * 5200})),
    "changes": masked('{"type":"delete_alarm","payload":{"alarm_id":"x"}}'),
    "pings of the connection": control(0x89, b"x" * 100),
    "pongs": control(0x8A),
    "pieces of a message": control(0x00),
}
DIALECTS = {
    "push": ("/ws", "Sec-WebSocket-Protocol: vigie.push.v1\r\nAuthorization: Bearer {}\r\n"),
    "video watch": ("/ws", "Authorization: Bearer {}\r\n"),
    "alarm server": ("/ws?token={}", ""),
    "raw": ("/ws/raw/line", "Authorization: Bearer {}\r\n"),
}


SLOWLY = 1.0
"""Units a second: a budget that is spent stays so, however long a machine takes for a flood."""


@pytest.mark.parametrize("dialect", DIALECTS)
def test_whoever_asks_for_more_than_its_share_is_closed_in_every_dialect_by_every_message(
    start: Start, settings: Settings, monkeypatch: pytest.MonkeyPatch, dialect: str
) -> None:
    monkeypatch.setattr("api.web.uvicorn_server.CONTROL_RATE", SLOWLY)
    api = start(replace(settings, bounds=Bounds(message_rate=SLOWLY)))
    token = api.login()
    path, headers = (part.format(token) for part in DIALECTS[dialect])
    for name, flood in FLOODS.items():
        with handshake(api, path, headers) as transport:
            with contextlib.suppress(ConnectionError):
                if name == "pieces of a message":
                    transport.sendall(control(0x01))
                for _ in range(40):
                    transport.sendall(flood * 40)
            heard = said_at_the_end(transport)
            assert struct.pack("!H", 4429) + b"too many messages" in heard, (name, heard)
    assert api.get("/api/auth/me", token).status_code == 200


def test_a_list_that_is_too_long_is_refused_by_its_length(api: Api, token: str) -> None:
    with api.socket(token=token) as client:
        receive(client)
        for kind in ("subscribe", "unsubscribe"):
            client.send(json.dumps({"type": kind, "channels": [{}] * 5200}))
            assert receive(client)["message"] == "more than 64 channels on one connection"


def test_a_viewer_that_reads_nothing_costs_little_memory_on_whatever_connection(
    start: Start, settings: Settings, topics: Topics
) -> None:
    """Snapshots of 2 MB, asked for on twenty connections a hundred times each."""
    api = start(replace(settings, bounds=Bounds(account_size=8 << 20)))
    api.wait_for_topics(topics.readings, topics.push)
    for n in range(100):
        topics.pushed("big", [{"text": "x" * 20_000}], subject=f"s{n}", first="snapshot")
    token = api.login()

    def held() -> int:
        with api.subscribed(token, "big", max_size=None) as client:
            return len(receive(client)["data"])

    wait_until(lambda: held() > 90, what="what was pushed")
    process = psutil.Process()
    before = process.memory_info().rss
    path, headers = DIALECTS["push"]
    with contextlib.ExitStack() as stack:
        deaf = [stack.enter_context(handshake(api, path, headers.format(token))) for _ in range(10)]
        for _ in range(10):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", api.settings.port)))
            one.sendall(
                b"GET /api/stream?channels=big HTTP/1.1\r\nHost: localhost\r\n"
                b"Authorization: Bearer " + token.encode() + b"\r\n\r\n"
            )
        ask = masked('{"type":"subscribe","channels":["big"]}')
        drop = masked('{"type":"unsubscribe","channels":["big"]}')
        for one in deaf:
            one.sendall((ask + drop) * 100)
        wait_until(lambda: api.health()["clients"] >= 10, what="the clients to be there")
        for _ in range(20):
            assert api.get("/api/auth/me", token).status_code == 200
        assert process.memory_info().rss - before < 60 << 20
