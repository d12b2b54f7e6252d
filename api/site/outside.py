"""Addresses that people choose and the server asks: which are allowed (server-side requests)."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


class Outside(NamedTuple):
    """Where a host is: the address that was looked at, which is the one to connect to."""

    address: str
    port: int


class Forbidden(ValueError):
    """The server does not ask there; the message says why."""


async def check_outside(
    url: str, schemes: Sequence[str] = tuple(PORTS), loopback: bool = False
) -> Outside:
    """Where a camera's address leads, looked up once; `loopback` allows this machine, too.

    Raises `Forbidden` for this machine, link-local networks (cloud metadata), multicast and what
    is no camera's address, `OSError` for a name that nobody knows.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Forbidden(f"that is no address: {error}") from None
    if parts.scheme not in schemes or not host:
        raise Forbidden(f"expected an address that begins with {', '.join(schemes)}")
    port = port or PORTS[parts.scheme]
    found: Any = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, place in found:
        if not _allowed(str(place[0]), loopback):
            raise Forbidden(
                "the server does not ask itself, link-local networks or multicast addresses"
            )
    return Outside(str(found[0][-1][0]), port)


def _allowed(address: str, loopback: bool) -> bool:
    place = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(place, ipaddress.IPv6Address) and place.ipv4_mapped is not None:
        place = place.ipv4_mapped
    if place.is_loopback:
        return loopback
    return not (place.is_link_local or place.is_multicast or place.is_unspecified)
