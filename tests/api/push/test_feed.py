import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jwt
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from api.settings import Bounds, Settings
from connectors.base import ConnectorContext
from connectors.kafka.connection import TopicConnection
from connectors.kafka.push_sink import WebSocket
from infra.embedded.broker import Broker
from operators.events import Occurrence
from operators.model.template import Shape
from tests.api.conftest import Start
from tests.api.events import alarm, reading
from tests.api.running import Api, Topics, receive, receive_event
from tests.waiting import PATIENCE, wait_until


def close_of(client: ClientConnection, timeout: float = PATIENCE) -> tuple[int, str]:
    """Code and reason the server closed with; passes over what it says before."""
    end = None
    while end is None:
        try:
            client.recv(timeout)
        except ConnectionClosed as closed:
            end = closed
    assert end.rcvd, "the connection was cut without a word"
    return end.rcvd.code, end.rcvd.reason


@contextlib.contextmanager
def first_message(api: Api, text: str) -> Iterator[ClientConnection]:
    with api.socket() as client:
        client.send(text)
        yield client


def test_a_token_in_the_header_or_in_the_first_message_is_accepted(api: Api, token: str) -> None:
    with api.socket(token=token) as client:
        assert receive(client) == {"type": "ready"}
    with first_message(api, json.dumps({"type": "auth", "token": token})) as client:
        assert receive(client) == {"type": "ready"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        '{"type":"auth"}',
        '{"type":"auth","token":7}',
        '{"type":"subscribe","channels":["readings"]}',
    ],
)
def test_a_first_message_without_a_token_is_answered_with_what_was_expected(
    api: Api, text: str
) -> None:
    with first_message(api, text) as client:
        assert close_of(client) == (4401, 'the first message must be {"type":"auth","token":"..."}')


def test_expired_forged_and_unsigned_tokens_are_refused_with_a_reason(api: Api, token: str) -> None:
    claims = jwt.decode(token, options={"verify_signature": False})
    key = (api.settings.data / "api.keys" / "1.key").read_bytes()
    kid = {"kid": "1"}
    expired = jwt.encode({**claims, "exp": 1}, key, algorithm="HS256", headers=kid)
    forged = jwt.encode(claims, b"x" * 32, algorithm="HS256", headers=kid)
    unsigned = jwt.encode(claims, None, algorithm="none", headers=kid)
    nobody = jwt.encode({**claims, "sub": "99"}, key, algorithm="HS256", headers=kid)
    reasons = {
        expired: "the token has expired; log in again",
        forged: "the token is not valid; log in again",
        unsigned: "the token is not valid; log in again",
        nobody: "logged out, or the account is disabled; log in again",
    }
    for bad, reason in reasons.items():
        with first_message(api, json.dumps({"type": "auth", "token": bad})) as client:
            assert close_of(client) == (4401, reason)
        for path in (f"/ws/raw/x?token={bad}",):
            with api.socket(path) as client:
                assert close_of(client) == (4401, reason)
        with api.socket(token=bad) as client:
            assert close_of(client) == (4401, reason)


def test_a_raw_client_without_a_token_is_refused(api: Api) -> None:
    with api.socket("/ws/raw/server_room") as client:
        assert close_of(client) == (4401, "no token; log in at /api/auth/login")


def test_a_client_that_says_nothing_is_closed_at_the_deadline(
    start: Start, settings: Settings
) -> None:
    api = start(replace(settings, bounds=Bounds(auth_deadline=0.2)))
    with api.socket() as client:
        assert close_of(client) == (4401, "no token within 0.2 s")


def test_a_connection_ends_with_its_token(start: Start, settings: Settings) -> None:
    api = start(replace(settings, token_lifetime=2))
    with api.socket(token=api.login()) as client:
        assert close_of(client) == (4401, "the token has expired; log in again")


