"""The webhook sink against a real HTTP server that is told to fail, killed and started again."""

import base64
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import ConnectorError, Stopped, Writer
from connectors.runtime import retry_queue
from connectors.runtime.outage import Outage
from connectors.runtime.signature import key_of, signature, why_unsigned
from connectors.webhook.components import Webhook
from connectors.webhook.connection import WebhookConnection
from operators.events import decode_lines
from operators.model.template import Shape
from tests.connectors.certificate import make_certificate
from tests.connectors.recorder import Recorder, reading
from tests.receivers import Receiver
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.service

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def receiver(tmp: Path) -> Iterator[Receiver]:
    with Receiver(tmp / "receiver") as made:
        yield made


@pytest.fixture
def opened(recorder: Recorder) -> Iterator[Callable[..., Writer]]:
    """Open a sink to an address; it is closed after the test."""
    writers: list[Writer] = []

    def open_sink(
        url: str, connection: dict[str, Any] | None = None, concurrency: int = 4, **more: Any
    ) -> Writer:
        sink = Webhook(path="/api/events", connection="cloud", concurrency=concurrency)
        made = WebhookConnection.model_validate({"url": url, **(connection or {})})
        writers.append(sink.open(recorder.context("cloud", made, **more)))
        return writers[-1]

    yield open_sink
    for writer in writers:
        writer.close()


