"""Certificates and passwords that are replaced while clients run, on Apache Kafka."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from kafka import KafkaAdminClient

from connectors.base import Health
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.embedded.kafka.server import Kafka, SecuredKafka
from infra.embedded.ports import HOST, free_port
from operators.events import encode_lines
from tests.connectors.certificate import Certificate, make_certificate
from tests.kafka.reading import Following, reading
from tests.kafka.test_refusals import allow, make, set_password
from tests.waiting import wait_until


class Ends:
    """A producer and a source of one topic, which run all the time."""

    def __init__(self, connection: TopicConnection) -> None:
        self.health, self.sent = Health(), list[str]()
        self._producer = Producer(connection, self.health, "p")
        self.source = Following(connection, Topic(name="t", start="earliest"))

    def send(self) -> None:
        number = len(self.sent)
        self.sent.append(f"r{number}")
        self._producer.send("t", "rack", encode_lines([reading(number)]))

    def wait_for_all(self) -> None:
        """Each reading is there once, and both ends say that all is well."""
        self._producer.flush()
        self.source.wait_for(lambda ids: len(ids) >= len(self.sent), what="all readings")
        wait_until(
            lambda: self.source.look() and not self.health.down and not self.source.health.down,
            what="all to be well",
        )
        assert self.source.ids() == self.sent

    def wait_for_words(self, words: str) -> None:
        """Both ends say why they wait."""
        for name, down in (("p", self.health.down), ("source", self.source.health.down)):
            wait_until(
                lambda name=name, down=down: (  # type: ignore[misc]
                    self.source.look() and words in down.get(name, "")
                ),
                what=f"{name} to say {words!r}",
            )

    def close(self) -> None:
        self._producer.close()
        self.source.close()


class Encrypted(Kafka):
    """A broker at `tls_address` with a certificate of its own, for clients with one it trusts."""

    def __init__(self, folder: Path) -> None:
        self.tls_port = free_port()
        super().__init__(folder, listeners={"SSL": self.tls_port})

    def properties(self) -> dict[str, str]:
        return {
            **super().properties(),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.folder / "own.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.folder / "clients.pem"),
            "ssl.client.auth": "required",
        }

    def use(self, own: Certificate, client: Certificate) -> None:
        self.folder.mkdir(exist_ok=True)
        key = load_pem_private_key(own.key.read_bytes(), None)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / "own.pem").write_bytes(pem + own.cert.read_bytes())
        shutil.copyfile(client.cert, self.folder / "clients.pem")


def certificate(folder: Path, name: str) -> Certificate:
    (folder / name).mkdir()
    return make_certificate(folder / name)


@pytest.fixture
def encrypted(tmp: Path) -> Iterator[Encrypted]:
    broker = Encrypted(tmp / "broker")
    yield broker
    broker.kill()


def test_certificates_that_are_replaced_are_used_at_the_next_connection(
    encrypted: Encrypted, tmp: Path
) -> None:
    ours = {name: tmp / f"{name}.pem" for name in ("ca", "certificate", "key")}

    def give_client(broker: Certificate, client: Certificate) -> None:
        shutil.copyfile(broker.cert, ours["ca"])
        shutil.copyfile(client.cert, ours["certificate"])
        shutil.copyfile(client.key, ours["key"])

    server, client = certificate(tmp, "server"), certificate(tmp, "client")
    encrypted.use(server, client)
    encrypted.start().wait_ready()
    admin = KafkaAdminClient(bootstrap_servers=encrypted.address)
    admin.create_topics({"t": {"num_partitions": 1}})
    admin.close()
    give_client(server, client)
    connection = TopicConnection.model_validate(
        {"brokers": [f"{HOST}:{encrypted.tls_port}"], "tls": True}
        | {name: str(path) for name, path in ours.items()}
    )
    ends = Ends(connection)
    ends.send()
    ends.wait_for_all()

    renewed = certificate(tmp, "renewed server"), certificate(tmp, "renewed client")
    encrypted.stop()
    encrypted.use(*renewed)
    encrypted.start().wait_ready()
    ends.send()
    ends.wait_for_words("is not accepted")
    shutil.copyfile(renewed[0].cert, ours["ca"])
    ends.wait_for_words("certificate that it trusts")
    shutil.copyfile(renewed[1].cert, ours["certificate"])
    ends.wait_for_words("the files for TLS cannot be used")
    shutil.copyfile(renewed[1].key, ours["key"])
    ends.wait_for_all()
    ends.close()


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256"])
def test_a_password_file_is_read_again_at_the_next_connection(tmp: Path, mechanism: str) -> None:
    with SecuredKafka(tmp / "broker") as broker:
        make(broker, "t")
        allow(broker, "t", "READ", "WRITE")
        file = tmp / "password"
        file.write_text(f"{broker.password('vigie')}\n")
        ends = Ends(
            TopicConnection(
                brokers=[broker.sasl_address],
                username="vigie",
                password_file=str(file),
                mechanism=mechanism,
            )
        )
        ends.send()
        ends.wait_for_all()
        set_password(broker, "another")
        broker.stop()  # what is logged in stays so
        broker.start().wait_ready()
        ends.send()
        ends.wait_for_words(f"or its password in {file}")
        file.unlink()
        ends.wait_for_words("the file with the password or token cannot be read")
        file.write_text("another")
        ends.wait_for_all()
        ends.close()
