"""uvicorn's HTTP protocol, with a deadline for requests and long answers that can be ended."""

from collections.abc import Callable
from typing import Any

from connectors.http.request_deadline import DeadlineProtocol

CONNECTION = "vigie.connection"


class HttpProtocol(DeadlineProtocol):
    """Known to a request as `request.scope["state"]["vigie.connection"]`.

    Long answers can be told of a shutdown, and cut.
    """

    DEADLINE = 15.0

    on_shutdown: Callable[[], None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app_state = {**self.app_state, CONNECTION: self}

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget whom to tell of a shutdown."""
        self.on_shutdown = None
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Tell the request that is being answered."""
        super().shutdown()
        if self.on_shutdown is not None:
            self.on_shutdown()

    def abort(self) -> None:
        """Cut the connection, whatever was not sent yet."""
        if self.transport is not None:
            self.transport.abort()
