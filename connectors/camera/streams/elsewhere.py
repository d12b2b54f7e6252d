"""Streams that lead to another machine, to which the library would follow them without a word."""

import contextlib
import http.client
import ipaddress
import os
import socket
import ssl
from collections.abc import Container, Mapping
from urllib.parse import urljoin, urlsplit, urlunsplit

SOCKETS = "/proc/self/fd"
"""Where the system shows a process its connections; elsewhere than on Linux none are seen."""
HTTP_OPTIONS = {
    "max_redirects": "0",
    "format_whitelist": "mjpeg,mpjpeg,jpeg_pipe,png_pipe,webp_pipe,bmp_pipe,image2,mpegts,flv,mov,"
    "matroska,avi,h264,hevc",
}
"""Formats that hold their pictures themselves: lists (HLS, DASH, SDP) lead to other addresses."""
_MOVED = (301, 302, 303, 307, 308)


def connections() -> Mapping[str, int]:
    """The sockets of this process, each by a name that no other has, and their numbers."""
    found = {}
    with contextlib.suppress(OSError), os.scandir(SOCKETS) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # it was closed just now
                name = os.readlink(entry.path)
                if name.startswith("socket:"):
                    found[name] = int(entry.name)
    return found


def other_machine(address: str, before: Container[str]) -> str | None:
    """The machine that a stream comes from, where it is not that of its address.

    Its connection is among those that were not there `before`. Where another thread connects to
    the address's machine at the same time, nothing is found.
    """
    made = [number for name, number in connections().items() if name not in before]
    peers = {peer for number in made if (peer := _peer(number))}
    if not peers:
        return None
    try:
        found = socket.getaddrinfo(urlsplit(address).hostname, None, type=socket.SOCK_STREAM)
    except OSError:
        return None
    if peers & {_plain(str(place[0])) for *_, place in found}:
        return None
    return " or ".join(sorted(peers))


def moved_to(address: str, timeout: float) -> str | None:
    """Where an HTTP server sends whoever asks for an address; None if nowhere."""
    parts = urlsplit(address)
    link = http_connection(address, timeout)
    target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    try:
        link.request("GET", target)
        answer = link.getresponse()
        location = answer.headers.get("Location") if answer.status in _MOVED else None
        return urljoin(address, location) if location else None
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        link.close()


def on_its_machine(address: str, moved: str) -> str | None:
    """The address that a camera moved to, with the user of the one before.

    None if that is of another machine, or would send in clear what was encrypted.
    """
    old = urlsplit(address)
    try:
        new = urlsplit(moved)
        host, port = new.hostname or "", new.port
    except ValueError:
        return None
    if host != old.hostname or new.scheme not in ("http", "https"):
        return None
    if old.scheme == "https" and new.scheme != "https":
        return None
    user, at, _ = old.netloc.rpartition("@")
    shown = f"[{host}]" if ":" in host else host
    place = shown if port is None else f"{shown}:{port}"
    return new._replace(netloc=f"{user}{at}{place}", fragment="").geturl()


def http_connection(address: str, timeout: float) -> http.client.HTTPConnection:
    """A connection to an address's machine, which opens when it is used."""
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port
    if parts.scheme.lower() != "https":
        return http.client.HTTPConnection(host, port, timeout=timeout)
    context = ssl.create_default_context()  # cameras sign their certificates themselves
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)


def _peer(number: int) -> str | None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as link:
        if link.family in (socket.AF_INET, socket.AF_INET6):
            return _plain(str(link.getpeername()[0]))
    return None


def _plain(address: str) -> str:
    place = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(place, ipaddress.IPv6Address) and place.ipv4_mapped is not None:
        place = place.ipv4_mapped
    return str(place)
