"""A TCP relay before a server whose clients are to be cut off while the server itself lives on."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

from infra.embedded.ports import HOST, free_port

# SO_LINGER without waiting: closing sends RST, as a dead server's kernel would
RESET = struct.pack("ii", 1, 0)


Refusal = Callable[[bytes, socket.socket], bytes | None]
"""What is answered in place of the server to what a client sends, None to pass it on; it may read
the rest of the request from the client.
"""


class Relay:
    """Passes bytes between clients of `port` and the server on `target`. `cut` resets every
    connection and refuses new ones until `mend`; `refuse` answers in place of the server."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.target = target
        self.refuse: Refusal | None = None
        self._lock = threading.Lock()
        self._links: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.mend()

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def mend(self) -> None:
        """Take connections (again)."""
        listener = socket.create_server((HOST, self.port))
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="relay", daemon=True).start()

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listener.close()
        with self._lock:
            links, self._links = self._links, set()
        for link in links:
            self._end(link)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection((HOST, self.target), 5)
            except OSError:
                if self._listener is not listener:
                    return
                continue
            with self._lock:
                alive = self._listener is listener
                if alive:
                    self._links |= {client, server}
            if not alive:
                self._end(client)
                self._end(server)
                return
            for link in (client, server):
                link.settimeout(None)
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, sink in ((client, server), (server, client)):
                threading.Thread(
                    target=self._pass_on,
                    args=(source, sink, source is client),
                    name="relay",
                    daemon=True,
                ).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, is_client: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                refuse = self.refuse if is_client else None
                if refuse is not None and (answer := refuse(data, source)) is not None:
                    source.sendall(answer)
                else:
                    sink.sendall(data)
        for link in (source, sink):
            with self._lock:
                self._links.discard(link)
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()

    @staticmethod
    def _end(link: socket.socket) -> None:
        with contextlib.suppress(OSError):
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            link.shutdown(socket.SHUT_RDWR)
        link.close()
