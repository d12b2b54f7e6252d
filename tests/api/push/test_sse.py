"""Server-sent events: the second door."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx

from api.settings import Bounds, Settings
from tests.api.conftest import Start
from tests.api.events import alarm, reading
from tests.api.running import Api, Topics
from tests.waiting import PATIENCE, wait_until


class Listener:
    """Reads a stream as a browser does (WHATWG HTML, 9.2.6)."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.last_id: str | None = None
        self.comments = 0

    def next(self, kind: str | None = None) -> Any:
        """The data of the next event, of a kind if one is named."""
        event, data = "message", []
        for line in self._lines:
            name, _, value = line.partition(": ")
            if line.startswith(":"):
                self.comments += 1
            elif name == "id":
                self.last_id = value
            elif name == "event":
                event = value
            elif name == "data":
                data.append(value)
            elif not line and data:
                if kind in (None, event):
                    return json.loads("\n".join(data))
                event, data = "message", []
        raise AssertionError("the stream ended")


@contextmanager
def following(api: Api, token: str, channels: str, **headers: str) -> Iterator[Listener]:
    sent = {"Authorization": f"Bearer {token}", **headers}
    with httpx.stream(
        "GET",
        f"{api.url}/api/stream",
        params={"channels": channels},
        headers=sent,
        timeout=PATIENCE,
    ) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Listener(answer.iter_lines())


def test_a_stream_begins_with_the_present_state_and_goes_on_with_what_comes(
    api: Api, topics: Topics, token: str
) -> None:
    topics.events(reading(1))
    wait_until(lambda: api.health()["signals"] == 1, what="the reading in the memory")
    with following(api, token, "readings,alarms") as stream:
        assert stream.next("subscribed") == {"channels": ["readings", "alarms"]}
        assert [entry["id"] for entry in stream.next("snapshot")["data"]] == ["r1"]
        assert stream.next("snapshot") == {"channel": "alarms", "data": []}
        topics.events(alarm(1))
        event = stream.next("event")
        assert (event["channel"], event["data"]["alarm"]) == ("alarms", "too_hot")


def test_who_comes_back_with_the_last_id_gets_exactly_what_was_missed(
    api: Api, topics: Topics, token: str
) -> None:
    topics.pushed("line", [{"n": n} for n in range(3)])
    with following(api, token, "line") as stream:
        if stream.next("snapshot")["data"] != [{"n": 2}]:
            while stream.next("event")["data"] != {"n": 2}:
                continue
        topics.pushed("line", [{"n": 3}])
        assert stream.next("event")["data"] == {"n": 3}
        last = stream.last_id
    assert last
    topics.pushed("line", [{"n": n} for n in range(4, 8)])
    with following(api, token, "line", **{"Last-Event-ID": last}) as stream:
        assert stream.next("subscribed")["recovered"] is True
        assert [stream.next("event")["data"]["n"] for _ in range(4)] == [4, 5, 6, 7]
    with following(api, token, "line", **{"Last-Event-ID": "no cursor"}) as stream:
        assert stream.next("subscribed")["recovered"] is False
        assert stream.next("snapshot")["data"] == [{"n": 7}]


def test_heartbeats_are_comments_that_tell_where_the_client_is(
    start: Start, settings: Settings
) -> None:
    api = start(replace(settings, bounds=Bounds(heartbeat=0.05)))
    api.wait_for_topics(settings.topics.push)
    with following(api, api.login(), "line") as stream:
        for line in stream._lines:
            if line.startswith(": "):
                break
        assert next(stream._lines).startswith("id: ")


def test_a_stream_needs_a_token_and_takes_it_from_the_address(api: Api, token: str) -> None:
    assert httpx.get(f"{api.url}/api/stream?channels=alarms", timeout=PATIENCE).status_code == 401
    with httpx.stream(
        "GET", f"{api.url}/api/stream?channels=alarms&token={token}", timeout=PATIENCE
    ) as answer:
        assert answer.status_code == 200
    assert (
        httpx.get(f"{api.url}/api/stream?token={token}", timeout=PATIENCE).json()["error"]
        == "channels is needed"
    )


def test_a_stream_ends_with_its_token(start: Start, settings: Settings) -> None:
    api = start(replace(settings, token_lifetime=5))
    with following(api, api.login(), "line") as stream:
        assert stream.next("end") == {"code": 4401, "reason": "the token has expired; log in again"}


def test_a_stream_ends_with_the_server(start: Start, settings: Settings) -> None:
    api = start(settings)
    with following(api, api.login(), "line") as stream:
        stream.next("subscribed")
        api.stop()
        assert stream.next("end")["code"] == 1012


def test_who_does_not_read_is_cut_off_and_the_others_never_notice(
    start: Start, settings: Settings, topics: Topics
) -> None:
    bounds = Bounds(
        write_buffer=16 << 10, pending_events=50, lag=10, close_grace=0.2, write_deadline=1.0
    )
    api = start(replace(settings, bounds=bounds))
    api.wait_for_topics(topics.push)
    token = api.login()
    with (
        socket.create_connection(("127.0.0.1", api.settings.port)) as deaf,
        following(api, token, "line") as stream,
    ):
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(
            f"GET /api/stream?channels=line&token={token} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        )
        stream.next("subscribed")
        wait_until(lambda: api.health()["clients"] == 2, what="both clients")
        for n in range(200):
            topics.pushed("line", [{"n": n, "text": "x" * 50_000}])
            assert stream.next("event")["data"]["n"] == n
            if n % 20 == 19 and api.health()["clients"] == 1:
                break
        wait_until(lambda: api.health()["clients"] == 1, what="the deaf client to be cut off")
