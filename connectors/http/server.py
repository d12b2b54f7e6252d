"""The server of the HTTP source: one uvicorn a connection, in a thread with its own loop."""

import logging
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.base import ConnectorError
from connectors.http.connection import HttpConnection
from connectors.http.connection_caps import ConnectionCaps
from connectors.http.request_deadline import DeadlineProtocol
from connectors.http.request_gate import RequestGate, refuse_folded_headers

BACKLOG = 512
GRACE = 5

Endpoint = Callable[[Request], Awaitable[Response]]

_listeners: dict[tuple[str, int], "Listener"] = {}
_lock = threading.Lock()


def listener_of(connection: HttpConnection, name: str) -> "Listener":
    """The process's listener of a connection; raises `ConnectorError` if its port is taken."""
    with _lock:
        found = _listeners.setdefault((connection.address, connection.port), Listener(connection))
    if found.connection != connection:
        raise ConnectorError(
            f"{name}: two connections of the site file listen on"
            f" {connection.address}:{connection.port}; let the sources name the same connection, or"
            " give one of them another port"
        )
    return found


class Listener:
    """Serves the paths of all sources of a connection, from first `start` to last `stop`."""

    def __init__(self, connection: HttpConnection) -> None:
        self.connection = connection
        self.url = (
            f"{'https' if connection.cert else 'http'}://{connection.address}:{connection.port}"
        )
        self._endpoints: dict[str, Endpoint] = {}
        self._on_end: list[Callable[[], None]] = []
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def add(self, path: str, endpoint: Endpoint, name: str, on_end: Callable[[], None]) -> None:
        """Announce a path before any `start`; `on_end` is called if the server ends by itself."""
        if path in self._endpoints:
            raise ConnectorError(
                f"{name}: another source takes the posts to {path} already; give one another 'path'"
            )
        self._endpoints[path] = endpoint
        self._on_end.append(on_end)

    def start(self) -> None:
        """Listen, unless another source does; raises `ConnectorError` if that is impossible."""
        with self._lock:
            if self._thread is not None:
                return
            config = self._config()
            listening = self._listen()
            self._server = uvicorn.Server(config)
            self._thread = threading.Thread(
                target=self._serve, args=(self._server, listening), name=self.url, daemon=True
            )
            self._thread.start()

    def remove(self, path: str) -> None:
        """Take a path away; the last one ends the server, after the posts that are under way."""
        self._endpoints.pop(path, None)
        if self._endpoints:
            return
        with _lock:
            _listeners.pop((self.connection.address, self.connection.port), None)
        with self._lock:
            if self._server is not None and self._thread is not None:
                self._server.should_exit = True
                self._thread.join(GRACE + 2)
                self._server = self._thread = None

    def _serve(self, server: uvicorn.Server, listening: socket.socket) -> None:
        try:
            server.run([listening])
        finally:
            if not server.should_exit:
                for on_end in self._on_end:
                    on_end()

    def _listen(self) -> socket.socket:
        address, port = self.connection.address, self.connection.port
        try:
            family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
            return socket.create_server((address, port), family=family, backlog=BACKLOG)
        except OSError as error:
            raise ConnectorError(
                f"cannot listen on {address}:{port} ({error.strerror or error}); another program"
                " may have the port: change 'address' or 'port' of the connection in the site file"
            ) from error

    def _config(self) -> uvicorn.Config:
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        app = Starlette(
            routes=[
                Route(path, endpoint, methods=["POST"])
                for path, endpoint in self._endpoints.items()
            ],
            exception_handlers={HTTPException: _error},
            middleware=[
                Middleware(
                    RequestGate,
                    names=self.connection.hosts,
                    remedy="write it under 'hosts' of the connection in the site file",
                )
            ],
        )
        refuse_folded_headers()
        config = uvicorn.Config(
            app,
            http=_protocol(self.connection),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=self.connection.timeout,
            timeout_graceful_shutdown=GRACE,
            ssl_certfile=self.connection.cert,
            ssl_keyfile=self.connection.key,
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise ConnectorError(
                f"{self.url}: expected a certificate and its key in PEM form in"
                f" {self.connection.cert} and {self.connection.key}, got {error}; check 'cert' and"
                " 'key' of the connection"
            ) from error
        return config


async def _error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = {404: f"nothing takes posts to {request.url.path}", 405: "expected POST"}.get(
        error.status_code, error.detail
    )
    return JSONResponse({"error": detail}, error.status_code, headers=error.headers)


def _protocol(connection: HttpConnection) -> type[DeadlineProtocol]:
    """HTTP with a bound on connections and on the time that one request may take to arrive."""

    class Bounded(DeadlineProtocol):
        DEADLINE = connection.timeout + 1
        CAPS = ConnectionCaps(connection.connections, connection.connections_per_address)

    return Bounded
