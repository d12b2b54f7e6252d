"""A disk without space under the api: people can look, and are told what helps."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.settings import Settings
from tests.api.conftest import Start
from tests.api.running import Api, receive
from tests.chaos.small_disk import SmallDisk, missing
from tests.waiting import PATIENCE, wait_until

FULL = "the disk of the database is full"
PERSON = {"username": "vera", "password": "four quiet words here"}


@pytest.fixture
def disk(tmp: Path) -> Iterator[SmallDisk]:
    if reason := missing():
        pytest.skip(reason)
    small = SmallDisk(tmp / "disk")
    yield small
    small.unmount()


def sent(api: Api, token: str | None, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.request(method, f"{api.url}{path}", json=body, headers=headers, timeout=PATIENCE)


def test_on_a_full_disk_people_log_in_and_look_and_every_change_is_answered_with_the_remedy(
    start: Start, settings: Settings, disk: SmallDisk, tmp: Path
) -> None:
    api = start(replace(settings, data=tmp / "disk" / "data"))
    admin = api.login()
    assert sent(api, admin, "POST", "/api/users", {**PERSON, "role": "viewer"}).status_code == 201
    disk.fill()
    assert api.get("/api/alarms", admin).status_code == 200
    for method, path, body in (
        ("POST", "/api/users", {"username": "x", "password": PERSON["password"]}),
        ("POST", "/api/cameras", {"name": "gate", "url": "rtsp://10.0.0.1/s"}),
        ("POST", "/api/pages", {"name": "mine"}),
        ("PUT", "/api/mode", {"mode": "active"}),
        ("POST", "/api/auth/password", {"old": api.password, "new": "other quiet words"}),
        ("POST", "/api/alarms/a%2Fb/c/ack", {}),
    ):
        answer = sent(api, admin, method, path, body)
        assert (answer.status_code, answer.json()["error"][:32]) == (503, FULL[:32]), answer.text
        assert answer.headers["retry-after"]
    health = api.get("/health")
    assert (health.status_code, health.json()["database"]["up"]) == (503, False)
    assert FULL in health.json()["database"]["detail"]
    login = sent(api, None, "POST", "/api/auth/login", PERSON)
    assert login.status_code == 200, login.text
    viewer = login.json()["access_token"]
    assert api.get("/api/auth/me", viewer).json()["username"] == "vera"
    with api.socket(token=viewer) as client:
        assert receive(client) == {"type": "ready"}
    with api.socket(f"/ws?token={viewer}", subprotocols=None) as client:
        assert receive(client)["type"] == "initial_state"
        client.send(json.dumps({"type": "create_page", "payload": {"name": "mine"}}))
        assert FULL in receive(client)["payload"]["message"]
    disk.make_room()
    wait_until(
        lambda: api.health()["database"] == {"up": True, "detail": ""}, what="the disk to be used"
    )
    sent(api, viewer, "POST", "/api/auth/logout")
    assert api.get("/api/auth/me", viewer).status_code == 401
