"""A real api server in a thread, on a free port, and what tests do with it."""

import contextlib
import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError
from sqlalchemy import update
from websockets.sync import client as websocket
from websockets.sync.client import ClientConnection

from api.app import create_app
from api.database.database import open_database
from api.database.models import User
from api.settings import Bounds, Settings
from api.web.uvicorn_server import make_server
from connectors.kafka.connection import TopicConnection
from connectors.kafka.topic_names import TopicNames
from infra.embedded.ports import free_port
from operators.events import Event, encode_lines
from tests.waiting import PATIENCE, wait_until


@dataclass
class Api:
    """One server. `start` after `stop` serves the same data folder on the same port.

    Unless `changed` is false, its admin's printed password counts as one that was changed.
    """

    settings: Settings
    password: str = ""
    passwords: list[str] = field(default_factory=list)
    changed: bool = True
    _server: uvicorn.Server | None = None
    _thread: threading.Thread | None = None

    def start(self) -> "Api":
        if self.settings.port == 0:
            self.settings = replace(self.settings, port=free_port())
        app = create_app(self.settings, self.passwords.append)
        self.password = self.passwords[0]
        if self.changed:
            _take_passwords_for_changed(self.settings)
        self._server = make_server(app, self.settings)
        self._thread = threading.Thread(target=self._server.run, name="api under test")
        self._thread.start()
        wait_until(lambda: self._server and self._server.started, what="the server to listen")
        return self

    def stop(self) -> None:
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(PATIENCE)
            assert not self._thread.is_alive(), "the server did not stop"
            self._server = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.settings.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def login(self) -> str:
        body = {"username": "admin", "password": self.password}
        answer = httpx.post(f"{self.url}/api/auth/login", json=body, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def get(self, path: str, token: str | None = None, **query: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.get(
            f"{self.url}{path}", params=query or None, headers=headers, timeout=PATIENCE
        )

    def health(self) -> dict[str, Any]:
        return dict(self.get("/health").json())

    def wait_for_topics(self, *topics: str) -> None:
        wait_until(
            lambda: set(topics) <= set(self.health()["broker"]["topics"]),
            what=f"the api to read {topics}",
        )

    def socket(
        self, path: str = "/ws", token: str | None = None, **options: Any
    ) -> ClientConnection:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if path == "/ws":
            options.setdefault("subprotocols", ["vigie.push.v1"])
        return connect(f"ws://{self.address}{path}", additional_headers=headers, **options)

    @contextlib.contextmanager
    def subscribed(self, token: str, *channels: str, **options: Any) -> Iterator[ClientConnection]:
        """A client of the push protocol that has said what it wants and was told so."""
        with self.socket(token=token, **options) as client:
            client.send(json.dumps({"type": "subscribe", "channels": list(channels)}))
            message = receive(client)
            while message["type"] != "subscribed":
                message = receive(client)
            yield client


@dataclass
class Topics:
    """Writes what flows would write."""

    address: str
    prefix: str
    _producer: KafkaProducer | None = None
    _number: int = 0

    @property
    def names(self) -> TopicNames:
        return TopicNames(self.prefix)

    @property
    def readings(self) -> str:
        return f"{self.prefix}readings"

    @property
    def alarms(self) -> str:
        return self.names.alarms

    @property
    def push(self) -> str:
        return self.names.push

    def create(self) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.address)
        for topic in (self.readings, self.alarms, self.push):
            try:
                admin.create_topics([NewTopic(topic, 2, 1)])
            except TopicAlreadyExistsError:
                continue
        admin.close()

    def send(self, topic: str, value: bytes, key: str = "") -> None:
        if self._producer is None:
            self._producer = KafkaProducer(
                bootstrap_servers=self.address,
                enable_idempotence=False,
                max_in_flight_requests_per_connection=1,  # else what is sent again overtakes
                max_request_size=8 << 20,
            )
        self._producer.send(topic, value, key=key.encode() or None)

    def events(self, *events: Event, topic: str | None = None) -> None:
        """Readings go to the topic of readings, alarm transitions to the one of alarms."""
        for event in events:
            own = self.alarms if type(event).__name__ == "AlarmTransition" else self.readings
            self.send(topic or own, encode_lines([event]), getattr(event, "subject", ""))
        self.flush()

    def pushed(
        self,
        channel: str,
        data: Iterable[Any],
        shaped: bool = True,
        subject: str = "s",
        **others: Any,
    ) -> None:
        """Records of the push topic, all in one partition so that their order holds."""
        for item in data:
            self._number += 1
            head = {
                "channel": channel,
                "sink": "live",
                "flow": "f",
                "id": f"p{self._number}",
                "time": 1.0,
            }
            record = {**head, "subject": subject, "shaped": shaped, "data": item, **others}
            self.send(self.push, json.dumps(record).encode() + b"\n", subject)
        self.flush()

    def flush(self) -> None:
        if self._producer:
            self._producer.flush(PATIENCE)

    def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer:
            producer.close(timeout=10)


def _take_passwords_for_changed(settings: Settings) -> None:
    database = open_database(settings.data, settings.database)
    with contextlib.closing(database), database.write() as session:
        session.execute(update(User).values(must_change=False))


def connect(url: str, **options: Any) -> ClientConnection:
    """A connection to a WebSocket, which gives up on no server that has other work to do."""
    return websocket.connect(url, **{"open_timeout": PATIENCE, "ping_interval": None} | options)


def receive(client: ClientConnection, timeout: float = PATIENCE) -> dict[str, Any]:
    """The next message, decoded."""
    return dict(json.loads(client.recv(timeout)))


def receive_event(client: ClientConnection, channel: str, timeout: float = PATIENCE) -> Any:
    """The data of the next event of a channel; passes over everything else."""
    while True:
        message = receive(client, timeout)
        if message["type"] == "event" and message["channel"] == channel:
            return message["data"]


def settings_for(folder: Path, broker: str, topics: Topics, **others: Any) -> Settings:
    """Settings of a server on a free port that reads the topics of one test, and waits long for its
    clients.
    """
    others.setdefault("bounds", Bounds(auth_deadline=PATIENCE, write_deadline=PATIENCE))
    return Settings(
        data=folder,
        port=0,
        broker=TopicConnection(brokers=[broker], prefix=topics.prefix, idempotence=False),
        topics=topics.names,
        reading_topics=(topics.readings,),
        **others,
    )
