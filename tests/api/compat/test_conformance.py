"""Clients of the former systems, written in JavaScript from their own words only, still work."""

import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import playwright
import pytest
from pydantic import SecretStr

from api.settings import Settings
from connectors.config.api_section import ApiSection
from operators.events import Detection
from tests.api.conftest import Start
from tests.api.json_ids import numbers_under_ids, types_of
from tests.api.running import Api, Topics
from tests.waiting import PATIENCE, wait_until

NODE = Path(playwright.__file__).parent / "driver" / "node"
CLIENTS = Path(__file__).parent / "clients"
DEVICE = "token-of-the-bridge"


class Client:
    """A program in JavaScript that says what it found, a line each."""

    def __init__(self, name: str, *arguments: str) -> None:
        command = [str(NODE), str(CLIENTS / name), *arguments]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._deadline = threading.Timer(PATIENCE, self._process.kill)
        self._deadline.start()
        self._found: dict[str, Any] = {}
        self._said = self._lines()

    def until(self, name: str) -> Any:
        """What it says under a name."""
        for said in self._said:
            if said["name"] == name:
                return said["value"]
        raise AssertionError(f"it ended before it said {name}: {self._errors()}")

    def rest(self) -> dict[str, Any]:
        """All that it said, by name, once it has ended."""
        for _ in self._said:
            continue
        assert self._process.wait(PATIENCE) == 0, f"it ended after {self._found}: {self._errors()}"
        return self._found

    def _lines(self) -> Iterator[dict[str, Any]]:
        assert self._process.stdout
        for line in self._process.stdout:
            said = json.loads(line)
            self._found[said["name"]] = said["value"]
            yield said

    def _errors(self) -> str:
        assert self._process.stderr
        return self._process.stderr.read()

    def close(self) -> None:
        self._deadline.cancel()
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def api(start: Start, settings: Settings, topics: Topics) -> Api:
    events = f"{topics.prefix}site.events"
    section = ApiSection(discovery=True, anonymous="viewer")
    tokens = {"bridge": SecretStr(DEVICE)}
    server = start(
        replace(
            settings,
            event_topics=(events,),
            posts_topic=events,
            section=section,
            device_tokens=tokens,
        )
    )
    server.wait_for_topics(topics.readings, topics.alarms, topics.push)
    return server


@pytest.fixture
def run(api: Api) -> Iterator[Any]:
    clients: list[Client] = []

    def start_client(name: str, *arguments: str) -> Client:
        clients.append(Client(name, api.url, *arguments))
        return clients[-1]

    yield start_client
    for client in clients:
        client.close()


def test_the_server_room_monitor_hears_each_state_to_the_letter(
    run: Any, api: Api, topics: Topics
) -> None:
    client = run("server_room.mjs", api.login(), "2")
    client.until("open")
    wait_until(lambda: api.health()["clients"] == 1, what="the client to be known")
    states = [
        {
            "entity_id": "sensor.server_room_rack",
            "state": state,
            "date_heure": "2026-01-05T19:00:00.000Z",
        }
        for state in ("21.50", "on")
    ]
    topics.pushed("server_room", states)
    assert [client.until("text"), client.until("text")] == [
        (
            '{"entity_id": "sensor.server_room_rack", "state": "21.50", "date_heure":'
            ' "2026-01-05T19:00:00.000Z"}'
        ),
        (
            '{"entity_id": "sensor.server_room_rack", "state": "on", "date_heure":'
            ' "2026-01-05T19:00:00.000Z"}'
        ),
    ]


def test_the_server_room_monitor_needs_no_token_where_anonymous_may_view(
    run: Any, api: Api, topics: Topics
) -> None:
    client = run("server_room.mjs", "", "1")
    client.until("open")
    wait_until(lambda: api.health()["clients"] == 1, what="the client to be known")
    topics.pushed("server_room", [{"entity_id": "sensor.x", "state": "1", "date_heure": "2026"}])
    assert json.loads(client.until("text"))["entity_id"] == "sensor.x"