def test_a_subscriber_gets_a_snapshot_and_then_every_event(
    api: Api, topics: Topics, token: str
) -> None:
    topics.events(reading(1), reading(2, metric="humidity", unit="%"), alarm(1))
    wait_until(
        lambda: api.health()["signals"] == 2 and api.health()["alarms"] == 1,
        what="the events in the memory",
    )
    with api.socket(token=token) as client:
        assert receive(client) == {"type": "ready"}
        client.send('{"type":"subscribe","channels":["readings","alarms","readings"]}')
        assert receive(client) == {"type": "subscribed", "channels": ["readings", "alarms"]}
        snapshot = receive(client)
        assert (snapshot["type"], snapshot["channel"]) == ("snapshot", "readings")
        assert [(r["metric"], r["value"], r["quality"]) for r in snapshot["data"]] == [
            ("humidity", 21.5, "good"),
            ("temperature", 21.5, "good"),
        ]
        snapshot = receive(client)
        assert snapshot["channel"] == "alarms"
        assert [(a["alarm"], a["state"], a["limit"], a["flags"]) for a in snapshot["data"]] == [
            ("too_hot", "unacked", 30.0, [])
        ]
        topics.events(reading(3, 22.0), alarm(2, "C"))
        events = [receive(client), receive(client)]
        assert {event["type"] for event in events} == {"event"}
        by_channel = {event["channel"]: event["data"] for event in events}
        assert by_channel["readings"] == {
            "kind": "reading", "id": "r3", "time": 3.0, "subject": "rack", "metric": "temperature",
            "value": 22.0,
            "unit": "°C", "quality": "good",
        }  # fmt: skip
        assert by_channel["alarms"]["state"] == "acked"
        assert by_channel["alarms"]["severity"] == "warning"


def test_only_readings_are_on_the_channel_of_readings(api: Api, topics: Topics, token: str) -> None:
    with api.subscribed(token, "readings") as client:
        topics.send(topics.readings, b"not an event\n", "rack")
        press = Occurrence(id="o1", time=1.0, subject="rack", type="button_pressed")
        topics.events(press, topic=topics.readings)
        topics.events(reading(1, quality="bad", value=None))
        assert receive_event(client, "readings")["quality"] == "bad"
    assert (
        f'vigie_api_undecodable_total{{topic="{topics.readings}"}} 1.0' in api.get("/metrics").text
    )


def test_a_channel_named_by_a_flow_carries_its_data(api: Api, topics: Topics, token: str) -> None:
    with api.subscribed(token, "desk/eur") as client, api.subscribed(token, "readings") as other:
        topics.pushed("desk/eur", [{"a": 1.5}, {"b": ["é"]}], shaped=False)
        topics.events(reading(1))
        assert receive_event(client, "desk/eur") == {"a": 1.5}
        assert receive_event(client, "desk/eur") == {"b": ["é"]}
        assert receive_event(other, "readings")["id"] == "r1"


def test_a_new_subscriber_gets_the_last_of_each_subject_of_a_channel_first(
    api: Api, topics: Topics, token: str
) -> None:
    with api.subscribed(token, "rooms") as client:
        snapshot = receive(client)
        assert (snapshot["type"], snapshot["channel"], snapshot["data"]) == (
            "snapshot",
            "rooms",
            [],
        )
        topics.pushed("rooms", [{"n": 1}, {"n": 2}], subject="a")
        topics.pushed("rooms", [{"n": 3}], subject="b")
        topics.pushed("rooms", [{"n": 4}], subject="c", first="nothing")
        assert sorted(receive_event(client, "rooms")["n"] for _ in range(4)) == [1, 2, 3, 4]
        with api.subscribed(token, "rooms") as late:
            snapshot = receive(late)
    assert snapshot["type"] == "snapshot"
    assert sorted(item["n"] for item in snapshot["data"]) == [2, 3]


def test_what_the_websocket_sink_of_a_flow_writes_reaches_clients_in_its_shape(
    api: Api, broker: Broker, topics: Topics, token: str
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=topics.prefix)
    shape = Shape({"entity_id": "{subject}", "state": "{raw}", "date_heure": "{time}"})
    context = ConnectorContext(
        flow="server_room",
        name="live",
        connection=connection,
        shape=shape.render,
    )
    writer = WebSocket(channel="server_room").open(context)
    with api.socket("/ws/raw/server_room", token) as client:
        wait_until(lambda: api.health()["clients"] == 1, what="the client to be known")
        writer.write([reading(1_767_639_600, 21.5, subject="sensor.server_room_rack", raw="21.50")])
        writer.flush()
        assert (
            client.recv(PATIENCE)
            == '{"entity_id": "sensor.server_room_rack", "state": "21.50", "date_heure":'
            ' "2026-01-05T19:00:00.000Z"}'
        )
    writer.close()


