"""What is said of a broker that cannot be used, by what really is at its address."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka.errors import KafkaConnectionError

from connectors.base import ConnectorContext, Stopped
from connectors.kafka.admin import explain
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from infra.embedded.broker import Broker
from infra.embedded.ports import HOST, free_port
from tests.connectors.recorder import Recorder
from tests.waiting import wait_until

Serve = Callable[[Callable[[socket.socket], None]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(answer)` is the address of a program that gives each client to `answer`."""
    with contextlib.ExitStack() as opened:

        def start(answer: Callable[[socket.socket], None]) -> str:
            server = opened.enter_context(socket.create_server((HOST, 0)))
            clients = list[socket.socket]()
            opened.callback(lambda: [client.close() for client in clients])

            def accept() -> None:
                with contextlib.suppress(OSError):
                    while True:
                        clients.append(server.accept()[0])
                        answer(clients[-1])

            threading.Thread(target=accept, daemon=True).start()
            return f"{HOST}:{server.getsockname()[1]}"

        yield start


def said_of(*addresses: str) -> str:
    return explain(KafkaConnectionError("x"), TopicConnection(brokers=list(addresses)))


def test_an_address_without_a_program_and_a_host_that_is_not_known_are_told_apart() -> None:
    empty = f"{HOST}:{free_port()}"
    assert said_of(empty) == (
        f"no answer from the broker at {empty} (nothing listens there); is it running there?"
    )
    assert "broker.invalid:9092: no such host is known here" in said_of(
        "broker.invalid:9092", empty
    )


def test_another_program_at_the_address_is_named_by_what_it_says(serve: Serve) -> None:
    address = serve(lambda client: client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"))
    assert f"what answers at {address} speaks another protocol than Kafka's (it says 'SSH-')" in (
        said_of(address)
    )


def test_a_program_that_says_nothing_is_no_broker(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.kafka.access.diagnosis.SECONDS", 0.1)
    assert "takes the connection and says nothing" in said_of(serve(lambda client: None))


class Elsewhere(Broker):
    """It tells clients to go to an address that is none of this machine's."""

    def command(self) -> list[str]:
        *words, url, engine, memory = super().command()
        assert url == f"tcp://{self.address}"
        return [*words, "tcp://broker.invalid:9092", engine, memory]


def test_a_broker_that_sends_clients_where_they_cannot_go_is_told_to_name_another_address(
    own: Callable[[Elsewhere], Elsewhere], tmp: Path
) -> None:
    broker = own(Elsewhere(tmp / "broker"))
    said = said_of(broker.address)
    assert (
        f"the broker at {broker.address} sends clients on to broker.invalid:9092 (no such" in said
    )
    assert "set its advertised.listeners to an address that this machine reaches" in said
    recorder = Recorder()
    context = recorder.context("source", TopicConnection(brokers=[broker.address]))
    waiting = threading.Thread(target=lambda: _stopped(Topic(name="any"), context))
    waiting.start()
    wait_until(lambda: "source" in recorder.health.down, what="the source to say it")
    assert "broker.invalid" in recorder.health.down["source"]
    recorder.stopping.set()
    waiting.join()


def _stopped(source: Topic, context: ConnectorContext) -> None:
    with contextlib.suppress(Stopped):
        source.partitions(context)


def test_a_broker_that_is_well_is_not_blamed(broker: Broker) -> None:
    assert said_of(broker.address) == (
        f"no answer from the broker at {broker.address} (KafkaConnectionError: x); is it running"
        " there?"
    )
