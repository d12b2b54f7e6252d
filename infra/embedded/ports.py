"""Loopback ports: finding a free one and waiting until somebody listens."""

import http.client
import random
import socket
from collections.abc import Mapping

HOST = "127.0.0.1"
LOWEST, HIGHEST = 15_000, 32_000
"""Below the range the kernel hands out for outgoing connections (from 32768): a client that
keeps trying a dead port inside that range may connect to itself, and then the service cannot
come back on its port."""


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


_given: set[int] = set()


def free_port() -> int:
    """A loopback port nobody listens on at the moment. Raises `OSError` when none is found.

    None is given twice: whoever got it before may have stopped only for a while.
    """
    for _ in range(200):
        port = random.randrange(LOWEST, HIGHEST)  # noqa: S311
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise OSError(f"no free port found between {LOWEST} and {HIGHEST} on {HOST}")


def connect(port: int, timeout: float = 1.0) -> socket.socket:
    """Connect to a loopback port; raises `OSError` while nobody listens."""
    return socket.create_connection((HOST, port), timeout)


def ask(
    port: int,
    path: str,
    method: str = "GET",
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    timeout: float = 60,
) -> tuple[int, bytes]:
    """Status and body of one HTTP request to a loopback port; raises `OSError`."""
    link = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        link.request(method, path, body, dict(headers or {}))
        answer = link.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"{HOST}:{port} does not answer as a web server does: {error!r}") from error
    finally:
        link.close()
