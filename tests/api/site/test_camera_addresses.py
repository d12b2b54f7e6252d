"""Addresses of cameras: which are taken, and who sees what of them."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.settings import Settings
from tests.api.conftest import Start
from tests.api.running import Api, receive_event
from tests.waiting import PATIENCE

URL = "rtsp://root:${YARD_PASSWORD}@10.0.0.1/s?user=root"


def ask(api: Api, token: str, method: str, path: str, **body: Any) -> httpx.Response:
    return httpx.request(
        method,
        f"{api.url}{path}",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        timeout=PATIENCE,
    )


@pytest.fixture
def api(start: Start, settings: Settings) -> Api:
    return start(replace(settings, camera_variables=("YARD_PASSWORD",)))


def viewer_of(api: Api, admin: str) -> str:
    body = {"username": "vera", "password": "four quiet words here"}
    assert ask(api, admin, "POST", "/api/users", **body, role="viewer").status_code == 201
    answer = httpx.post(f"{api.url}/api/auth/login", json=body, timeout=PATIENCE)
    return str(answer.json()["access_token"])


@pytest.mark.parametrize("field", ["url", "record_url"])
@pytest.mark.parametrize(
    "url",
    [
        "rtsp://me:${CLICKHOUSE_PASSWORD}@10.0.0.1/s",
        "rtsp://me:ge$heim@10.0.0.1/s",
        "rtsp://me:ge heim@10.0.0.1/s",
        "rtsp://10.0.0.1/s?password=geheim",
    ],
)
def test_no_address_with_a_secret_or_of_another_variable_gets_in(
    api: Api, field: str, url: str
) -> None:
    token = api.login()
    bad = {"url": "rtsp://10.0.0.1/s"} | {field: url}
    added = ask(api, token, "POST", "/api/cameras", name="gate", **bad)
    assert (added.status_code, "heim" in added.text) == (400, False)
    good = ask(api, token, "POST", "/api/cameras", name="gate", url="rtsp://10.0.0.1/s").json()
    changed = ask(api, token, "PATCH", f"/api/cameras/{good['id']}", **{field: url})
    assert (changed.status_code, "heim" in changed.text) == (400, False)


def test_viewers_see_no_user_of_a_camera_in_lists_alone_or_live_and_operators_may_change_it(
    api: Api,
) -> None:
    admin = api.login()
    viewer = viewer_of(api, admin)
    with api.subscribed(viewer, "cameras") as client:
        made = ask(api, admin, "POST", "/api/cameras", name="gate", url=URL, record_url=URL).json()
        assert (made["url"], made["record_url"]) == (URL, URL)
        told = receive_event(client, "cameras")
        ask(api, admin, "POST", f"/api/cameras/{made['id']}/stop")
        told_again = receive_event(client, "cameras")
    one = api.get(f"/api/cameras/{made['id']}", viewer).json()
    listed = api.get("/api/cameras", viewer).json()
    assert one["url"] == "rtsp://***@10.0.0.1/s?user=***"
    for shown in (one, listed, told, told_again):
        assert not {"root", "YARD"} & set(json.dumps(shown).replace(":", " ").split())
        assert "root" not in json.dumps(shown)
    assert api.get("/api/cameras", admin).json()["cameras"][0]["url"] == URL
