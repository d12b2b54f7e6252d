"""uvicorn as this api needs it: no compression, bounded buffers, an end for clients that stall."""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from api.settings import Settings
from api.web.budget import Budget
from api.web.close_codes import INVALID_UTF8, OVER_BUDGET, Close
from api.web.http_protocol import HttpProtocol
from api.web.log_redaction import keep_tokens_out_of_logs
from connectors.http.connection_caps import ConnectionCaps
from connectors.http.request_gate import refuse_folded_headers

GRACEFUL_SHUTDOWN = 5
PING_INTERVAL = 20.0
CUT_AFTER = 5.0
TRANSPORT = "vigie.transport"
"""Extension of the ASGI scope: the transport of a WebSocket connection."""


PIECE = 4 << 10
"""Bytes that are read of one client before others have their turn."""
CONTROL_BURST = 500.0
CONTROL_RATE = 50.0
"""Pings, pongs and pieces of messages of one client, at once and for each second."""


def protocol(write_buffer: int) -> type[WebSocketsSansIOProtocol]:
    """The WebSocket protocol, with at most `write_buffer` bytes before the kernel."""

    class WebSocketProtocol(WebSocketsSansIOProtocol):
        """A `Transport` of the application.

        Frames that are ready go out as they are, and a client that does not read is cut off. What
        a client sends is read in pieces, and no further than the application has come with it.
        """

        on_writable: Callable[[], None] | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self.transport.set_write_buffer_limits(high=write_buffer)
            self._unread = bytearray()
            self._to_be_read = False
            self._control = Budget(CONTROL_BURST, CONTROL_RATE, self.loop.time)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if self.on_writable is not None:
                self.on_writable()

        def data_received(self, data: bytes) -> None:
            self._unread += data
            self._read_piece()

        async def receive(self) -> Any:
            message = await super().receive()
            if self._unread:
                self._read_soon()
            return message

        def _read_soon(self) -> None:
            self.transport.pause_reading()
            if not self._to_be_read:
                self._to_be_read = True
                self.loop.call_soon(self._read_piece)

        def _read_piece(self) -> None:
            self._to_be_read = False
            if self.read_paused and not self.close_sent:
                return
            piece = bytes(self._unread[:PIECE])
            del self._unread[:PIECE]
            super().data_received(piece)
            if self._unread:
                self._read_soon()
            elif not self.read_paused:
                self.transport.resume_reading()

        def handle_ping(self) -> None:
            if self._may_go_on():
                super().handle_ping()

        def handle_pong(self, event: Any) -> None:
            if self._may_go_on():
                super().handle_pong(event)

        def handle_cont(self, event: Any) -> None:
            if self._may_go_on():
                super().handle_cont(event)

        def _may_go_on(self) -> bool:
            if not self.close_sent and not self._control.spend(1):
                self.end(OVER_BUDGET, CUT_AFTER)
            return not self.close_sent

        def handle_connect(self, event: Any) -> None:
            super().handle_connect(event)
            if not self.close_sent:
                self.scope["extensions"][TRANSPORT] = self  # type: ignore[assignment]

        def send_receive_event_to_app(self) -> None:
            """Close on text that is not UTF-8, without the traceback that uvicorn would log."""
            if self.curr_msg_data_type == "text" and not self.close_sent:
                try:
                    b"".join(self.frames).decode()
                except UnicodeDecodeError:
                    self.frames = []
                    # a close of the client's may stand behind it already
                    if self.conn.state is State.OPEN:
                        self.conn.send_close(INVALID_UTF8)
                        self.handle_parser_exception()
                    return
            super().send_receive_event_to_app()

        @property
        def can_write(self) -> bool:
            return self.writable.is_set()

        @property
        def buffered(self) -> int:
            return self.transport.get_write_buffer_size()

        def write(self, data: bytes) -> None:
            if not self.close_sent and not self.transport.is_closing():
                self.transport.write(data)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self.on_writable is not None:
                self.on_writable()

        def end(self, close: Close, grace: float) -> None:
            """Send a close frame behind what is buffered; cut the connection after `grace` s."""
            if self.conn.state is State.OPEN and not self.transport.is_closing():
                self.conn.send_close(close.code, _fitting(close.reason))
                self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            if self.read_paused:
                self.read_paused = False
                self._read_soon()
            self.queue.put_nowait(
                {"type": "websocket.disconnect", "code": close.code, "reason": close.reason}
            )
            self.close_timer = self.loop.call_later(grace, self.transport.abort)

        def keepalive_timeout(self) -> None:
            super().keepalive_timeout()
            self.transport.abort()

    return WebSocketProtocol


class Server(uvicorn.Server):
    """Calls `on_running` once it listens."""

    def __init__(self, config: uvicorn.Config, on_running: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_running = on_running

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started:
            self._on_running()


def make_server(
    app: Starlette, settings: Settings, on_running: Callable[[], None] = lambda: None
) -> uvicorn.Server:
    """A server on the settings' address, which logs warnings and errors only, and never a token."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=_http_protocol(settings),
        ws=protocol(settings.bounds.write_buffer),
        ws_max_size=settings.bounds.message_size,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_INTERVAL,
        ws_ping_timeout=PING_INTERVAL,
        backlog=4096,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.section.proxies),
        forwarded_allow_ips=settings.section.proxies,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        lifespan="on",
    )
    keep_tokens_out_of_logs()
    refuse_folded_headers()
    # the feed says once that the broker is gone, /health that ClickHouse is
    for noisy in ("kafka", "clickhouse_connect"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    return Server(config, on_running)


def _http_protocol(settings: Settings) -> type[HttpProtocol]:
    section = settings.section

    class Capped(HttpProtocol):
        CAPS = ConnectionCaps(
            settings.bounds.connections, section.connections_per_address, section.proxies
        )

    return Capped


def _fitting(reason: str) -> str:
    """The reason, cut to what a close frame holds (123 bytes)."""
    return reason.encode()[:123].decode(errors="ignore")
