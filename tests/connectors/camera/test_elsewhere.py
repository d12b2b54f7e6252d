"""A camera that leads to another machine is not followed there, and it is told where it leads."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from connectors.camera.one_picture import NoPicture, one_picture
from connectors.camera.streams.elsewhere import on_its_machine
from connectors.camera.streams.stream import AvStream, StreamError
from infra.embedded.rtsp import Rtsp
from tests.flows.vision.mjpeg_server import mjpeg

OTHER = "127.0.0.2"


@contextmanager
def leading(host: str, to: str) -> Iterator[str]:
    """`host:port` of an RTSP server that sends everybody `to` another address."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while line := self.rfile.readline():
                number = line.removeprefix(b"CSeq:").strip() if line[:5] == b"CSeq:" else b""
                if number:
                    head = b"RTSP/1.0 302 Found\r\nCSeq: %s\r\nLocation: %s\r\n\r\n"
                    self.wfile.write(head % (number, to.encode()))

    server = socketserver.ThreadingTCPServer((host, 0), Handler)
    server.daemon_threads = True
    with _serving(server) as place:
        yield place


@contextmanager
def moving(host: str, places: dict[str, str]) -> Iterator[str]:
    """`host:port` of an HTTP server that sends everybody from one path to another address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", places[self.path])
            self.end_headers()

    server = ThreadingHTTPServer((host, 0), Handler)
    with _serving(server) as place:
        yield place


@contextmanager
def _serving(server: Any) -> Iterator[str]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield "{}:{}".format(*server.server_address)
    finally:
        server.shutdown()
        server.server_close()


def first_width(address: str, kind: Any) -> int:
    stream = AvStream(address, kind)
    try:
        return next(stream.pictures()).frame.width
    finally:
        stream.close()


@pytest.mark.service
def test_an_rtsp_camera_that_leads_to_another_machine_is_not_followed(
    tmp: Path, own: Callable[[Any], Any]
) -> None:
    stream = own(Rtsp(tmp / "rtsp")).url()
    with leading(OTHER, stream) as place:
        with pytest.raises(StreamError, match=r"leads to 127\.0\.0\.1, which is not followed"):
            AvStream(f"rtsp://{place}/camera", "rtsp")
        with pytest.raises(NoPicture, match="leads to another address, which is not followed"):
            one_picture(f"rtsp://{place}/camera")
    with leading("127.0.0.1", stream) as place:
        assert first_width(f"rtsp://{place}/camera", "rtsp") == 640, "on its own machine it may"


def test_an_http_camera_is_followed_on_its_machine_and_to_no_other() -> None:
    with mjpeg() as stream:
        with moving(OTHER, {"/": stream}) as place:
            told = rf"http://\*\*\*@{place}/ leads to {stream}, which is not followed"
            with pytest.raises(StreamError, match=told):
                AvStream(f"http://ann:secret@{place}/", "http")
        with moving("127.0.0.1", {"/": "/video?x=1", "/video?x=1": stream}) as place:
            assert first_width(f"http://ann:secret@{place}/", "http") == 320
    without_end = pytest.raises(StreamError, match="from one address to the next without an end")
    with moving("127.0.0.1", {"/": "/"}) as place, without_end:
        AvStream(f"http://{place}/", "http")


@pytest.mark.parametrize(
    ("address", "moved", "there"),
    [
        ("http://a:b@cam/x", "http://cam/y", "http://a:b@cam/y"),
        ("http://a:b@cam/x", "https://CAM:8443/y?z=1#t", "https://a:b@cam:8443/y?z=1"),
        ("http://a:b@cam/x", "http://c:d@cam/y", "http://a:b@cam/y"),
        ("http://[fe80::1]/x", "http://[fe80::1]:81/y", "http://[fe80::1]:81/y"),
        ("https://cam/x", "http://cam/x", None),
        ("http://cam/x", "http://cam.evil/x", None),
        ("http://cam/x", "http://cam@evil/x", None),
        ("http://cam/x", "rtsp://cam/x", None),
        ("http://cam/x", "file:///etc/passwd", None),
        ("http://cam/x", "http://cam:port/x", None),
    ],
)
def test_a_camera_moves_only_on_its_machine_and_never_from_encrypted_to_clear(
    address: str, moved: str, there: str | None
) -> None:
    assert on_its_machine(address, moved) == there


def test_a_list_of_other_addresses_is_not_followed() -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/inside\n")

    with (
        _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as place,
        pytest.raises(StreamError, match=r"a list of others \(HLS\), which is not followed"),
    ):
        AvStream(f"http://{place}/list.m3u8", "http")
    assert set(asked) == {"/list.m3u8"}