def in_background(call: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def test_an_event_is_one_post_of_its_json_with_its_id(
    opened: Callable[..., Writer], receiver: Receiver
) -> None:
    sink = opened(receiver.url)
    sink.write([reading(1)])
    sink.flush()
    (request,) = receiver.received()
    assert request.path == "/api/events"
    assert request.id == "r1"
    assert request.headers["content-type"] == "application/json"
    assert decode_lines(request.body.encode()) == [reading(1)]


def test_a_shape_is_the_body_to_the_letter(
    opened: Callable[..., Writer], receiver: Receiver
) -> None:
    shape = Shape({"who": "{subject}", "what": {"{metric}": 1, "value": "{value}"}}).render
    sink = opened(receiver.url, shape=shape)
    sink.write([reading(1)])
    sink.flush()
    assert receiver.received()[0].body == '{"who":"rack","what":{"{metric}":1,"value":1.0}}'


def test_an_event_that_the_server_never_takes_is_a_dead_letter_while_it_takes_others(
    opened: Callable[..., Writer],
    receiver: Receiver,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry_queue, "FIRST_BACKOFF", 0.001)
    monkeypatch.setattr(retry_queue, "LONGEST_BACKOFF", 0.001)
    receiver.behave(status=500, match='"r1"')
    sink = opened(receiver.url)
    sink.write([reading(1, "poison"), reading(2, "hall"), reading(3, "poison")])
    receiver.wait_for(1)
    sink.write([reading(4, "hall")])
    sink.flush()
    (letter,) = recorder.letters
    assert (letter.id, letter.reason) == ("r1/cloud", "not_taken")
    assert "answers 500" in letter.detail
    assert {request.id for request in receiver.unique()} == {"r2", "r3", "r4"}
    assert not recorder.health.down


def test_each_subject_comes_in_order_and_subjects_do_not_wait_for_each_other(
    opened: Callable[..., Writer], receiver: Receiver, recorder: Recorder
) -> None:
    receiver.behave(status=500, match='"slow"')
    sink = opened(receiver.url)
    sink.write([reading(n, subject="slow" if n % 2 else f"s{n % 4}") for n in range(20)])
    receiver.wait_for(10)
    wait_until(lambda: "answers 500" in recorder.health.down.get("cloud", ""), what="the report")
    receiver.behave()
    sink.flush()
    received = receiver.unique()
    for subject in ("slow", "s0", "s2"):
        own = [
            request.json()["value"] for request in received if request.json()["subject"] == subject
        ]
        assert own == sorted(own) and own
    assert len(received) == 20 and recorder.counts["sent"] == 20
    assert recorder.counts["retried"] >= 1 and not recorder.letters and not recorder.health.down


def test_a_server_that_was_down_gets_everything_once_in_order_when_it_is_back(
    opened: Callable[..., Writer], tmp: Path, recorder: Recorder
) -> None:
    with Receiver(tmp / "receiver") as receiver:
        sink = opened(receiver.url)
        sink.write([reading(0)])
        sink.flush()
        receiver.kill()
        sink.write([reading(n, subject=f"s{n % 3}") for n in range(1, 31)])
        flushing = in_background(sink.flush)
        wait_until(lambda: recorder.health.down, what="the report")
        assert "is the server running there?" in recorder.health.down["cloud"]
        assert flushing.is_alive()
        receiver.start()
        flushing.join(PATIENCE)
        assert not flushing.is_alive()
        received = receiver.unique()
    assert len(received) == 31 and recorder.counts["sent"] == 31
    for subject in ("s0", "s1", "s2"):
        own = [
            request.json()["value"] for request in received if request.json()["subject"] == subject
        ]
        assert own == sorted(own)
    assert [up for _, up, _ in recorder.reports] == [True, False, True]


def test_a_stop_while_the_server_is_down_ends_the_flush(
    opened: Callable[..., Writer], recorder: Recorder, tmp: Path
) -> None:
    sink = opened(Receiver(tmp / "never").url)
    sink.write([reading(1)])
    wait_until(lambda: recorder.health.down, what="the report")
    recorder.stopping.set()
    with pytest.raises(Stopped, match="cloud: no answer"):
        sink.flush()


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_the_server_refuses_for_good_is_a_dead_letter_with_its_words(
    opened: Callable[..., Writer], receiver: Receiver, recorder: Recorder, status: int
) -> None:
    receiver.behave(status=status, body="no such device " + "x" * 5000, match='"r1"')
    sink = opened(receiver.url)
    sink.write([reading(1), reading(2)])
    sink.flush()
    (letter,) = recorder.letters
    assert letter.reason == "refused" and letter.origin == "cloud"
    assert (
        letter.detail.startswith(f"{receiver.url} answers {status}: no such device")
        and len(letter.detail) < 600
    )
    assert decode_lines(letter.payload) == [reading(1)]
    assert [request.id for request in receiver.received()] == ["r2"]


@pytest.mark.parametrize("status", [403, 404, 405, 410, 415])
def test_a_refusal_that_may_be_of_the_address_is_of_the_event_only_where_others_are_taken(
    opened: Callable[..., Writer],
    receiver: Receiver,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
) -> None:
    monkeypatch.setattr(retry_queue, "FIRST_BACKOFF", 0.001)
    monkeypatch.setattr(retry_queue, "LONGEST_BACKOFF", 0.001)
    sink = opened(receiver.url)
    receiver.behave(status=status)
    sink.write([reading(1, "hall"), reading(2, "yard")])
    wait_until(lambda: recorder.counts["retried"] > 300, what="many attempts")
    assert "check url, path, method and rights" in recorder.health.down["cloud"]
    receiver.behave()
    sink.flush()
    assert {request.id for request in receiver.received()} == {"r1", "r2"}
    assert not recorder.letters

    receiver.behave(status=status, match='"r3"')
    sink.write([reading(3, "hall")])
    for number in itertools.count(4):
        sink.write([reading(number, "yard")])
        receiver.wait_for(number - 1)
        if recorder.letters:
            break
    sink.flush()
    (letter,) = recorder.letters
    assert (letter.id, letter.reason) == ("r3/cloud", "refused")
    assert f"answers {status}" in letter.detail
    assert not recorder.health.down


@pytest.mark.parametrize("status", [301, 401, 407, 408, 429, 503])
def test_what_the_server_may_take_later_is_kept(
    opened: Callable[..., Writer], receiver: Receiver, recorder: Recorder, status: int
) -> None:
    receiver.behave(status=status, headers={"Location": "http://127.0.0.1:9/"})
    sink = opened(receiver.url)
    sink.write([reading(1)])
    wait_until(lambda: recorder.counts["retried"], what="a second attempt")
    said = f"answers {status}"
    wait_until(lambda: said in recorder.health.down.get("cloud", ""), what="the report")
    receiver.behave()
    sink.flush()
    assert [request.id for request in receiver.received()] == ["r1"] and not recorder.letters


def test_a_server_that_does_not_answer_in_time_is_asked_again(
    opened: Callable[..., Writer], receiver: Receiver, recorder: Recorder
) -> None:
    receiver.behave(delay=2, status=500)
    sink = opened(receiver.url, {"timeout": 1})
    sink.write([reading(1)])
    wait_until(
        lambda: "did not answer within 1 s" in recorder.health.down.get("cloud", ""),
        what="the time-out",
    )
    receiver.behave()
    sink.flush()
    assert [request.id for request in receiver.unique()] == ["r1"]


@pytest.mark.parametrize(
    ("answer", "attempts"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", 1),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", 2),
    ],
    ids=["body", "headers"],
)
def test_a_server_that_sends_its_answer_byte_by_byte_is_waited_for_no_longer_than_the_time_out(
    opened: Callable[..., Writer], recorder: Recorder, answer: bytes, attempts: int
) -> None:
    with _Trickling(answer) as server:
        sink = opened(server.url, {"timeout": 1})
        sink.write([reading(1)])
        wait_until(lambda: server.asked >= attempts, what="the attempts")
        if attempts == 1:
            flushing = in_background(sink.flush)
            wait_until(lambda: not flushing.is_alive(), what="the end of the flush")
            assert server.asked == 1 and not recorder.letters and not recorder.health.down
        else:
            assert "did not answer within 1 s" in recorder.health.down["cloud"]


