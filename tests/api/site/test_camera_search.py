"""Cameras are found on the network with their streams, and an address is tried with a picture."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.settings import Settings
from api.site import onvif_soap
from api.site.onvif_discovery import discover_streams
from api.site.onvif_media import streams
from api.site.onvif_soap import Asker, OnvifError, Refused, password_digest
from api.site.outside import Forbidden, check_outside
from connectors.config.api_section import ApiSection
from infra.embedded.rtsp import Mount, Rtsp
from tests.api.conftest import Start
from tests.api.running import Api
from tests.api.site.onvif_device import OnvifDevice
from tests.http_digest import Guard
from tests.waiting import PATIENCE, wait_until

PASSWORD = "p@s/s <&>"
Own = Callable[[Any], Any]


@pytest.fixture
def device() -> Iterator[OnvifDevice]:
    device = OnvifDevice("rtsp://admin:secret@192.168.77.1:8554/h264", PASSWORD)
    yield device
    device.close()


@pytest.fixture
def searching(start: Start, settings: Settings) -> Api:
    """A server whose operators may look for cameras, also on this machine."""
    return start(replace(settings, section=ApiSection(discovery=True, cameras_here=True)))


def tried(api: Api, url: str, **more: str) -> httpx.Response:
    """The answer to a trial; on a machine with much other work one may take too long."""
    headers = {"Authorization": f"Bearer {api.login()}"}
    body = {"url": url, **more}

    def answer() -> httpx.Response | None:
        given = httpx.post(
            f"{api.url}/api/cameras/test", json=body, headers=headers, timeout=PATIENCE
        )
        return None if "no picture came within" in given.text else given

    found = wait_until(answer, what="an answer of the camera")
    assert found is not None
    return found


def test_a_digest_is_that_of_the_profile() -> None:
    nonce = bytes.fromhex("9d5cb1ba6a53b5d0d60d1b9d6e1bd1a0")
    import base64
    import hashlib

    wanted = hashlib.sha1(nonce + b"2026-01-01T00:00:00Z" + b"userpassword").digest()
    assert password_digest(nonce, "2026-01-01T00:00:00Z", "userpassword") == (
        base64.b64encode(wanted).decode()
    )


def test_a_device_that_is_found_says_where_its_streams_are_the_small_one_first(
    device: OnvifDevice,
) -> None:
    asker = Asker("admin", PASSWORD, loopback=True)
    (camera,) = asyncio.run(discover_streams(0.5, asker, device.target))
    assert (camera.name, camera.problem) == ("Gate cam", None)
    small, large = camera.streams
    assert small.url == "rtsp://127.0.0.1:8554/h264?profile=sub&x=1"
    assert (small.profile, small.encoding, small.width, small.height) == (
        "sub & co",
        "H264",
        640,
        360,
    )
    assert large.width == 1920
    assert device.asked == ["GetCapabilities", "GetProfiles", "GetStreamUri", "GetStreamUri"]
    assert len(device.nonces) == 4


def test_a_device_that_wants_another_password_is_found_and_says_so(device: OnvifDevice) -> None:
    for asker in (Asker(loopback=True), Asker("admin", "wrong", loopback=True)):
        (camera,) = asyncio.run(discover_streams(0.5, asker, device.target))
        assert camera.streams == []
        assert "a user and a password" in str(camera.problem)


@pytest.mark.parametrize("scheme", ["MD5", "SHA-256"])
def test_a_device_that_asks_for_the_user_by_http_is_told_his_digest(
    device: OnvifDevice, scheme: str
) -> None:
    device.guard = Guard("admin", PASSWORD, "Basic", scheme, lasts=1)
    found = asyncio.run(streams(device.service, Asker("admin", PASSWORD, True)))
    assert [stream.profile for stream in found] == ["sub & co", "main & co"]
    with pytest.raises(Refused, match="a user and a password, or others"):
        asyncio.run(streams(device.service, Asker("admin", "wrong", True)))


def test_a_password_is_never_sent_in_clear_to_a_device_that_asks_for_it(
    device: OnvifDevice,
) -> None:
    device.guard = Guard("admin", PASSWORD, "Basic")
    with pytest.raises(Refused):
        asyncio.run(streams(device.service, Asker("admin", PASSWORD, True)))


def test_a_device_whose_clock_is_wrong_is_asked_at_its_own_time(device: OnvifDevice) -> None:
    device.ahead = timedelta(days=-9000)
    asker = Asker("admin", PASSWORD, loopback=True)
    assert len(asyncio.run(streams(device.service, asker))) == 2


OPENED = "<Profiles a='" + "x" * 20 + "'>"


@pytest.mark.parametrize(
    "wrongly",
    [
        {"GetCapabilities": "no XML at all"},
        {"GetProfiles": OPENED * 8000},
        {"GetProfiles": "<Profiles>" * 9 + "</Profiles>"},
        {"GetCapabilities": "<Media><XAddr>http://[::/onvif</XAddr></Media>"},
        {"GetCapabilities": "<Media><XAddr>http://10.0.0.1:99999/onvif</XAddr></Media>"},
        {"GetStreamUri": "<Uri>rtsp://cam:554x/s</Uri>"},
        {"GetStreamUri": "<Uri>&#0;</Uri>"},
        {"GetStreamUri": "<s:Fault><s:Text>none</s:Text></s:Fault>"},
    ],
)
def test_what_a_device_says_wrongly_is_a_problem_of_it_alone(
    device: OnvifDevice, wrongly: dict[str, str]
) -> None:
    device.wrongly = wrongly
    device.also = "http://[127.0.0.1/onvif http://127.0.0.1:99999/onvif"
    asker = Asker("admin", PASSWORD, loopback=True)
    (camera,) = asyncio.run(discover_streams(0.5, asker, device.target))
    assert camera.problem or camera.streams
    device.wrongly = {}
    (camera,) = asyncio.run(discover_streams(0.5, asker, device.target))
    assert (camera.problem, len(camera.streams)) == (None, 2)


def test_an_answer_that_never_ends_keeps_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onvif_soap, "WAIT", 0.5)
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                while not ended.wait(0.05):
                    self.wfile.write(b" ")
            except OSError:
                ended.set()

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    service = f"http://127.0.0.1:{server.server_port}/onvif"
    with pytest.raises(OnvifError, match="no answer within"):
        asyncio.run(streams(service, Asker(loopback=True)))  # waits for its threads
    wait_until(ended.is_set, what="the device to be left")
    server.shutdown()
    server.server_close()


def test_only_the_device_that_answered_is_asked_and_never_this_machine(
    device: OnvifDevice,
) -> None:
    (camera,) = asyncio.run(discover_streams(0.5, Asker("admin", PASSWORD), device.target))
    assert camera.streams == []
    assert "does not ask itself" in str(camera.problem)
    assert device.nonces == set()


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://127.0.0.1/s",
        "http://localhost:8000/api",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0/",
        "rtsp://239.1.1.1/s",
        "file:///etc/passwd",
        "ftp://10.0.0.1/x",
        "rtsp://",
    ],
)
def test_the_server_is_not_sent_where_no_camera_is(url: str) -> None:
    with pytest.raises(Forbidden):
        asyncio.run(check_outside(url))


def test_looking_for_cameras_is_off_unless_the_site_says_otherwise(api: Api) -> None:
    answer = tried(api, "rtsp://10.0.0.1/s")
    assert answer.status_code == 403
    assert "discovery: true" in answer.json()["error"]


@pytest.mark.service
def test_a_test_picture_comes_from_a_real_stream_and_its_password_is_told_to_nobody(
    searching: Api, tmp: Path, own: Own
) -> None:
    server = own(Rtsp(tmp / "rtsp", [Mount("/camera")], user="ann", password=PASSWORD))
    good = tried(searching, server.url(), username="ann", password=PASSWORD)
    assert good.status_code == 200, good.text
    assert (good.headers["content-type"], good.headers["cache-control"]) == (
        "image/jpeg",
        "no-store",
    )
    assert good.content.startswith(b"\xff\xd8")
    wrong = tried(searching, server.url(), username="ann", password="s3cr3t-wrong")
    assert (wrong.status_code, wrong.json()["error"]) == (
        502,
        "no picture: it does not take this user and password",
    )
    assert "s3cr3t" not in wrong.text
    nowhere = tried(searching, server.url("/other"), username="ann", password=PASSWORD)
    assert nowhere.json()["error"] == "no picture: it answers, but has no stream of this path"


def test_what_is_no_camera_is_said_and_nothing_of_it_comes_back(searching: Api) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/away":
                self.send_response(302)
                self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/page")  # type: ignore[attr-defined]
                self.end_headers()
                return
            visited.append(self.path)
            self.send_response(200)
            self.end_headers()
            entry = (
                f"http://{self.headers['Host']}/inside"
                if self.path == "/list"
                else "file:///etc/passwd"
            )
            self.wfile.write(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{entry}\n".encode())

        def log_message(self, format: str, *values: object) -> None:
            pass

    visited: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{server.server_port}"
    for path in ("/page", "/away"):
        answer = tried(searching, here + path)
        assert answer.status_code == 502
        assert "root:" not in answer.text
        assert visited, "the page was asked for"
        asked = len(visited)
    assert tried(searching, f"{here}/away").status_code == 502
    assert len(visited) == asked, "a redirection was followed"
    led = tried(searching, f"{here}/list")
    assert "leads to another address" in led.json()["error"]
    assert visited[asked:] == ["/list"], "a list of other addresses was followed"
    server.shutdown()
    server.server_close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    answer = tried(searching, f"rtsp://127.0.0.1:{port}/s")
    assert answer.json()["error"] == "no picture: nothing listens there"
    clear = tried(searching, "rtsp://ann:secret@127.0.0.1/s")
    assert clear.status_code == 400
    assert "secret" not in clear.text
