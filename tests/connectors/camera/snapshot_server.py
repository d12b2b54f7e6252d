"""A camera that has single pictures only, by HTTP."""

import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.flows.vision.mjpeg_server import jpeg
from tests.http_digest import Guard


class SnapshotCamera:
    """`guard` asks for a user; `kept` keeps connections; `wrong` is how an answer is bad."""

    def __init__(self, guard: Guard | None = None, kept: bool = True) -> None:
        self.guard = guard
        self.asked = self.connections = 0
        self.wrong: str | None = None
        camera = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1" if kept else "HTTP/1.0"

            def setup(self) -> None:
                super().setup()
                camera.connections += 1

            def log_message(self, *arguments: object) -> None:
                pass

            def do_GET(self) -> None:
                guard = camera.guard
                known = self.headers.get("Authorization")
                if guard is not None and not guard.knows("GET", self.path, known):
                    self._answer(401, b"", guard.challenges())
                    return
                camera.asked += 1
                data = jpeg(camera.asked)
                if camera.wrong == "huge":
                    size = data.index(b"\xff\xc0") + 5
                    data = data[:size] + struct.pack(">HH", 60_000, 60_000) + data[size + 4 :]
                if camera.wrong == "half":
                    data = data[: len(data) // 2]
                self._answer(503 if camera.wrong == "busy" else 200, data)

            def _answer(
                self, status: int, data: bytes, challenges: list[str] | None = None
            ) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "image/jpeg")
                self.send_header("Content-Length", str(len(data)))
                for challenge in challenges or []:
                    self.send_header("WWW-Authenticate", challenge)
                self.end_headers()
                self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.host = f"127.0.0.1:{self.server.server_port}"

    def url(self, user: str = "", path: str = "/cgi-bin/snapshot.cgi?ch=1") -> str:
        return f"http://{user}{self.host}{path}"


@contextmanager
def snapshots(guard: Guard | None = None, kept: bool = True) -> Iterator[SnapshotCamera]:
    camera = SnapshotCamera(guard, kept)
    thread = threading.Thread(target=camera.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield camera
    finally:
        camera.server.shutdown()
        camera.server.server_close()
