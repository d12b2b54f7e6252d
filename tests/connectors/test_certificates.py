"""Whose certificate has expired, or is for another host, gets nothing from any connector, and
people are told why.
"""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pymysql.err import MySQLError

from connectors.base import Sink
from connectors.clickhouse.components import ClickHouse
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.email.components import Email
from connectors.email.connection import EmailConnection
from connectors.influxdb.components import InfluxDB
from connectors.influxdb.connection import InfluxConnection
from connectors.mariadb.connection import Address, parse_url
from connectors.mariadb.preflight import connect, explain
from connectors.mqtt.components import MqttSink
from connectors.mqtt.connection import MqttConnection
from connectors.s3.components import Objects
from connectors.s3.connection import ObjectStoreConnection
from connectors.webhook.components import Webhook
from connectors.webhook.connection import WebhookConnection
from infra.embedded.mariadb import MariaDB
from operators.component import Spec
from tests.connectors.certificate import make_certificate
from tests.connectors.recorder import Recorder, reading
from tests.waiting import wait_until

pytestmark = pytest.mark.service

FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"days": -1}, "certificate has expired; renew it there, or set the clock here"),
    "another host": ({"host": "other.example"}, "not valid for '127.0.0.1'; write the name"),
}
Made = tuple[Sink, Spec]


class Listener:
    """Takes encrypted connections, with STARTTLS first if told so; `got` is what came in them."""

    def __init__(self, cert: Path, key: Path, starttls: bool) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(cert, key)
        self._starttls = starttls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.got = b""
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                self._serve(self._socket.accept()[0])

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            client.settimeout(5)
            if self._starttls:
                client.sendall(b"220 mail\r\n")
                client.recv(1000)
                client.sendall(b"250-mail\r\n250 STARTTLS\r\n")
                client.recv(1000)
                client.sendall(b"220 go ahead\r\n")
            with self._tls.wrap_socket(client, server_side=True) as secret:
                self.got += secret.recv(1000)

    def close(self) -> None:
        self._socket.close()


def email(url: str, ca: str) -> Made:
    sink = Email.model_validate({"connection": "x", "to": "a@example.org", "group_wait": "0s"})
    return sink, EmailConnection.model_validate(
        {"url": url, "username": "u", "password": "secret", "ca": ca}
    )


SINKS: dict[str, Callable[[str, str], Made]] = {
    "webhook": lambda address, ca: (
        Webhook(connection="x", path="/"),
        WebhookConnection.model_validate({"url": f"https://{address}", "token": "t", "ca": ca}),
    ),
    "influxdb": lambda address, ca: (
        InfluxDB(connection="x", bucket="b"),
        InfluxConnection(url=f"https://{address}", ca=ca),
    ),
    "clickhouse": lambda address, ca: (
        ClickHouse(table="t"),
        ClickHouseConnection(url=f"https://{address}/d", ca=ca),
    ),
    "objects": lambda address, ca: (
        Objects(bucket="bucket"),
        ObjectStoreConnection.model_validate(
            {"url": f"https://{address}", "access_key": "a", "secret_key": "b", "ca": ca}
        ),
    ),
    "smtps": lambda address, ca: email(f"smtps://{address}", ca),
    "starttls": lambda address, ca: email(f"smtp://{address}", ca),
    "mqtt": lambda address, ca: (
        MqttSink(topic="a"),
        MqttConnection(url=f"mqtts://{address}", ca=ca),
    ),
}


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# paho leaves the socket of a failed handshake to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", SINKS)
def test_a_server_with_such_a_certificate_gets_nothing_and_people_are_told_why(
    tmp: Path, recorder: Recorder, fault: str, name: str
) -> None:
    settings, words = FAULTS[fault]
    certificate = make_certificate(tmp, **settings)
    listener = Listener(certificate.cert, certificate.key, name == "starttls")
    sink, connection = SINKS[name](listener.address, str(certificate.cert))
    writer = sink.open(recorder.context("x", connection))
    writer.write([reading(1)])
    wait_until(lambda: words in recorder.health.down.get("x", ""), what="the certificate's fault")
    recorder.stopping.set()
    writer.close()
    listener.close()
    assert listener.got == b""
    assert recorder.letters == []


class Encrypted(MariaDB):
    """A server with a certificate of the test."""

    made: dict[str, Any]

    def prepare(self) -> None:
        super().prepare()
        certificate = make_certificate(self.folder, **self.made)
        self.variables |= {"ssl-cert": str(certificate.cert), "ssl-key": str(certificate.key)}
        self.give_folder()


@pytest.fixture
def served(tmp: Path, own: Callable[[Encrypted], Encrypted]) -> Callable[[dict[str, Any]], Address]:
    def start(made: dict[str, Any]) -> Address:
        server = Encrypted(tmp / "mariadb")
        server.made = made
        own(server)
        return parse_url(server.url)

    return start


@pytest.mark.slow
def test_mariadb_is_believed_by_its_certificate_alone_where_an_authority_is_named(
    tmp: Path, served: Callable[[dict[str, Any]], Address], fault: str
) -> None:
    settings, words = FAULTS[fault]
    address = served(settings)
    with pytest.raises((MySQLError, OSError)) as refused:
        connect(address, str(tmp / "mariadb" / "cert.pem"))
    assert words in explain(refused.value, address)


@pytest.mark.slow
def test_mariadb_of_another_authority_is_not_believed(
    tmp: Path, served: Callable[[dict[str, Any]], Address]
) -> None:
    address = served({})
    (tmp / "other").mkdir()
    other = make_certificate(tmp / "other")
    with pytest.raises((MySQLError, OSError)) as refused:
        connect(address, str(other.cert))
    assert "certificate is not trusted" in explain(refused.value, address)
    with connect(address, str(tmp / "mariadb" / "cert.pem")).cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        assert cursor.fetchone()[1]
