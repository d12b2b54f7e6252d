"""A small HTTP server that records what it is sent, as a process of its own that tests can command
and kill.

    python -m tests.receivers PORT FILE

It appends a JSON line to FILE for every request that it accepts: `{"id", "path", "headers", "body",
"again"}`, with the idempotency key as `id`, and `again` true if it had accepted that key before;
FILE outlives the process. Its behaviour is the JSON object in `FILE.behaviour`, read at each
request: `status` to answer, `headers` to add, `body` to send, `delay` in seconds, all for requests
whose body holds the text `match` only, if that is given.
"""

import json
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self

from infra.embedded.ports import free_port
from tests.waiting import PATIENCE, wait_until


class Received(NamedTuple):
    """One accepted request."""

    id: str
    path: str
    headers: dict[str, str]
    body: str
    again: bool

    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """The process, seen from a test. `kill` and `start` may follow each other; what was recorded
    stays.
    """

    def __init__(self, folder: Path, cert: Path | None = None, key: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"{'https' if cert else 'http'}://127.0.0.1:{self.port}"
        self.file = folder / "received.jsonl"
        self.file.touch()
        self._behaviour = folder / "received.jsonl.behaviour"
        self._tls = [str(cert), str(key)] if cert else []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        command = [
            sys.executable,
            "-m",
            "tests.receivers",
            str(self.port),
            str(self.file),
            *self._tls,
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise RuntimeError(f"the receiver on port {self.port} did not start")
        return self

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def behave(self, **behaviour: Any) -> None:
        """Answer from now on as told; without arguments accept everything."""
        part = self._behaviour.with_suffix(".part")
        part.write_text(json.dumps(behaviour))
        part.replace(self._behaviour)

    def received(self) -> list[Received]:
        """Every accepted request so far, repetitions included."""
        whole = self.file.read_text().rpartition("\n")[0]
        return [Received(**json.loads(line)) for line in whole.splitlines()]

    def unique(self) -> list[Received]:
        """Every accepted request without the repetitions of an idempotency key."""
        return [request for request in self.received() if not request.again]

    def wait_for(self, count: int, timeout: float = PATIENCE) -> list[Received]:
        """The accepted requests without repetitions, once there are `count`."""
        wait_until(lambda: len(self.unique()) >= count, timeout, f"{count} requests")
        return self.unique()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.kill()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are killed say nothing."""


def serve(port: int, file: Path, tls: list[str]) -> None:
    whole = file.read_bytes().rpartition(b"\n")
    with file.open("r+b") as cut:
        cut.truncate(len(whole[0]) + len(whole[1]))  # a line that a kill cut off was never answered
    seen = {json.loads(line)["id"] for line in whole[0].splitlines()}
    log = file.open("a")
    lock = threading.Lock()
    behaviour_file = file.with_name(file.name + ".behaviour")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            content = self.rfile.read(size)
            if len(content) < size:  # the sender was killed in the middle
                self.close_connection = True
                return
            body = content.decode()
            behaviour = json.loads(behaviour_file.read_text()) if behaviour_file.exists() else {}
            if behaviour.get("match", "") not in body:
                behaviour = {}
            time.sleep(behaviour.get("delay", 0))
            status = behaviour.get("status", 200)
            if status < 300:
                self._record(body)
            answer = behaviour.get("body", "").encode()
            self.send_response(status)
            for name, value in behaviour.get("headers", {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_PUT = do_POST

        def _record(self, body: str) -> None:
            id = self.headers.get("Idempotency-Key", "")
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                request = Received(id, self.path, headers, body, id in seen)
                seen.add(id)
                log.write(json.dumps(request._asdict()) + "\n")
                log.flush()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = _Server(("127.0.0.1", port), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print("listening", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
