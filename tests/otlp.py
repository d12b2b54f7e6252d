"""A receiver of OpenTelemetry's traces over HTTP, as its protocol says: protobuf, often packed."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Seen(NamedTuple):
    """A span as it came; ids in hex, times in seconds."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    start: float
    end: float


class Otlp:
    """Listens on a free port of loopback. Answers with `status`, and keeps what it answers 200."""

    def __init__(self) -> None:
        self.status = 200
        self.asked = 0
        self._seen: list[Seen] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.asked += 1
                if self.path != "/v1/traces":
                    self.send_response(404)
                else:
                    self.send_response(receiver.status)
                    if receiver.status == 200:
                        receiver._take(ExportTraceServiceRequest.FromString(body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def _take(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            said = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            for scope in resource.scope_spans:
                self._seen += [
                    Seen(
                        said["service.name"],
                        span.name,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        span.start_time_unix_nano / 1e9,
                        span.end_time_unix_nano / 1e9,
                    )
                    for span in scope.spans
                ]

    def spans(self) -> list[Seen]:
        """All spans so far, in the order of their beginning."""
        return sorted(self._seen, key=lambda span: span.start)

    def traces(self) -> dict[str, list[Seen]]:
        """The same, by trace."""
        found: dict[str, list[Seen]] = {}
        for span in self.spans():
            found.setdefault(span.trace, []).append(span)
        return found

    def forget(self) -> None:
        """Begin anew."""
        self._seen = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
