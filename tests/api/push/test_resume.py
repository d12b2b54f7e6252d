"""Clients that come back get exactly what they missed, even from an api that was killed."""

import json
import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.settings import Bounds, Settings
from infra.demo.programs import ApiProgram
from infra.embedded.broker import Broker
from tests.api.conftest import Start
from tests.api.events import alarm, reading
from tests.api.push.followers import Follower, follow
from tests.api.running import Api, Topics, receive, receive_event
from tests.waiting import wait_until


def resume(client: Any, cursor: str, *channels: str) -> dict[str, Any]:
    """Subscribe with a cursor; gives the server's answer."""
    assert receive(client)["type"] == "ready"
    client.send(json.dumps({"type": "subscribe", "channels": list(channels), "cursor": cursor}))
    return receive(client)


def test_a_client_that_comes_back_gets_what_it_missed_and_then_what_is_new(
    api: Api, topics: Topics, token: str
) -> None:
    with api.subscribed(token, "busy", "alarms") as client:
        topics.pushed("busy", [{"n": 1}, {"n": 2}])
        messages = [receive(client) for _ in range(4)]
        cursor = messages[-1]["cursor"]
    topics.pushed("busy", [{"n": 3}])
    topics.pushed("other", [{"n": 0}])
    topics.events(alarm(1))
    wait_until(
        lambda: api.health()["alarms"] == 1 and api.health()["broker"]["lag"] == 0, what="the alarm"
    )
    with api.socket(token=token) as client:
        assert resume(client, cursor, "busy", "alarms")["recovered"] is True
        missed = [receive(client), receive(client)]
        assert {message["channel"] for message in missed} == {"busy", "alarms"}
        topics.pushed("busy", [{"n": 4}])
        assert receive_event(client, "busy") == {"n": 4}


def test_a_cursor_whose_events_are_gone_is_answered_with_a_fresh_snapshot(
    start: Start, settings: Settings, topics: Topics
) -> None:
    api = start(replace(settings, bounds=Bounds(replay_updates=3)))
    api.wait_for_topics(topics.push, topics.readings)
    token = api.login()
    with api.subscribed(token, "readings") as client:
        cursor = receive(client)["cursor"]
    topics.events(*(reading(n) for n in range(5)))
    wait_until(lambda: api.health()["signals"] == 1, what="the readings")
    with api.socket(token=token) as client:
        assert resume(client, cursor, "readings")["recovered"] is False
        snapshot = receive(client)
        assert (snapshot["type"], len(snapshot["data"])) == ("snapshot", 1)


@pytest.mark.parametrize("cursor", ["nonsense", "a:b:c", 7, "x" * 5000])
def test_what_is_not_a_cursor_is_answered_and_the_connection_stays(
    api: Api, token: str, cursor: object
) -> None:
    with api.socket(token=token) as client:
        receive(client)
        client.send(json.dumps({"type": "subscribe", "channels": ["c"], "cursor": cursor}))
        assert receive(client)["type"] == "error"
        client.send('{"type":"ping"}')
        assert receive(client) == {"type": "pong"}


def test_subscribers_hear_a_heartbeat_with_their_cursor(
    start: Start, settings: Settings, topics: Topics
) -> None:
    api = start(replace(settings, bounds=Bounds(heartbeat=0.05)))
    api.wait_for_topics(topics.push)
    with api.subscribed(api.login(), "c") as client:
        message = receive(client)
        while message["type"] != "heartbeat":
            message = receive(client)
        assert message["cursor"]


@pytest.fixture
def program(tmp: Path, broker: Broker, topics: Topics) -> Iterator[ApiProgram]:
    """An api in a process of its own."""
    site = tmp / "site.yaml"
    redpanda = {"brokers": [broker.address], "idempotence": False, "prefix": topics.prefix}
    site.write_text(json.dumps({"vigie": 1, "site": "test", "connections": {"redpanda": redpanda}}))
    api = ApiProgram(tmp / "api", site)
    api.start().wait_ready()
    yield api
    api.stop()


def everybody_gets_everything_once(
    program: ApiProgram, topics: Topics, clients: int, messages: int, kills: int
) -> None:
    """Numbered messages to clients that drop at random, while the api is killed now and then."""
    seed = random.SystemRandom().randrange(1 << 30)
    token = program.log_in()
    followers = [
        Follower(lambda: program.port, token, "busy", messages - 1, random.Random(seed + n))
        for n in range(clients)
    ]
    following = threading.Thread(target=follow, args=(followers,))
    following.start()
    wait_until(
        lambda: all(follower.cursor is not None for follower in followers),
        what="every client to be there",
    )
    partitions = kills + 1
    for partition in range(partitions):
        first, end = messages * partition // partitions, messages * (partition + 1) // partitions
        for start in range(first, end, 500):
            topics.pushed(
                "busy",
                ({"n": n, "filling": "x" * 100} for n in range(start, min(start + 500, end))),
            )
            wait_until(
                lambda: min(len(f.got) for f in followers) > start - 5_000,  # noqa: B023
                120,
                "the slowest",
            )
        if partition < kills:
            program.kill()
            program.start().wait_ready()
    following.join(600)
    assert not following.is_alive(), f"not all got to the end (seed {seed})"
    assert [follower.fresh for follower in followers] == [1] * clients, f"seed {seed}"
    whole = list(range(messages))
    assert all(follower.got == whole for follower in followers), f"seed {seed}"
    assert sum(follower.connections for follower in followers) > clients


def test_clients_dropped_at_random_and_an_api_killed_in_the_middle_lose_and_double_nothing(
    program: ApiProgram, topics: Topics
) -> None:
    everybody_gets_everything_once(program, topics, clients=40, messages=4000, kills=1)


@pytest.mark.chaos
def test_two_hundred_clients_and_a_hundred_thousand_messages(
    program: ApiProgram, topics: Topics
) -> None:
    everybody_gets_everything_once(program, topics, clients=200, messages=100_000, kills=3)
