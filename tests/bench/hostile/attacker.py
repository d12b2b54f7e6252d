"""`attacker.py KIND PORT TOKEN SECONDS`: one hostile client of the api, as fast as it can.

messages: subscribes and unsubscribes long lists, and comes back as often as it is closed.
unread: asks for snapshots and never reads. slow: requests that never end, on many connections.
"""

import contextlib
import json
import socket
import sys
import time

from websockets import Subprotocol
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

CHANNELS = [f"page/{'x' * 90}{n}" for n in range(300)]
CONNECTIONS = 300


def messages(port: int, token: str, until: float) -> None:
    texts = [
        json.dumps({"type": kind, "channels": CHANNELS}) for kind in ("subscribe", "unsubscribe")
    ]
    while time.monotonic() < until:
        with contextlib.suppress(WebSocketException, OSError), _open(port, token) as client:
            while time.monotonic() < until:
                for text in texts:
                    client.send(text)


def unread(port: int, token: str, until: float) -> None:
    ask = json.dumps({"type": "subscribe", "channels": ["readings", "alarms", "subject:*"]})
    leave = json.dumps({"type": "unsubscribe", "channels": ["readings", "alarms", "subject:*"]})
    while time.monotonic() < until:
        with contextlib.suppress(WebSocketException, OSError), _open(port, token) as client:
            client.socket.settimeout(1)
            while time.monotonic() < until:
                client.send(ask)
                client.send(leave)


def slow(port: int, token: str, until: float) -> None:
    head = f"GET /api/latest HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    held: list[socket.socket] = []
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if len(held) < CONNECTIONS:
                one = socket.create_connection(("127.0.0.1", port), 5)
                one.sendall(head.encode())
                held.append(one)
            else:
                for one in held:
                    one.sendall(b"X: y\r\n")
                time.sleep(0.1)
                continue
            continue
        held = [one for one in held if _lives(one)]


def _lives(one: socket.socket) -> bool:
    try:
        one.sendall(b"X: y\r\n")
    except OSError:
        one.close()
        return False
    return True


def _open(port: int, token: str):  # type: ignore[no-untyped-def]
    return connect(
        f"ws://127.0.0.1:{port}/ws",
        additional_headers={"Authorization": f"Bearer {token}"},
        subprotocols=[Subprotocol("vigie.push.v1")],
        compression=None,
        ping_interval=None,
        max_queue=1,
    )


if __name__ == "__main__":
    kind, port, token, seconds = sys.argv[1:]
    attack = {"messages": messages, "unread": unread, "slow": slow}[kind]
    attack(int(port), token, time.monotonic() + float(seconds))