class _Trickling:
    """A server that takes every request and then sends a byte every half second."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._closed = threading.Event()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.asked = 0

    def __enter__(self) -> "_Trickling":
        in_background(self._accept)
        return self

    def __exit__(self, *exc: object) -> None:
        self._closed.set()
        self._socket.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.asked += 1
            in_background(lambda connection=connection: self._trickle(connection))

    def _trickle(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(self._answer)
                while not self._closed.wait(0.5):
                    connection.sendall(b"x")
            except OSError:
                return


def test_signatures_verify_with_the_secret_and_with_no_other(
    opened: Callable[..., Writer], receiver: Receiver
) -> None:
    sink = opened(receiver.url, {"secret": SECRET, "token": "a token"})
    sink.write([reading(1)])
    sink.flush()
    request = receiver.received()[0]
    assert request.headers["authorization"] == "Bearer a token"
    sent = [request.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")]
    assert sent[0] == "r1"
    now, body = float(sent[1]), request.body.encode()
    assert why_unsigned(key_of(SECRET), *sent, body, now) is None
    assert "does not match" in str(why_unsigned(key_of(SECRET), *sent, body + b" ", now))
    assert "does not match" in str(
        why_unsigned(b"another key, just as long as it", *sent, body, now)
    )
    assert "both clocks" in str(why_unsigned(key_of(SECRET), *sent, body, now + 301))


def test_the_signature_is_that_of_the_specification() -> None:
    body = b'{"test": 2432232314}'
    made = signature(key_of(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_basic_authentication_and_ids_that_no_header_can_hold(
    opened: Callable[..., Writer], receiver: Receiver
) -> None:
    import msgspec

    sink = opened(receiver.url, {"username": "pir", "password": "p@s/s#w:rd%41€"})
    sink.write([msgspec.structs.replace(reading(1), id="é a\r\nX: y")])
    sink.flush()
    request = receiver.received()[0]
    scheme, _, pair = request.headers["authorization"].partition(" ")
    assert (scheme, base64.b64decode(pair).decode()) == ("Basic", "pir:p@s/s#w:rd%41€")
    assert request.id == "%C3%A9%20a%0D%0AX:%20y" and "x" not in request.headers


def test_an_encrypted_server_is_checked_against_the_given_authority(
    opened: Callable[..., Writer], recorder: Recorder, tmp: Path
) -> None:
    made = make_certificate(tmp)
    with Receiver(tmp / "receiver", made.cert, made.key) as receiver:
        trusting = opened(receiver.url, {"ca": str(made.cert)})
        trusting.write([reading(1)])
        trusting.flush()
        assert [request.id for request in receiver.received()] == ["r1"]
        opened(receiver.url).write([reading(2)])
        wait_until(lambda: recorder.health.down, what="the report")
        assert "check ca and url" in recorder.health.down["cloud"]
        assert len(receiver.received()) == 1


def test_a_missing_authority_is_said_at_the_start(opened: Callable[..., Writer], tmp: Path) -> None:
    with pytest.raises(
        ConnectorError, match=r"certificate authority in PEM form in .*missing\.pem"
    ):
        opened("https://127.0.0.1:9", {"ca": str(tmp / "missing.pem")})


def test_an_event_that_waited_longer_than_the_outbox_is_a_dead_letter(
    opened: Callable[..., Writer], receiver: Receiver, recorder: Recorder, tmp: Path
) -> None:
    folder = tmp / "files"
    Outage(folder / "webhook-cloud.down").age(1_795_000_000.0)
    receiver.behave(status=503, match='"r1"')
    sink = opened(receiver.url, folder=folder, outbox=3600.0)
    sink.write([reading(1), reading(2)])
    sink.flush()
    (letter,) = recorder.letters
    assert letter.reason == "expired" and "answers 503" in letter.detail
    assert [request.id for request in receiver.received()] == ["r2"]
    assert not (folder / "webhook-cloud.down").exists()


def test_a_device_with_a_wrong_clock_does_not_expire_at_the_first_failure(
    opened: Callable[..., Writer], receiver: Receiver, recorder: Recorder, tmp: Path
) -> None:
    receiver.behave(status=503)
    sink = opened(receiver.url, folder=tmp, outbox=3600.0)
    sink.write([reading(1)])
    wait_until(lambda: recorder.counts["retried"], what="a second attempt")
    receiver.behave()
    sink.flush()
    assert len(receiver.received()) == 1 and not recorder.letters


def test_write_blocks_while_too_much_waits(
    opened: Callable[..., Writer], recorder: Recorder, tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.runtime.subject_writer.QUEUE_BOUND", 10)
    with Receiver(tmp / "receiver") as receiver:
        receiver.behave(status=503)
        sink = opened(receiver.url)
        writing = in_background(lambda: sink.write([reading(n) for n in range(30)]))
        wait_until(lambda: recorder.health.down, what="the report")
        assert writing.is_alive()
        receiver.behave()
        writing.join(PATIENCE)
        sink.flush()
        assert [request.id for request in receiver.unique()] == [f"r{n}" for n in range(30)]


def test_secrets_are_in_no_text(opened: Callable[..., Writer]) -> None:
    made = WebhookConnection.model_validate(
        {"url": "http://127.0.0.1:9", "token": "geheim-1", "secret": SECRET}
    )
    assert "geheim" not in repr(made) and SECRET not in repr(made)
    for wrong in (
        {"secret": "short"},
        {"token": "t", "username": "u"},
        {"url": "http://u:p@host/"},
    ):
        with pytest.raises(ValidationError):
            WebhookConnection.model_validate({"url": "http://127.0.0.1:9", **wrong})


def test_an_outage_is_remembered_over_a_restart_until_it_ends(tmp: Path) -> None:
    path = tmp / "files" / "webhook-cloud.down"
    assert Outage(path).age(100.0) == 0
    again = Outage(path)
    assert again.age(160.0) == 60
    again.ended()
    assert Outage(path).age(500.0) == 0


def test_a_connection_that_the_server_closed_meanwhile_is_made_again_without_a_word(
    opened: Callable[..., Writer], recorder: Recorder
) -> None:
    """The server says that it keeps the connection, and closes it once the next request has
    come.
    """
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    bodies: list[bytes] = []

    def serve(server: socket.socket) -> None:
        for _ in range(2):
            link, _ = server.accept()
            with link:
                request = b""
                while not request.endswith(b"}"):
                    request += link.recv(65_536)
                bodies.append(request)
                link.sendall(answer)
                if len(bodies) == 1:
                    link.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as server:
        serving = in_background(lambda: serve(server))
        sink = opened(f"http://127.0.0.1:{server.getsockname()[1]}", concurrency=1)
        for n in (1, 2):
            sink.write([reading(n)])
            sink.flush()
    assert len(bodies) == 2 and b'"r2"' in bodies[1]
    assert recorder.counts == {"sent": 2} and not recorder.health.down
    sink.close()
    serving.join(PATIENCE)
