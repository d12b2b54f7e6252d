"""What an archive asks of its store: life-cycle rules, regions, encryption; and S3's own errors."""

import contextlib
import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from minio.commonconfig import ENABLED, Filter
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule

from connectors.base import ConnectorError
from connectors.runtime.threaded_writer import Retry
from connectors.s3.components import Objects as ObjectsSink
from connectors.s3.connection import ObjectStoreConnection
from connectors.s3.settings import Settings
from connectors.s3.store import ObjectRejected, Store
from connectors.s3.uploads import Uploads
from infra.embedded.objects import Objects
from infra.embedded.ports import HOST
from tests.bucket import Bucket, connection_to
from tests.connectors.certificate import Certificate, make_certificate
from tests.connectors.recorder import Recorder, reading
from tests.faults import killed_after_each_effect
from tests.waiting import wait_until


def rules(bucket: Bucket, name: str) -> list[tuple[str | None, str | None, int | None]]:
    config = bucket.client.get_bucket_lifecycle(name)
    assert config is not None
    return [
        (
            rule.rule_id,
            rule.rule_filter and rule.rule_filter.prefix,
            rule.expiration and rule.expiration.days,
        )
        for rule in config.rules
    ]


def make_ready(connection: ObjectStoreConnection, name: str) -> None:
    """What an archive that deletes old objects does before its first upload."""
    settings = Settings("archive", name, keep_days=30)
    uploads = Uploads(Recorder().context("archive", connection), settings, "plant/{id}.json")
    uploads.make_ready()
    uploads.close()


def test_a_bucket_that_a_killed_start_made_gets_its_life_cycle_rule_from_the_next(
    objects: Objects, unique: str
) -> None:
    connection = connection_to(objects)

    def arguments(number: int) -> tuple[ObjectStoreConnection, str]:
        return connection, f"{unique}-{number}"

    for number in killed_after_each_effect(make_ready, arguments):
        make_ready(connection, f"{unique}-{number}")
        bucket = Bucket(connection, f"{unique}-{number}")
        assert rules(bucket, f"{unique}-{number}") == [("vigie-test-archive", "plant/", 30)]


def test_the_objects_are_kept_as_long_as_the_definition_says_and_other_rules_stay(
    objects: Objects, recorder: Recorder, unique: str, caplog: pytest.LogCaptureFixture
) -> None:
    connection = connection_to(objects)
    bucket = Bucket(connection, unique)
    bucket.client.make_bucket(unique)
    other = Rule(
        ENABLED, rule_id="other", rule_filter=Filter(prefix="tmp/"), expiration=Expiration(days=1)
    )
    bucket.client.set_bucket_lifecycle(unique, LifecycleConfig([other]))
    for keep in ("90d", "30d", "36h"):
        sink = ObjectsSink.model_validate({"bucket": unique, "keep": keep}).open(
            recorder.context("archive", connection)
        )
        sink.write([reading(1)])
        sink.flush()
        sink.close()
    assert rules(bucket, unique) == [
        ("other", "tmp/", 1),
        ("vigie-test-archive", "test/archive/", 2),
    ]
    assert bucket.ids() == ["r1"]
    assert not caplog.records


def test_a_bucket_is_made_in_the_region_of_the_connection(objects: Objects, unique: str) -> None:
    store = Store(connection_to(objects), Settings("minio", unique))
    for _ in range(2):
        store.make_ready()
    store.put("a", b"b", "text/plain")
    assert store.get("a") == b"b"
    assert store.get("c") is None
    store.close()


