"""How a far end refuses: everything for a while, or one thing for ever."""

import socket

from tests.chaos.ends.relay import Refusal

POISON = b"poison"
"""The word in what a far end never takes."""


def http(status: int, only: bytes = b"") -> Refusal:
    """Every request is answered with `status`, or those whose first line begins with `only` and
    holds the poison.
    """
    body = b"<Error><Code>InternalError</Code><Message>We are sorry.</Message></Error>"
    head = b"HTTP/1.1 %d Refused\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%s"
    return answer(head % (status, len(body), body), only)


def answer(words: bytes, only: bytes = b"") -> Refusal:
    """The same with these words as the answer."""

    def refuse(data: bytes, client: socket.socket) -> bytes | None:
        line = data.partition(b"\r\n")[0]
        if only and not (line.startswith(only) and POISON in line):
            return None
        if b" HTTP/1." not in line:
            return b""  # the rest of a request that was under way
        _read_whole(data, client)
        return words

    return refuse


def _read_whole(data: bytes, client: socket.socket) -> None:
    while b"\r\n\r\n" not in data:
        data += _more(client)
    head, _, body = data.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head.lower():
        while not body.endswith(b"0\r\n\r\n"):
            body += _more(client)
        return
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0].strip()
    while len(body) < int(length or 0):
        body += _more(client)


def _more(client: socket.socket) -> bytes:
    if more := client.recv(1 << 16):
        return more
    raise OSError("the client went away")


def smtp(data: bytes, client: socket.socket) -> bytes | None:
    """Every command is answered with "try later"."""
    return b"421 busy, try again later\r\n"


def smtp_poisoned(data: bytes, client: socket.socket) -> bytes | None:
    """There is no such mailbox."""
    if data.upper().startswith(b"RCPT TO:") and POISON in data:
        return b"550 5.1.1 no such mailbox\r\n"
    return None


def mqtt(data: bytes, client: socket.socket) -> bytes | None:
    """Every CONNECT of version 5 is answered with "server unavailable"; all else gets no answer."""
    is_connect = data[:1] == b"\x10"
    return b"\x20\x03\x00\x88\x00" if is_connect else b""
