"""A WebSocket client of the api, as a browser is one, that counts what it gets."""

import json
import threading

from websockets import Subprotocol
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from infra.demo.log_in import log_in

CHANNELS = ["readings", "alarms", "server_room"]
PATIENCE = 60.0


class Subscriber(threading.Thread):
    """Logs in, subscribes, counts events. `check` raises if the connection ended by itself."""

    def __init__(self, port: int, username: str, password: str) -> None:
        super().__init__(name="WebSocket subscriber", daemon=True)
        self.messages = 0
        self._closing = False
        self._error: Exception | None = None
        self._link = self._subscribe(port, log_in(port, username, password))
        self.start()

    def _subscribe(self, port: int, token: str) -> ClientConnection:
        link = connect(
            f"ws://127.0.0.1:{port}/ws",
            additional_headers={"Authorization": f"Bearer {token}"},
            subprotocols=[Subprotocol("vigie.push.v1")],
            compression=None,
            proxy=None,
            open_timeout=PATIENCE,
        )
        link.send(json.dumps({"type": "subscribe", "channels": CHANNELS}))
        while (answer := json.loads(link.recv(PATIENCE)))["type"] != "subscribed":
            if answer["type"] == "error":
                raise RuntimeError(f"the api refused the subscription: {answer}")
        return link

    def run(self) -> None:
        """Read until the connection ends; the body of the thread."""
        try:
            for text in self._link:
                if json.loads(text)["type"] == "event":
                    self.messages += 1
        except (ConnectionClosed, ValueError, KeyError) as error:
            self._error = error

    def check(self) -> None:
        """Raise `RuntimeError` if the api closed the connection or sent what cannot be read."""
        if not self.is_alive() and not self._closing:
            raise RuntimeError(
                f"the WebSocket connection ended after {self.messages} messages: {self._error!r}"
            )

    def close(self) -> None:
        """Disconnect."""
        self._closing = True
        self._link.close()
        self.join(10)