ERROR = "<Error><Code>{}</Code><Message>its own words</Message></Error>"


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (400, ERROR.format("KeyTooLongError"), ObjectRejected, "KeyTooLongError: its own words"),
        (400, ERROR.format("EntityTooLarge"), ObjectRejected, "EntityTooLarge"),
        (403, ERROR.format("AccessDenied"), Retry, "check access_key, secret_key and region"),
        (404, ERROR.format("NoSuchBucket"), Retry, "has no bucket 'archive' any more"),
        (503, ERROR.format("SlowDown"), Retry, "answers SlowDown: its own words; trying again"),
        (500, ERROR.format("InternalError"), Retry, "answers InternalError"),
        (502, "<html>Bad gateway", Retry, "answers status 502"),
        (400, "<Error><Code>", Retry, "answers, but not as an object store does"),
    ],
)
def test_refusals_that_stay_are_told_from_those_that_pass(
    status: int, body: str, kind: type[Exception], said: str
) -> None:
    with answering(status, body) as url:
        connection = ObjectStoreConnection.model_validate(
            {"url": url, "access_key": "k", "secret_key": "wr0ng", "region": "r"}
        )
        store = Store(connection, Settings("minio", "archive"))
        with pytest.raises(kind, match=said) as raised:
            store.put("k", b"data", "text/plain")
        assert "wr0ng" not in str(raised.value)
        store.close()


@contextlib.contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    """A server that answers everything alike."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if "html" in body else "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_bucket_that_went_is_made_again_and_gets_what_waited(
    objects: Objects, recorder: Recorder, unique: str
) -> None:
    connection = connection_to(objects)
    sink = ObjectsSink(bucket=unique).open(recorder.context("archive", connection))
    sink.write([reading(1)])
    sink.flush()
    bucket = Bucket(connection, unique)
    for name in bucket.names():
        bucket.client.remove_object(unique, name)
    bucket.client.remove_bucket(unique)
    sink.write([reading(2)])
    sink.flush()
    assert "r2" in bucket.ids()
    sink.close()


class EncryptedObjects(Objects):
    """The store with a certificate."""

    certificate: Certificate

    @property
    def url(self) -> str:
        return f"https://{self.address}"

    def command(self) -> list[str]:
        certificate = self.certificate
        return [
            *super().command(),
            f"-s3.cert.file={certificate.cert}",
            f"-s3.key.file={certificate.key}",
        ]

    def probe(self) -> None:
        socket.create_connection((HOST, self.port), timeout=2).close()


def test_an_encrypted_store_is_trusted_through_the_authority_of_the_connection(
    own: Callable[[EncryptedObjects], EncryptedObjects], recorder: Recorder, tmp: Path
) -> None:
    server = EncryptedObjects(tmp / "objects")
    server.certificate = make_certificate(tmp)
    own(server)
    sink = ObjectsSink(bucket="archive").open(recorder.context("archive", connection_to(server)))
    sink.write([reading(1)])
    wait_until(
        lambda: "check ca and url" in recorder.health.down.get("archive", ""),
        what="the certificate to be refused",
    )
    sink.close()
    trusting = connection_to(server, ca=str(server.certificate.cert))
    sink = ObjectsSink(bucket="archive").open(recorder.context("archive", trusting))
    sink.write([reading(1)])
    sink.flush()
    sink.close()
    wait_until(lambda: not recorder.health.down, what="the sink to be up")


def test_an_authority_that_cannot_be_read_is_said_at_start(objects: Objects) -> None:
    with pytest.raises(ConnectorError, match=r"no-such\.pem cannot be read .*; check ca"):
        Store(connection_to(objects, ca="/no-such.pem"), Settings("minio", "archive"))


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_the_bucket_stands_in_the_path_or_before_the_host(style: str) -> None:
    connection = ObjectStoreConnection.model_validate(
        {
            "url": "https://objects.example.org",
            "access_key": "k",
            "secret_key": "s",
            "style": style,
            "region": "r",
        }
    )
    store = Store(connection, Settings("minio", "archive"))
    address = store._client.presigned_get_object("archive", "a")
    expected = {
        "path": "https://objects.example.org/archive/a?",
        "virtual": "https://archive.objects.example.org/a?",
    }
    assert address.startswith(expected[style])
    store.close()
