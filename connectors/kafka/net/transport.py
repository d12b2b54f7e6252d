"""Reading from and writing to the socket of a broker.

kafka-python 3.0 reads 4 KB at a time, and once more to learn that there is no more; before it
writes anything, it waits for the kernel to say that it may.
"""

import time
from functools import partial
from ssl import SSLSocket, SSLWantReadError, SSLWantWriteError
from typing import Any

from kafka.errors import KafkaConnectionError

PIECE = 64 << 10
NOTHING_YET = (BlockingIOError, InterruptedError, SSLWantReadError, SSLWantWriteError)


def hasten(transport: Any) -> None:
    """Have a transport of kafka-python read larger pieces, and write at once."""
    transport._sock_recv = partial(_receive, transport)
    transport.write = partial(_write, transport)


def _receive(transport: Any) -> tuple[bytes, Exception | None]:
    """Read what there is; and what ended the connection, if something did."""
    sock, pieces = transport._sock, list[bytes]()
    is_plain = not isinstance(sock, SSLSocket)
    try:
        while piece := sock.recv(PIECE):
            pieces.append(piece)
            if is_plain and len(piece) < PIECE:
                return b"".join(pieces), None
    except NOTHING_YET:
        return b"".join(pieces), None
    except OSError as error:
        return b"".join(pieces), KafkaConnectionError(error)
    return b"".join(pieces), KafkaConnectionError("socket disconnected")


def _write(transport: Any, data: bytes) -> None:
    """Write at once as much as the socket takes; the rest when it takes more."""
    if not transport._write or transport._closed:
        raise RuntimeError("Transport closed for writes")
    transport._write_buffer.append(data)
    if transport._writing:
        return
    _, error = transport._sock_send()
    transport.last_write = time.monotonic()
    if error:
        transport._net.call_soon(lambda: transport.abort(error=error))
    elif transport._write_buffer:
        transport._writing = True
        transport._write_task = transport._net.call_soon(transport._write_to_sock)
