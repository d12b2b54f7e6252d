"""uvicorn as this api needs it: no compression, bounded buffers, an end for clients that stall."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from api.settings import Settings
from api.web.close_codes import INVALID_UTF8, Close
from api.web.http_protocol import HttpProtocol
from api.web.log_redaction import keep_tokens_out_of_logs
from connectors.http.request_gate import refuse_folded_headers

GRACEFUL_SHUTDOWN = 5
PING_INTERVAL = 20.0
TRANSPORT = "vigie.transport"
"""Extension of the ASGI scope: the transport of a WebSocket connection."""


def protocol(write_buffer: int) -> type[WebSocketsSansIOProtocol]:
    """The WebSocket protocol, with at most `write_buffer` bytes before the kernel."""

    class WebSocketProtocol(WebSocketsSansIOProtocol):
        """A `Transport` of the application.

        Frames that are ready go out as they are, and a client that does not read is cut off.
        """

        on_writable: Callable[[], None] | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self.transport.set_write_buffer_limits(high=write_buffer)

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
                self.transport.resume_reading()
            self.queue.put_nowait(
                {"type": "websocket.disconnect", "code": close.code, "reason": close.reason}
            )
            self.close_timer = self.loop.call_later(grace, self.transport.abort)

        def keepalive_timeout(self) -> None:
            super().keepalive_timeout()
            self.transport.abort()

    return WebSocketProtocol


def make_server(app: Starlette, settings: Settings) -> uvicorn.Server:
    """A server on the settings' address, which logs warnings and errors only, and never a token."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=HttpProtocol,
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
    # the feed says once that the broker is gone
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    return uvicorn.Server(config)


def _fitting(reason: str) -> str:
    """The reason, cut to what a close frame holds (123 bytes)."""
    return reason.encode()[:123].decode(errors="ignore")
