"""The HTTP source as senders meet it: a real listener, real clients, and a store that the test
controls.
"""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from connectors.base import ConnectorError
from connectors.config.site import read_site
from connectors.http.components import Http
from connectors.http.connection import HttpConnection
from connectors.http.receiver import HttpReceiver
from connectors.runtime.signature import key_of, signature
from infra.embedded.ports import free_port
from operators.events import Event, Message, Reading
from tests.connectors.certificate import make_certificate
from tests.connectors.recorder import Recorder
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.service

PIR, SCALE = "pir-token-0123456789", "scale-token-0123456789"
BODY = {
    "type": "motion_detected", "device_id": "pi-1",
    "details": {"event_id": "e-1", "source": "s", "data": {"presence": True},
    "original_timestamp": 1, "mqtt_topic": "t"},
}  # fmt: skip


class Store:
    """Stands for the topic: keeps what is written, and calls it durable at once or when `settle`
    is called.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.holds = False
        self.room = threading.Event()
        self.room.set()
        self._waiting: list[Callable[[], None]] = []

    def write(self, event: Event, durable: Callable[[], None]) -> None:
        assert self.room.wait(60)
        self.events.append(event)
        self._waiting.append(durable)
        if not self.holds:
            self.settle()

    def settle(self) -> None:
        while self._waiting:
            self._waiting.pop(0)()


class Door:
    """A started source and a client of it."""

    def __init__(
        self, recorder: Recorder, connection: dict[str, Any] | None = None, **settings: Any
    ) -> None:
        self.connection = HttpConnection.model_validate(
            {"port": free_port(), "tokens": {"pir": PIR, "scale": SCALE}, **(connection or {})}
        )
        self.store = Store()
        source = Http.model_validate(settings)
        self.path = source.path
        self.receiver = source.receiver(
            recorder.context("posts", self.connection), self.store.write
        )
        self.receiver.start()
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.connection.port}", timeout=PATIENCE
        )

    def post(self, body: Any, token: str | None = PIR, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {
            "Content-Type": "application/json",
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(self.path, content=content, headers=sent)

    def close(self) -> None:
        self.client.close()
        self.receiver.stop()


@pytest.fixture
def doors(recorder: Recorder) -> Iterator[Callable[..., Door]]:
    """Open sources; they are closed after the test."""
    made: list[Door] = []

    def open_door(connection: dict[str, Any] | None = None, **settings: Any) -> Door:
        made.append(Door(recorder, connection, **settings))
        return made[-1]

    yield open_door
    for door in made:
        door.close()


def test_an_object_is_stored_to_the_letter_under_its_own_id(
    doors: Callable[..., Door], recorder: Recorder
) -> None:
    door = doors()
    raw = b' {"device_id": "pi-1",  "type": "X", "details": {"event_id": "e-7", "n": 1.50}} '
    answer = door.post(raw)
    assert (answer.status_code, answer.json()) == (202, {"stored": 1})
    (message,) = door.store.events
    assert isinstance(message, Message)
    assert (message.id, message.topic, message.payload) == ("e-7", "api/events", raw.strip())
    assert abs(message.time - time.time()) < 3600
    assert recorder.counts == {"stored": 1}


def test_a_list_is_stored_in_order_and_a_repetition_has_the_same_ids(
    doors: Callable[..., Door],
) -> None:
    door = doors()
    for _ in range(2):
        assert door.post([{"a": 1}, BODY, {"a": 3}], Idempotency_Key="k").json() == {"stored": 3}
    assert [event.id for event in door.store.events] == ["k.0", "e-1", "k.2"] * 2
    door.post({"a": 1}, Idempotency_Key="k2")
    door.post({"a": 1})
    door.post({"a": 1})
    *_, named, first, second = (event.id for event in door.store.events)
    assert named == "k2" and first != second
    assert door.post([]).json() == {"stored": 0}


def test_templates_make_readings_at_once(doors: Callable[..., Door]) -> None:
    door = doors(
        path="/ingest/quotes", subject="{ticker}", metric="price", value="{price}", time="at"
    )
    assert door.post([
        {"ticker": "EUR/USD", "price": 1.085, "at": "2026-11-18T10:00:00Z"},
        {"ticker": "EUR/GBP", "price": "0.84", "at": 1_795_000_000_000, "id": "not ours"},
    ]).status_code == 202  # fmt: skip
    first, second = door.store.events
    assert isinstance(first, Reading) and isinstance(second, Reading)
    assert (first.subject, first.metric, first.value, first.topic) == (
        "EUR/USD",
        "price",
        1.085,
        "ingest/quotes",
    )
    assert (first.time, second.time, second.value) == (1_794_996_000.0, 1_795_000_000.0, 0.84)
    assert first.id != second.id


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"id": "a"}, "the field 'v.now', which is missing or null"),
        ({"id": "a", "v": {"now": None}}, "the field 'v.now', which is missing or null"),
        ({"id": "", "v": {"now": 1}}, "expected a subject of 1 to 512 characters, got ''"),
        (
            {"id": "a", "v": {"now": []}},
            "expected a number, a text, true or false as the value, got list",
        ),
        ({"id": "a", "v": {"now": 10**400}}, "expected a number that 64 bits can hold"),
        (7, "expected an object, got a number"),
    ],
)
def test_one_bad_object_refuses_the_whole_list_and_says_which(
    doors: Callable[..., Door], item: Any, says: str
) -> None:
    door = doors(subject="{id}", value="{v.now}")
    answer = door.post([{"id": "a", "v": {"now": 1}}, item])
    assert (
        answer.status_code == 400 and answer.json()["item"] == 1 and says in answer.json()["error"]
    )
    assert not door.store.events


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"a": 1,\n "b": }', "expected JSON; line 2, column 7"),
        (b"", "expected JSON; "),
        (b'"text"', "expected an object or a list of objects, got a text"),
        (b'{"a": "\xff"}', "expected UTF-8; byte 7 is 0xff"),
        ('[{"a": "é"}, {"bc": "d\xe9'.encode() + b'\xc3"}]', "expected UTF-8; byte 25 is 0xc3"),
        (b"[" * 100_000, "expected"),
    ],
)
def test_what_is_not_json_is_refused_with_the_place(
    doors: Callable[..., Door], body: bytes, says: str
) -> None:
    door = doors()
    answer = door.post(body)
    assert answer.status_code == 400 and says in answer.json()["error"]
    assert not door.store.events


def test_only_known_senders_may_post_and_only_where_they_are_named(
    doors: Callable[..., Door], recorder: Recorder
) -> None:
    door = doors(senders=["pir"])
    for token in (None, "", "wrong", PIR[:-1], PIR + "x"):
        answer = door.post(BODY, token)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    assert door.post(BODY, None, Authorization=f"Basic {PIR}").status_code == 401
    assert door.post(BODY, SCALE).status_code == 403
    assert door.post(BODY, PIR).status_code == 202
    assert len(door.store.events) == 1
    assert recorder.counts == {"refused:401": 6, "refused:403": 1, "stored": 1}


def test_a_signed_post_is_taken_and_its_id_is_that_of_the_event(doors: Callable[..., Door]) -> None:
    secret = "a secret that is long enough"
    door = doors({"tokens": {}, "secret": secret})
    body, stamp = b'{"a": 1}', str(int(time.time()))
    headers = {"webhook_id": "w1", "webhook_timestamp": stamp}
    good = signature(key_of(secret), "w1", int(stamp), body)
    assert door.post(body, None, **headers, webhook_signature=f"v1,AAAA {good}").status_code == 202
    assert [event.id for event in door.store.events] == ["w1"]
    assert door.post(body, None, **headers, webhook_signature="v1,AAAA").status_code == 401
    assert door.post(body + b" ", None, **headers, webhook_signature=good).status_code == 401
    assert door.post(body, None).status_code == 401


def test_other_methods_paths_and_kinds_are_refused(doors: Callable[..., Door]) -> None:
    door = doors()
    got = door.client.get(door.path)
    assert (
        got.status_code == 405
        and got.headers["allow"] == "POST"
        and got.json() == {"error": "expected POST"}
    )
    assert door.client.post("/elsewhere").json() == {"error": "nothing takes posts to /elsewhere"}
    assert door.post(b"a=1", Content_Type="application/x-www-form-urlencoded").status_code == 415
    assert door.post(BODY, Content_Encoding="gzip").status_code == 415
    assert (
        door.post(BODY, Content_Type="application/cloudevents+json; charset=utf-8").status_code
        == 202
    )


def test_a_refusal_arrives_although_the_body_was_not_wanted(doors: Callable[..., Door]) -> None:
    """A server that closes a connection with unread bytes resets it, and takes the answer back."""
    door = doors()
    body = b"x" * 900_000
    lines = (
        f"POST {door.path} HTTP/1.1",
        "Host: localhost",
        f"Content-Length: {len(body)}",
        "\r\n",
    )
    head = "\r\n".join(lines).encode()
    with socket.create_connection(("127.0.0.1", door.connection.port), timeout=PATIENCE) as sender:
        sender.sendall(head + body)
        answer = b""
        while piece := sender.recv(4096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 401 ")


def test_what_is_too_large_is_refused(doors: Callable[..., Door]) -> None:
    door = doors({"max_body": 400_000})
    assert door.post(b" " * 400_001).status_code == 413
    headers = {"Authorization": f"Bearer {PIR}", "Content-Type": "application/json"}
    chunks = (b" " * 100_000 for _ in range(5))
    assert door.client.post(door.path, content=chunks, headers=headers).status_code == 413
    answer = door.post([{"a": 1}, {"a": "x" * 300_000}])
    assert answer.status_code == 413 and answer.json()["item"] == 1
    assert not door.store.events


def test_a_store_that_takes_nothing_is_answered_503_in_time_and_keeps_the_order(
    doors: Callable[..., Door],
) -> None:
    door = doors({"wait": 1})
    door.store.room.clear()
    try:
        full = door.post({"id": "a"}, Idempotency_Key="a")
        assert full.status_code == 503 and full.headers["retry-after"] == "5"
        again = door.post({"id": "b"}, Idempotency_Key="b")
        assert again.status_code == 503 and again.headers["retry-after"] == "5"
    finally:
        door.store.room.set()
    wait_until(lambda: door.post({"id": "c"}, Idempotency_Key="c").status_code == 202, what="room")
    assert door.store.events[0].id == "a"
    assert door.store.events[-1].id == "c"


def test_the_answer_comes_when_everything_is_stored_and_not_before(
    doors: Callable[..., Door],
) -> None:
    door = doors({"wait": 1})
    door.store.holds = True
    late = door.post(BODY)
    assert late.status_code == 503 and late.headers["retry-after"] == "5"
    assert "could not be stored within 1 s" in late.json()["error"]
    at_once = door.post(BODY)
    assert "cannot be stored now" in at_once.json()["error"] and len(door.store.events) == 1
    door.store.holds = False
    door.store.settle()
    wait_until(lambda: door.post(BODY).status_code == 202, what="the store to be trusted again")


def test_too_much_under_way_is_refused_until_it_is_stored(
    doors: Callable[..., Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.http.receiver.UNDER_WAY", 1000)
    door = doors({"wait": 60})
    door.store.holds = True
    with ThreadPoolExecutor(1) as others:
        first = others.submit(door.post, [{"a": "x" * 800}])
        wait_until(lambda: door.store.events, what="the first post")
        answer = door.post({"a": "x" * 300})
        assert answer.status_code == 429 and answer.headers["retry-after"] == "1"
        door.store.holds = False
        door.store.settle()
        assert first.result().status_code == 202
    wait_until(lambda: door.post({"a": "x" * 300}).status_code == 202, what="room")


@pytest.mark.parametrize(
    "sent", [b"", b"POST /api/events HTTP/1.1\r\nHost: localhost\r\n", b"whole header"]
)
def test_a_slow_client_is_cut_off_and_others_are_served_meanwhile(
    doors: Callable[..., Door], sent: bytes
) -> None:
    door = doors({"timeout": 1})
    if sent == b"whole header":
        sent = (
            f"POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {PIR}\r\n"
            "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        ).encode()
    with socket.create_connection(("127.0.0.1", door.connection.port), timeout=PATIENCE) as slow:
        slow.sendall(sent)
        assert door.post(BODY).status_code == 202
        answer = b""
        try:
            while chunk := slow.recv(4096):
                answer += chunk
        except ConnectionResetError:
            pass
        assert answer.startswith(b"HTTP/1.1 408") if sent.endswith(b"{") else answer == b""


def test_connections_over_the_limit_are_sent_away(doors: Callable[..., Door]) -> None:
    door = doors({"connections": 2})
    held = [socket.create_connection(("127.0.0.1", door.connection.port)) for _ in range(2)]
    for connection in held:
        connection.sendall(b"POST")
    with socket.create_connection(("127.0.0.1", door.connection.port), timeout=PATIENCE) as third:
        third.sendall(b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        answer = b"".join(iter(lambda: third.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 503") and b"\r\nRetry-After: 1\r\n" in answer
        third.sendall(b"}")
    for connection in held:
        connection.close()
    wait_until(lambda: door.post(BODY).status_code == 202, what="room")


def test_those_who_stay_although_they_were_sent_away_are_no_more_than_those_let_in(
    doors: Callable[..., Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.http.connection_caps.LINGER", 60)
    door = doors({"connections": 1})
    with contextlib.ExitStack() as stack:
        held, sent_away, cut = (
            stack.enter_context(
                socket.create_connection(("127.0.0.1", door.connection.port), timeout=PATIENCE)
            )
            for _ in range(3)
        )
        assert sent_away.recv(4096).startswith(b"HTTP/1.1 503")
        assert cut.recv(4096) == b""
        held.sendall(b"POST")


def test_sources_of_one_connection_share_its_port(
    doors: Callable[..., Door], recorder: Recorder
) -> None:
    connection = HttpConnection.model_validate({"port": free_port(), "tokens": {"pir": PIR}})
    first, second = Store(), Store()
    context = recorder.context("posts", connection)
    receivers = [
        Http(path="/a").receiver(context, first.write),
        Http(path="/b").receiver(context, second.write),
    ]
    with pytest.raises(ConnectorError, match="another source takes the posts to /a already"):
        Http(path="/a").receiver(context, first.write)
    other = recorder.context("posts", connection.model_copy(update={"wait": 3}))
    with pytest.raises(ConnectorError, match="two connections of the site file listen on"):
        Http(path="/c").receiver(other, first.write)
    for receiver in receivers:
        receiver.start()
    headers = {"Authorization": f"Bearer {PIR}"}
    base = f"http://127.0.0.1:{connection.port}"
    wait_until(
        lambda: (
            httpx.post(f"{base}/a", json={"x": 1}, headers=headers, timeout=PATIENCE).status_code
            == 202
        ),
        what="the listener",
    )
    assert (
        httpx.post(f"{base}/b", json={"x": 2}, headers=headers, timeout=PATIENCE).status_code == 202
    )
    receivers[0].stop()
    assert len(first.events) == len(second.events) == 1
    receivers[1].stop()
    with pytest.raises(httpx.ConnectError):
        httpx.post(f"{base}/b", json={"x": 2}, headers=headers, timeout=PATIENCE)


def test_a_port_that_is_taken_is_said_with_the_remedy(recorder: Recorder) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(
            ConnectorError,
            match=r"cannot listen on 127\.0\.0\.1:\d+ .*another program may have the port",
        ),
    ):
        Door(recorder, {"port": other.getsockname()[1]})


def test_an_encrypted_listener(recorder: Recorder, tmp: Path) -> None:
    made = make_certificate(tmp)
    connection = HttpConnection.model_validate(
        {"port": free_port(), "tokens": {"pir": PIR}, "cert": str(made.cert), "key": str(made.key)}
    )
    store = Store()
    receiver = Http().receiver(recorder.context("posts", connection), store.write)
    assert isinstance(receiver, HttpReceiver)
    receiver.start()
    trust = ssl.create_default_context(cafile=str(made.cert))
    with httpx.Client(
        verify=trust, headers={"Authorization": f"Bearer {PIR}"}, timeout=PATIENCE
    ) as client:
        url = f"https://127.0.0.1:{connection.port}/api/events"
        assert client.post(url, json=BODY).status_code == 202
    receiver.stop()
    wrong = connection.model_copy(update={"cert": str(tmp / "none.pem"), "port": free_port()})
    refused = Http().receiver(recorder.context("posts", wrong), store.write)
    with pytest.raises(ConnectorError, match="check 'cert' and 'key'"):
        refused.start()
    refused.stop()


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({}, "nobody may post"),
        ({"tokens": {"pir": "short"}}, "at least 16 printable"),
        ({"tokens": {"pir": PIR}, "cert": "c.pem"}, "belong together"),
        ({"secret": "short"}, "at least 24 bytes"),
    ],
)
def test_a_connection_without_safe_senders_is_refused(written: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as refused:
        HttpConnection.model_validate(written)
    assert PIR not in str(refused.value)


def test_senders_must_be_known(recorder: Recorder) -> None:
    connection = HttpConnection.model_validate({"tokens": {"pir": PIR}})
    with pytest.raises(ConnectorError, match="got scale; known: pir"):
        Http(senders=["scale"]).receiver(recorder.context("posts", connection), Store().write)


def test_a_token_in_clear_in_the_site_file_is_warned_of_and_not_shown(tmp: Path) -> None:
    path = tmp / "site.yaml"
    path.write_text(f"vigie: 1\nsite: a\nconnections:\n  http: {{tokens: {{pir: {PIR}}}}}\n")
    document, site = read_site(path)
    assert site is not None and "write ${HTTP_TOKENS_PIR}" in document.report()
    assert PIR not in document.report()
