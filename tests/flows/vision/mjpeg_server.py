"""A camera that sends MJPEG over HTTP, some of it broken."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np


def jpeg(number: int, width: int = 320, height: int = 240) -> bytes:
    picture = np.full((height, width, 3), 90, np.uint8)
    left = number * 9 % width
    picture[60:200, left : left + 50] = 220
    noise = np.random.default_rng(number).integers(0, 8, picture.shape, np.uint8)
    return bytes(cv2.imencode(".jpg", picture + noise)[1])


ODD = (
    "no length",
    "lines end in LF",
    "another boundary",
    "no boundary",
    "chunks",
    "half the length",
    "no type",
    "something before",
    "nothing between",
)
"""Ways in which cameras send MJPEG, other than that of the book."""


class _Handler(BaseHTTPRequestHandler):
    way = ""

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        way = self.way
        boundary = {"another boundary": "; boundary=other", "no boundary": ""}.get(
            way, "; boundary=picture"
        )
        self.send_response(200)
        self.send_header("Content-Type", f"multipart/x-mixed-replace{boundary}")
        if way == "chunks":
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        number = 0
        try:
            if way == "something before":
                self._put(b"Camera 7\r\n\r\n")
            while True:
                data = jpeg(number)
                if not way and number % 3 == 1:
                    data = data[: len(data) // 2]
                self._put(self._head(len(data)) + data + b"\r\n")
                number += 1
                time.sleep(0.05)
        except OSError:
            pass

    def _put(self, data: bytes) -> None:
        chunk = b"%x\r\n%s\r\n" % (len(data), data)
        self.wfile.write(chunk if self.way == "chunks" else data)

    def _head(self, length: int) -> bytes:
        way = self.way
        if way == "nothing between":
            return b""
        head = "--picture\r\n"
        if way != "no type":
            head += "Content-Type: image/jpeg\r\n"
        if way != "no length":
            head += f"Content-Length: {length // 2 if way == 'half the length' else length}\r\n"
        head += "\r\n"
        return (head.replace("\r", "") if way == "lines end in LF" else head).encode()


@contextmanager
def mjpeg(way: str = "") -> Iterator[str]:
    """Its address; it sends in one of the `ODD` ways, or cuts every third picture in half."""
    handler = type("Handler", (_Handler,), {"way": way, "protocol_version": "HTTP/1.1"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/video"
    finally:
        server.shutdown()
        server.server_close()