def test_the_video_watch_finds_its_login_cameras_events_statistics_and_push(
    run: Any, api: Api, topics: Topics
) -> None:
    client = run("video_watch.mjs", api.password)
    login = client.until("login")
    assert login["status"] == 200
    user = {"id": "string", "username": "string", "role": "string"}
    assert types_of(login["body"]) == {
        "access_token": "string",
        "token_type": "string",
        "user": user,
    }
    assert login["body"]["token_type"] == "bearer"
    assert {**login["body"]["user"], "id": ""} == {"id": "", "username": "admin", "role": "admin"}
    client.until("ready")
    seen = Detection(
        id="gate/7",
        time=1_767_600_000.5,
        subject="gate",
        class_="person",
        score=0.9,
        box=(0.1, 0.1, 0.2, 0.5),
    )
    topics.events(seen, topic=f"{topics.prefix}site.events")
    client.until("pushed")
    topics.pushed("camera_gate", [{"n": 1}])
    found = client.rest()
    assert types_of(found["me"]["body"]) == user
    assert found["refreshed"]["status"] == 200
    assert types_of(found["refreshed"]["body"])["access_token"] == "string"
    assert found["subscribed"]["channels"] == ["camera_1", "events"]
    assert found["of_the_camera"]["data"] == {"n": 1}, "its id names its channel"
    camera = types_of(found["camera"]["body"])
    assert (camera["id"], camera["name"], camera["status"]) == ("string",) * 3
    assert found["cameras"]["body"]["cameras"] == [found["camera"]["body"]]
    assert found["started"]["status"] == 200
    assert found["discovered"]["status"] == 200
    event = types_of(found["event"]["body"])
    assert (event["id"], event["time"], event["type"]) == ("string", "number", "string")
    assert numbers_under_ids([login, found]) == []
    assert found["pushed"]["data"]["id"] == "gate/7"
    assert found["pushed"]["data"]["type"] == "person"
    assert found["events"]["body"]["events"] == [found["pushed"]["data"]]
    assert found["event"]["body"] == found["pushed"]["data"]
    assert found["acknowledged"]["status"] == 200
    assert found["acknowledged"]["body"]["by"] == "admin"
    assert found["told"]["data"]["event"] == "gate/7"
    assert found["stats"]["body"]["total"] == 0, "it was not of the last day"
    assert found["stopped"]["data"]["name"] == "gate"
    assert found["stopped"]["data"]["status"] == "stopped"
    assert found["dashboard"]["body"]["cameras"] == {"total": 1, "running": 0, "stopped": 1}
    assert found["system"]["body"]["memory"]["total"] > 0
    assert found["performance"]["body"]["clients"] == 1
    assert [found[path] for path in ("/api/docs", "/api/redoc", "/api/openapi.json")] == [
        200,
        200,
        200,
    ]


def test_the_sensors_backend_takes_lists_and_pushes_events_once(run: Any, api: Api) -> None:
    found = run("pir_backend.mjs", DEVICE, api.login()).rest()
    assert numbers_under_ids(found) == []
    assert found["nobody"]["status"] == 401
    assert found["posted"] == {"status": 202, "body": {"stored": 1}}
    assert found["again"] == {"status": 202, "body": {"stored": 1}}
    pushed = found["pushed"]["data"]
    assert (pushed["id"], pushed["type"], pushed["subject"]) == (
        "e-1",
        "motion_detected",
        "raspberry-1",
    )
    assert pushed["time"] == 1734567890.123
    assert pushed["data"]["data"] == {"presence": True, "gpio_pin": 17}
    assert found["pushed_next"]["data"]["id"] == "e-2", "the same event is not pushed a second time"
    listed = found["events"]["body"]["events"]
    assert [event["id"] for event in listed] == ["e-2", "e-1"]
    assert listed[0]["data"]["data"] == {"pressure": "high", "duration_ms": 500}
    assert types_of(listed[1]) == types_of(pushed)
    assert found["mode"]["body"]["mode"] == "surveillance"
    assert found["changed"]["body"]["mode"] == "active"
