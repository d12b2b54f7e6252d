"""How many connections a listener takes, in all and from one address."""

import asyncio
import ipaddress
from collections.abc import Iterable
from typing import Any

from connectors.http.client_network import client_of

LINGER = 2.0
"""Seconds in which a client whose connection is to be closed may read why."""
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length:"
    b" 0\r\n\r\n"
)


class ConnectionCaps:
    """At most `most` connections, and `most_each` of one address that is none of the proxies'."""

    def __init__(self, most: int, most_each: int, proxies: Iterable[str] = ()) -> None:
        self._most = most
        self._most_each = most_each
        self._proxies = [ipaddress.ip_network(proxy) for proxy in proxies]
        self._sent_away: set[_SentAway] = set()

    def full(self, connections: Iterable[Any], transport: asyncio.Transport) -> bool:
        """Whether there is no place for one more beside these protocols of uvicorn's."""
        known = list(connections)
        if len(known) >= self._most:
            return True
        host = _host(transport.get_extra_info("peername"))
        if host is None or len(known) < self._most_each or self._is_proxy(host):
            return False
        client = client_of(host)
        return sum(client_of(_host(one.client) or "") == client for one in known) >= self._most_each

    def send_away(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Tell a client that there is no place, and close its connection."""
        if len(self._sent_away) < self._most:
            transport.set_protocol(_SentAway(transport, loop, self._sent_away))
        else:
            transport.abort()

    def _is_proxy(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._proxies)


def _host(peer: Any) -> str | None:
    return str(peer[0]).partition("%")[0] if isinstance(peer, tuple) and peer else None


class _SentAway(asyncio.Protocol):
    """A connection over the limit: told so, and closed when its client has closed it.

    A socket that is closed before all is read that came on it resets the connection, and the
    reset may overtake the answer (RFC 9112, section 9.6): so the rest is read and thrown away.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        others: set["_SentAway"],
    ) -> None:
        self._deadline = loop.call_later(LINGER, transport.abort)
        self._others = others
        others.add(self)
        transport.write(BUSY)
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._deadline.cancel()
        self._others.discard(self)
