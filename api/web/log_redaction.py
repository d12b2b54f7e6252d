"""Keep tokens out of every log line.

uvicorn logs WebSocket addresses with their query, whether the access log is on or not.
"""

import logging
import re

_SECRETS = re.compile(
    r"""((?:access_)?token=|ticket=|[Bb]earer[ .]|["']?password["']?\s*[:=]\s*["']?)[^\s&"',;#]+"""
)
_LOGGERS = (
    "",
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "uvicorn.asgi",
    "websockets",
    "websockets.server",
)


def redact(text: str) -> str:
    """The text with the value of every token or password in it replaced by `***`."""
    return _SECRETS.sub(r"\1***", text)


class Redacting(logging.Filter):
    """Rewrite records before any handler formats them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact a record; it always passes."""
        message = record.getMessage()
        clean = redact(message)
        if clean != message:
            record.msg, record.args = clean, ()
        return True


def keep_tokens_out_of_logs() -> None:
    """Filter at the server's loggers and at every handler there is; safe to call again."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        for place in (logger, *logger.handlers):
            if not any(isinstance(known, Redacting) for known in place.filters):
                place.addFilter(Redacting())
