"""A server in front of an object store that answers some requests itself."""

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from infra.embedded.objects import Objects

Refusal = tuple[int, bytes]
"""A status and a body."""


@contextlib.contextmanager
def before(objects: Objects, refuse: Callable[[str, str], Refusal | None]) -> Iterator[str]:
    """The address of a store that answers with what `refuse` returns for a method and a path, and
    passes on the others.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if refusal := refuse(self.command, self.path):
                self._answer(*refusal)
                return
            connection = http.client.HTTPConnection(objects.address)
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            self._answer(answer.status, answer.read(), answer.getheader("ETag"))
            connection.close()

        do_GET = do_PUT = do_HEAD = do_DELETE = handle_any

        def _answer(self, status: int, body: bytes, etag: str | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/xml")
            if etag:
                self.send_header("ETag", etag)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
