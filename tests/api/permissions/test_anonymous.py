"""Whoever need not say who he is sees what belongs to no page, and nothing of a hidden camera."""

import json
from dataclasses import replace

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from api.settings import Settings
from connectors.config.api_section import ApiSection
from tests.api.conftest import Start
from tests.api.running import Topics, receive
from tests.waiting import PATIENCE

SUBSCRIBE = json.dumps({"type": "subscribe", "channels": ["camera_gate", "live", "lobby"]})

LAST = 8
"""Of so many subjects each partition has one, whose event comes after what is hidden."""


def test_the_anonymous_get_nothing_of_a_hidden_camera_that_a_flow_says_without_its_page(
    settings: Settings, topics: Topics, start: Start
) -> None:
    api = start(replace(settings, section=ApiSection(anonymous="viewer")))
    api.wait_for_topics(topics.push)
    headers = {"Authorization": f"Bearer {api.login()}"}

    def post(path: str, **body: object) -> httpx.Response:
        return httpx.post(f"{api.url}{path}", json=body, headers=headers, timeout=PATIENCE)

    post("/pages", name="mine").raise_for_status()
    (page,) = api.get("/api/pages", headers["Authorization"][7:]).json()
    camera = {"name": "gate", "url": "rtsp://10.0.0.2/x", "page": page["key"]}
    post("/api/cameras", **camera).raise_for_status()
    with api.socket("/ws", subprotocols=None) as wall, api.socket("/ws/raw/live") as monitor:
        wall.send(SUBSCRIBE)
        assert receive(wall)["type"] == "subscribed"
        monitor.ping().wait(PATIENCE)
        frame = {"kind": "frame", "subject": "gate", "time": 1.0, "jpeg": "/9j/secret"}
        topics.pushed("camera_gate", [frame], subject="gate")
        topics.pushed("live", ["secret"], subject="gate")
        topics.pushed("live", ["secret"], subject="area", camera="gate")
        for n in range(LAST):
            topics.pushed("live", [f"public {n}"], subject=f"lobby {n}")
        for client in (wall, monitor):
            got = [client.recv(PATIENCE) for _ in range(LAST)]
            assert all("public" in text for text in got)


def test_the_anonymous_take_as_many_places_together_as_one_account(
    settings: Settings, start: Start
) -> None:
    section = ApiSection(anonymous="viewer", connections_per_account=1)
    api = start(replace(settings, section=section))
    with api.socket("/ws/raw/live") as one, api.socket("/ws", subprotocols=None) as two:
        one.ping().wait(PATIENCE)
        two.send(SUBSCRIBE)
        with pytest.raises(ConnectionClosed) as closed:
            two.recv(PATIENCE)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