def test_after_unsubscribing_nothing_more_comes(api: Api, topics: Topics, token: str) -> None:
    with api.subscribed(token, "one", "two") as client:
        client.send('{"type":"unsubscribe","channels":["one"]}')
        topics.pushed("two", [{"n": 1}])
        assert receive_event(client, "two") == {"n": 1}
        topics.pushed("one", [{"n": 2}])
        topics.pushed("two", [{"n": 3}])
        event = receive(client)
        assert (event["type"], event["channel"], event["data"]) == ("event", "two", {"n": 3})


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("nonsense", "not JSON"),
        ('{"type":"subscribe","channels":["\\ud800"]}', "not JSON"),
        ("[]", "type is None"),
        (
            '{"type":"subscibe"}',
            "type is 'subscibe'; this server knows subscribe, unsubscribe and ping",
        ),
        ('{"type":"subscribe","channels":"readings"}', "channels must be a list of names"),
        ('{"type":"subscribe","channels":[""]}', "channels must be a list of names"),
        (
            json.dumps({"type": "subscribe", "channels": [str(n) for n in range(65)]}),
            "more than 64 channels",
        ),
    ],
)
def test_what_is_not_understood_is_answered_and_the_connection_stays(
    api: Api, token: str, text: str, answer: str
) -> None:
    with api.socket(token=token) as client:
        assert receive(client) == {"type": "ready"}
        client.send(text)
        error = receive(client)
        assert error["type"] == "error"
        assert answer in error["message"]
        client.send('{"type":"ping"}')
        assert receive(client) == {"type": "pong"}


def test_a_message_over_the_limit_and_a_binary_one_end_the_connection(api: Api, token: str) -> None:
    with api.socket(token=token) as client:
        client.send("x" * (65 << 10))
        assert close_of(client)[0] == 1009
    with api.socket(token=token) as client:
        client.send(b"\x00")
        assert close_of(client) == (4400, "binary messages are not understood; send text")


MONITOR = [
    (
        '{"entity_id": "sensor.server_room_rack", "state": "21.50", "date_heure":'
        ' "2026-01-05T19:00:00+00:00"}'
    ),
    (
        '{"entity_id": "sensor.température", "state": "unavailable", "date_heure":'
        ' "2026-01-05T19:00:01+00:00"}'
    ),
]


@pytest.mark.parametrize("position", ["header", "query"])
def test_the_monitor_of_the_server_room_gets_its_texts_to_the_letter(
    api: Api, topics: Topics, token: str, position: str
) -> None:
    query = f"?token={token}" if position == "query" else ""
    with api.socket(f"/ws/raw/server_room{query}", None if query else token) as client:
        wait_until(lambda: api.health()["clients"] == 1, what="the client to be known")
        topics.pushed("another", [{"entity_id": "x"}])
        topics.pushed("server_room", [{"kind": "alarm", "id": "a"}], shaped=False)
        topics.pushed("server_room", [json.loads(text) for text in MONITOR])
        assert [client.recv(PATIENCE), client.recv(PATIENCE)] == MONITOR


def test_what_a_raw_client_says_changes_nothing(api: Api, topics: Topics, token: str) -> None:
    with api.socket("/ws/raw/server_room", token) as client:
        client.send("hello")
        client.send('{"type":"subscribe","channels":["readings"]}')
        wait_until(lambda: api.health()["clients"] == 1, what="the client to be known")
        topics.events(reading(1))
        topics.pushed("server_room", [json.loads(MONITOR[0])])
        assert client.recv(PATIENCE) == MONITOR[0]


SMALL = Bounds(pending_events=100, write_buffer=16 << 10, close_grace=1.0, write_deadline=20.0)
ROWS = 4000


@pytest.mark.slow
def test_a_client_that_stops_reading_is_closed_while_the_others_get_everything(
    start: Start, settings: Settings, topics: Topics
) -> None:
    api = start(replace(settings, bounds=SMALL))
    api.wait_for_topics(topics.push)
    token = api.login()
    got: list[int] = []

    def read_all(client: ClientConnection) -> None:
        while len(got) < ROWS:
            got.append(receive_event(client, "busy")["n"])

    with (
        api.subscribed(token, "busy") as good,
        api.subscribed(token, "busy", max_queue=1) as resumed,
    ):
        mute = socket.create_connection(("127.0.0.1", api.settings.port))
        mute.sendall(
            b"GET /ws/raw/busy HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            b"Authorization: Bearer " + token.encode() + b"\r\n\r\n"
        )
        wait_until(lambda: api.health()["clients"] == 3, what="three clients")
        reader = threading.Thread(target=read_all, args=(good,))
        reader.start()
        for first in range(0, ROWS, 100):
            topics.pushed(
                "busy", [{"n": n, "filling": "x" * 4000} for n in range(first, first + 100)]
            )
            wait_until(
                lambda: len(got) >= first + 100,  # noqa: B023
                what=f"the good reader to have {first + 100}",
            )
        reader.join(PATIENCE)
        assert got == list(range(ROWS))
        wait_until(lambda: api.health()["clients"] == 1, what="the slow ones to be gone")
        closed = 'vigie_api_closed_total{code="4429"} 2.0'
        assert closed in api.get("/metrics").text
        mute.close()
        with contextlib.suppress(ConnectionClosed):
            while True:
                resumed.recv(PATIENCE)


