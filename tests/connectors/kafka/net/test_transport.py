"""The sockets of the broker's clients: all that is sent comes, whatever its size, also with TLS."""

import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka.errors import KafkaConnectionError
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

from connectors.kafka.net.client import quick
from connectors.kafka.net.selector import QuickSelector
from connectors.kafka.net.transport import PIECE, hasten
from tests.connectors.certificate import make_certificate
from tests.waiting import PATIENCE

SIZES = [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 5_000_000]


class Protocol:
    _sensors = None

    def __init__(self) -> None:
        self.received = bytearray()
        self.ended: list[object] = []

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, error: object) -> None:
        self.ended.append(error)


class Peer:
    """A transport in a loop of its own, and the socket at its other end."""

    def __init__(self, certificate: tuple[Path, Path] | None) -> None:
        self.loop = quick(selector=QuickSelector)._net
        self.protocol = Protocol()
        here, there = socket.socketpair()
        here.setblocking(False)
        there.settimeout(PATIENCE)
        if certificate is None:
            self.transport, self.other = KafkaTCPTransport(self.loop, here), there
        else:
            self._encrypt(here, there, *certificate)
        hasten(self.transport)
        self.loop.keep(self.transport._sock)
        self.transport.set_protocol(self.protocol)
        self.transport.resume_reading()

    def _encrypt(self, here: socket.socket, there: socket.socket, cert: Path, key: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.transport = KafkaSSLTransport(
            self.loop, here, host="127.0.0.1", ssl_cafile=str(cert), ssl_check_hostname=False
        )
        shaken = threading.Thread(target=lambda: self.loop.run(self.transport.handshake))
        shaken.start()
        self.other = context.wrap_socket(there, server_side=True)
        shaken.join()

    def turn_until(self, condition: Callable[[], object]) -> None:
        for _ in range(1_000):
            if condition():
                return
            self.loop.poll(timeout_ms=100)
        raise AssertionError("it did not come")

    def close(self) -> None:
        self.transport.abort()
        self.other.close()
        self.loop.close()


@pytest.fixture(params=["plain", "tls"])
def peer(request: pytest.FixtureRequest, tmp: Path) -> Iterator[Peer]:
    made = Peer(make_certificate(tmp) if request.param == "tls" else None)
    yield made
    made.close()


@pytest.mark.parametrize("size", SIZES)
def test_what_the_broker_sends_comes_whole_and_in_order(peer: Peer, size: int):
    data = bytes(n % 251 for n in range(size))
    sender = threading.Thread(target=lambda: peer.other.sendall(data + b"\n") or None)
    sender.start()
    peer.turn_until(lambda: peer.protocol.received.endswith(b"\n"))
    sender.join()
    assert peer.protocol.received == data + b"\n"
    peer.other.sendall(b"next")
    peer.turn_until(lambda: len(peer.protocol.received) == size + 5)


@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_arrives_whole_and_in_order(peer: Peer, size: int):
    data, found = bytes(n % 251 for n in range(size)), bytearray()

    def read() -> None:
        while len(found) < size + 4:
            found.extend(peer.other.recv(1 << 20))

    reader = threading.Thread(target=read)
    peer.transport.write(data)
    peer.transport.write(b"next")
    reader.start()
    peer.turn_until(lambda: len(found) == size + 4)
    reader.join()
    assert found == data + b"next"


def test_the_end_of_a_connection_is_told_once_with_all_that_came_before_it(peer: Peer):
    peer.other.sendall(b"last")
    peer.turn_until(lambda: peer.protocol.received == b"last")
    peer.other.close()
    peer.turn_until(lambda: peer.protocol.ended)
    assert [type(error) for error in peer.protocol.ended] == [KafkaConnectionError]


def test_writing_to_a_connection_that_broke_ends_it(peer: Peer):
    peer.transport._sock.shutdown(socket.SHUT_RDWR)
    peer.transport.write(b"lost")
    peer.turn_until(lambda: peer.protocol.ended)
    assert isinstance(peer.protocol.ended[0], KafkaConnectionError)


def test_what_nobody_reads_keeps_no_thread_busy(peer: Peer):
    peer.other.sendall(b"first,")
    peer.turn_until(lambda: peer.protocol.received)
    peer.transport.pause_reading()
    peer.other.sendall(b"second,")
    peer.turn_until(lambda: len(peer.protocol.received) == 13)  # the reading under way ends with it
    peer.other.sendall(b"third")
    sock = peer.transport._sock
    peer.turn_until(lambda: sock.fileno() not in peer.loop._selector.get_map())
    peer.transport.resume_reading()
    peer.turn_until(lambda: peer.protocol.received == b"first,second,third")


def test_sockets_are_not_looked_at_twice_within_a_moment_without_waiting(
    monkeypatch: pytest.MonkeyPatch,
):
    here, there = socket.socketpair()
    selector = QuickSelector()
    selector.register(here, selectors.EVENT_READ)
    there.send(b"x")
    monkeypatch.setattr("connectors.kafka.net.selector.LOOK_AGAIN", 1e9)
    assert selector.select(1)
    assert not selector.select(0)
    assert selector.select(1)
    monkeypatch.setattr("connectors.kafka.net.selector.LOOK_AGAIN", 0)
    assert selector.select(0)
    selector.close()
    here.close()
    there.close()
