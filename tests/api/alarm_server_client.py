"""Accounts, and clients of the alarm server's protocol, for tests of who may see what."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from websockets.sync.client import ClientConnection

from tests.api.running import Api, connect, receive
from tests.waiting import PATIENCE

PASSWORD = "correct horse battery"
ANSWERED = {"create_page": "page_created", "share_page": "page_shared"}
"""Actions that an answer names otherwise."""


class RegisteredAccount:
    """An account that registered itself and logged in by the form."""

    def __init__(self, api: Api, username: str) -> None:
        self.api = api
        self.username = username
        credentials = {"username": username, "password": PASSWORD}
        made = httpx.post(f"{api.url}/register", json=credentials, timeout=PATIENCE)
        assert made.status_code == 200, made.text
        self.id: str = made.json()["id"]
        self.log_in()

    def log_in(self) -> None:
        answer = httpx.post(
            f"{self.api.url}/login",
            data={"username": self.username, "password": PASSWORD},
            timeout=PATIENCE,
        )
        assert answer.status_code == 200, answer.text
        self.token = str(answer.json()["access_token"])

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.request(
            method, f"{self.api.url}{path}", json=body, headers=headers, timeout=PATIENCE
        )

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.ask("POST", path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @contextmanager
    def connected(self) -> Iterator["AlarmServerClient"]:
        """Connected to `/ws?token=`, the initial state heard."""
        with connect(f"ws://{self.api.address}/ws?token={self.token}") as socket:
            yield AlarmServerClient(socket)


class AlarmServerClient:
    """A connection that speaks the alarm server's protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        first = receive(socket)
        assert first["type"] == "initial_state", first
        self.start: dict[str, Any] = first["payload"]

    def say(self, kind: str, **payload: Any) -> None:
        self.socket.send(json.dumps({"type": kind, "payload": payload}))

    def receive(self, kind: str) -> dict[str, Any]:
        """The next message, which must be of this kind."""
        message = receive(self.socket)
        assert message["type"] == kind, message
        return dict(message["payload"])

    def ask(self, kind: str, **payload: Any) -> Any:
        """Say something that succeeds; what comes meanwhile is passed over."""
        self.say(kind, **payload)
        while (message := receive(self.socket))["type"] != "success":
            assert message["type"] != "error", message
        assert message["payload"]["action"] == ANSWERED.get(kind, kind)
        return message["payload"]["data"]

    def refused(self, kind: str, **payload: Any) -> str:
        """Say something that is refused; gives the reason."""
        self.say(kind, **payload)
        while (message := receive(self.socket))["type"] != "error":
            assert message["type"] != "success", message
        return str(message["payload"]["message"])
