"""Recordings of cameras through the api: who may see the camera sees them, and nobody else."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx

from api.settings import Settings
from connectors.base import Health
from connectors.config.api_section import ApiSection
from flows.runtime.status import Metrics, StatusServer
from flows.vision.recordings import Recordings
from infra.embedded.objects import Objects
from tests.api.conftest import Start
from tests.bucket import connection_to
from tests.connectors.camera.recorded import record
from tests.waiting import PATIENCE

PAST = 1_795_000_000.0


def test_recordings_are_found_and_played_by_those_who_may_see_the_camera(
    start: Start, settings: Settings, objects: Objects, tmp: Path
) -> None:
    record(tmp / "ring" / "video" / "dock", PAST, 100, gops=2)
    store = connection_to(objects)
    recordings = Recordings(tmp, store.secret_key.get_secret_value())
    flow = StatusServer("yard", 0, Metrics("yard"), Health(), recordings=recordings)
    section = ApiSection(flows=[f"http://127.0.0.1:{flow.port}", "http://127.0.0.1:1"])
    api = start(replace(settings, section=section, objects=store))
    token = api.login()
    ask: Callable[..., httpx.Response] = api.get
    span = {"camera": "dock", "from": PAST + 2, "to": PAST + 5}
    try:
        [found] = ask("/api/recordings", token, **span).json()["recordings"]
        assert found == {"from": PAST + 2, "to": PAST + 5}
        piece = ask("/api/recordings/piece", token, **span)
        assert piece.headers["content-type"] == "video/mp4"
        assert piece.headers["cache-control"] == "private, no-store"
        assert piece.content[4:8] == b"ftyp"
        assert ask("/api/recordings/piece", token, **span | {"camera": "x"}).status_code == 404

        def post(path: str, body: dict[str, str]) -> dict[str, str]:
            headers = {"Authorization": f"Bearer {token}"}
            answer = httpx.post(f"{api.url}{path}", json=body, headers=headers, timeout=PATIENCE)
            return dict(answer.raise_for_status().json())

        login = {"username": "eve", "password": "correct horse battery"}
        post("/api/users", login | {"role": "viewer"})
        post("/api/pages", {"name": "Guards"})
        page = ask("/api/pages", token).json()[0]["key"]
        post("/api/cameras", {"name": "dock", "url": "rtsp://10.0.0.1/s", "page": page})
        eve = post("/api/auth/login", login)["access_token"]
        assert ask("/api/recordings", token, **span).json()["recordings"] == [found]
        seen = ask("/api/recordings", eve, **span)
        assert seen.json() == {"recordings": []}
        assert ask("/api/recordings/piece", eve, **span).status_code == 404
        assert ask("/api/recordings", **span).status_code == 401
    finally:
        flow.close()