def test_a_slow_client_that_reads_again_in_time_hears_why_it_was_closed(
    start: Start, settings: Settings, topics: Topics
) -> None:
    api = start(replace(settings, bounds=replace(SMALL, close_grace=30.0)))
    api.wait_for_topics(topics.push)
    with api.subscribed(api.login(), "busy", max_queue=1) as client:
        wait_until(lambda: api.health()["clients"] == 1, what="the client to be known")
        for _ in range(60):
            topics.pushed("busy", [{"filling": "x" * 100_000} for _ in range(10)])
            if 'code="4429"' in api.get("/metrics").text:
                break
        code, reason = close_of(client)
        assert (code, reason.startswith("too slow")) == (4429, True)


def test_a_slow_client_gets_pictures_at_the_rate_it_can_take_and_every_event(
    start: Start, settings: Settings, topics: Topics
) -> None:
    api = start(replace(settings, bounds=replace(SMALL, write_deadline=PATIENCE)))
    api.wait_for_topics(topics.push)
    pictures, words = 200, "x" * 100_000
    narrow = socket.socket()  # else the system takes as many pictures for the client as it likes
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
    narrow.connect(("127.0.0.1", api.settings.port))
    channels = ("camera_gate", "events")
    with api.subscribed(api.login(), *channels, max_queue=1, sock=narrow) as client:
        for number in range(pictures):
            topics.pushed(
                "camera_gate", [{"kind": "frame", "jpeg": words, "n": number}], subject="gate"
            )
            if number % 10 == 0:
                topics.pushed("events", [{"n": number}])
        wait_until(lambda: api.health()["broker"]["lag"] == 0, what="all of it to be read")
        topics.pushed("events", [{"n": "last"}])
        seen: dict[str, list[Any]] = {"camera_gate": [], "events": []}
        # what lies in another partition may come before the last pictures
        while (seen["events"][-1:], seen["camera_gate"][-1:]) != (["last"], [pictures - 1]):
            message = receive(client)
            if message["type"] == "event":
                seen[message["channel"]].append(message["data"]["n"])
    assert seen["events"] == [*range(0, pictures, 10), "last"]
    assert seen["camera_gate"] == sorted(seen["camera_gate"])
    assert seen["camera_gate"][-1] == pictures - 1
    assert len(seen["camera_gate"]) < pictures // 2


def test_no_more_clients_than_there_are_places(start: Start, settings: Settings) -> None:
    api = start(replace(settings, bounds=Bounds(clients=1)))
    token = api.login()
    with api.subscribed(token), api.socket(token=token) as second:
        assert close_of(second) == (1013, "all 1 places are taken; try again later")


def test_stopping_the_server_closes_every_connection_with_its_code(api: Api, token: str) -> None:
    with api.subscribed(token, "readings") as client:
        api.stop()
        assert close_of(client)[0] == 1012


def test_who_follows_evidence_hears_which_event_has_some_and_not_where_it_lies(
    api: Api, token: str, topics: Topics
) -> None:
    data = {"event": "d1", "kind": "snapshot", "state": "stored", "camera": "gate", "key": "f.jpg"}
    told = Occurrence(id="d1/pictures/evidence", time=5.0, subject="gate", type="evidence")
    told.data = data | {"bucket": "media", "signature": "s"}
    topics.events(told, topic=topics.names.evidence)
    api.wait_for_topics(topics.names.evidence)
    with api.subscribed(token, "evidence") as client:
        told.data = told.data | {"event": "d2"}
        told.id = "d2/pictures/evidence"
        topics.events(told, topic=topics.names.evidence)
        assert receive_event(client, "evidence") == {
            "kind": "evidence",
            "subject": "gate",
            "time": 5.0,
            "event": "d2",
            "evidence": "snapshot",
            "state": "stored",
            "camera": "gate",
        }
