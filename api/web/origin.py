"""Which pages may open a WebSocket here, by the `Origin` that browsers send."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def may_connect(headers: Mapping[str, str], allowed: Iterable[str]) -> bool:
    """Whether the page that connects is ours, or of an allowed site.

    Programs that send no `Origin` may connect.
    """
    origin = headers.get("origin")
    if origin is None:
        return True
    return origin.rstrip("/") in allowed or _same_host(origin, headers.get("host", ""))


def _same_host(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
        default = _PORTS.get(parts.scheme)
        here = urlsplit(f"//{host}")
        same_port = (parts.port or default) == (here.port or default)
    except ValueError:
        return False
    return (
        default is not None
        and bool(parts.hostname)
        and parts.hostname == here.hostname
        and same_port
    )
