"""The push services of browsers: an account names an address of one, and of nothing else."""

from collections.abc import Iterable
from urllib.parse import urlsplit

KNOWN = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    ".notify.windows.com",
    ".push.apple.com",
)
"""Hosts, or what they end with: those of Chromium, Firefox, Edge and Safari."""


class ForeignService(ValueError):
    """An address is none of a push service; the message has the remedy."""


def check_endpoint(endpoint: str, more: Iterable[str]) -> None:
    """Raise `ForeignService` unless it is of a known service, or of `more` addresses."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        raise ForeignService(f"{endpoint[:100]!r} is no address; see push_services") from None
    host = parts.hostname or ""
    known = any(host == one or (one[0] == "." and host.endswith(one)) for one in KNOWN)
    is_plain = parts.username is None and parts.password is None
    if is_plain and known and parts.scheme == "https" and port in (None, 443):
        return
    if is_plain and f"{parts.scheme}://{parts.netloc}" in more:
        return
    raise ForeignService(
        f"{parts.scheme}://{host[:100]} is no push service that is known here; where it is one,"
        " write its address under api: {push_services: […]} in the site file"
    )
