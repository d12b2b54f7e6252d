"""Recordings of cameras through the api: who may see the camera sees them, and nobody else."""

import contextlib
import select
import threading
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import httpx

from api.routes.media.recordings import MOST_PIECES
from api.settings import Settings
from connectors.base import Health
from connectors.config.api_section import ApiSection
from flows.runtime.status import Metrics, StatusServer
from flows.vision.recordings import Recordings
from infra.embedded.objects import Objects
from tests.api.conftest import Start
from tests.bucket import connection_to
from tests.connectors.camera.recorded import record
from tests.waiting import PATIENCE, wait_until

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


class EndlessFlow(BaseHTTPRequestHandler):
    """A flow with a very long video; `waiting` counts those who do not take what it sends."""

    length = 1 << 30
    waiting = threading.Semaphore(0)
    gone = threading.Semaphore(0)
    sent: ClassVar[list[int]] = []

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(self.length))
        self.end_headers()
        self.wfile.flush()
        self.connection.setblocking(False)
        sent, part, told = 0, bytes(64 << 10), False
        while sent < self.length:
            _, writable, _ = select.select([], [self.connection], [], 2.0)
            if not writable and not told:
                told = True
                self.sent.append(sent)
                self.waiting.release()
            try:
                sent += self.connection.send(part) if writable else 0
            except OSError:
                break
        self.gone.release()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_of_a_video_that_nobody_takes_the_api_holds_little_and_others_are_served(
    start: Start, settings: Settings, objects: Objects
) -> None:
    flow = ThreadingHTTPServer(("127.0.0.1", 0), EndlessFlow)
    serving = threading.Thread(target=flow.serve_forever)
    serving.start()
    section = ApiSection(flows=[f"http://127.0.0.1:{flow.server_port}"])
    api = start(replace(settings, section=section, objects=connection_to(objects)))
    headers = {"Authorization": f"Bearer {api.login()}"}
    span = {"camera": "dock", "from": PAST, "to": PAST + 5}
    with contextlib.ExitStack() as clients:
        client = clients.enter_context(httpx.Client(base_url=api.url, timeout=PATIENCE))

        def piece() -> httpx.Response:
            request = client.build_request(
                "GET", "/api/recordings/piece", params=span, headers=headers
            )
            return client.send(request, stream=True)

        opened = [piece() for _ in range(MOST_PIECES)]
        assert [answer.status_code for answer in opened] == [200] * MOST_PIECES
        for _ in opened:
            assert EndlessFlow.waiting.acquire(timeout=PATIENCE), "the api takes all that there is"
        assert max(EndlessFlow.sent) < 64 << 20
        assert piece().status_code == 429
        assert api.login()
        for answer in opened:
            answer.close()
        for _ in opened:
            assert EndlessFlow.gone.acquire(timeout=PATIENCE), "the flow goes on for nobody"
        wait_until(lambda: piece().status_code == 200, what="a piece to be given again")
    flow.shutdown()
    serving.join()
    flow.server_close()
