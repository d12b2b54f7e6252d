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


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        self.end_headers()
        number = 0
        try:
            while True:
                data = jpeg(number)
                if number % 3 == 1:
                    data = data[: len(data) // 2]
                head = (
                    f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                )
                self.wfile.write(head.encode() + data + b"\r\n")
                number += 1
                time.sleep(0.05)
        except OSError:
            pass


@contextmanager
def half_jpegs() -> Iterator[str]:
    """Its address; every third picture is cut in half."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/video"
    finally:
        server.shutdown()
        server.server_close()
