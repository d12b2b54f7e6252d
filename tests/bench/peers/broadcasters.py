"""Servers that hand a topic out to WebSocket clients, for comparison.

`python -m tests.bench.peers.broadcasters KIND BROKER PREFIX PORT`.
All read the topic with the api's own feed, so that only the handing out differs. `naive` is a
Starlette endpoint a client and a loop that awaits each send, on uvicorn with its defaults;
`library` is the `websockets` server and its `broadcast`.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.server import ServerConnection, broadcast, serve

from api.metrics import Metrics
from api.push.cursor import Position
from api.push.feed import Feed
from api.push.updates import Update
from api.settings import Settings
from connectors.kafka.connection import TopicConnection
from connectors.kafka.topic_names import TopicNames


class Relay:
    """Takes the feed's updates into the event loop as texts."""

    def __init__(self) -> None:
        self.texts: asyncio.Queue[str] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def begin(self, partition: str, position: Position) -> None: ...

    def forget(self, partitions: set[str]) -> None: ...

    def answered(self, events: object) -> None: ...

    def backfilled(self) -> None: ...

    def publish(self, updates: list[Update]) -> None:
        texts = [
            f'{{"type":"event","channel":"busy","data":{update.data}}}'
            for update in updates
            if update.live
        ]
        self._loop.call_soon_threadsafe(lambda: [self.texts.put_nowait(text) for text in texts])


def feed(broker: str, prefix: str) -> Relay:
    """A relay that is fed by the push topic."""
    settings = Settings(
        Path(),
        broker=TopicConnection(brokers=[broker]),
        topics=TopicNames(prefix),
        reading_topics=(),
    )
    relay = Relay()
    Feed(settings, Metrics(), relay).start()
    return relay


async def naive(broker: str, prefix: str, port: int) -> None:
    clients: set[WebSocket] = set()

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        clients.add(websocket)
        try:
            while True:
                await websocket.receive_text()
        except WebSocketDisconnect:
            clients.discard(websocket)

    app = Starlette(routes=[WebSocketRoute("/ws", endpoint)])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", backlog=4096))
    relay = feed(broker, prefix)

    async def hand_out() -> None:
        while True:
            text = await relay.texts.get()
            for websocket in tuple(clients):
                with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                    await websocket.send_text(text)

    work = asyncio.create_task(hand_out())
    await server.serve()
    work.cancel()


async def library(broker: str, prefix: str, port: int) -> None:
    clients: set[ServerConnection] = set()

    async def endpoint(connection: ServerConnection) -> None:
        clients.add(connection)
        await connection.wait_closed()
        clients.discard(connection)

    relay = feed(broker, prefix)
    async with serve(endpoint, "127.0.0.1", port, compression=None, backlog=4096):
        while True:
            broadcast(clients, await relay.texts.get())


if __name__ == "__main__":
    kind, broker, prefix, port = sys.argv[1:]
    asyncio.run({"naive": naive, "library": library}[kind](broker, prefix, int(port)))
