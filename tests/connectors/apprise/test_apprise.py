"""The sink of push services against a real HTTP server, under two services' protocols."""

from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Self

import apprise
import msgspec
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from connectors.apprise.components import Apprise
from connectors.apprise.connection import AppriseConnection
from connectors.base import ConnectorError, Writer
from connectors.runtime import retry_queue
from flows.cli import main
from operators.events import AlarmTransition
from tests.connectors.recorder import Recorder, reading
from tests.receivers import Receiver
from tests.waiting import wait_until

pytestmark = pytest.mark.service

HOT = AlarmTransition(
    id="a1", time=1_767_610_920.0, recorded=1_767_610_920.0, rule="cool/hot", alarm="hot",
    subject="rack", occ=1, seq=1, event="activated", change="raised", state="unacked", isa="B",
    flags=["active", "unacked"], severity="major", priority="high", value=31.5, unit="°C",
    limit=30.0, metric="temperature", annunciate=True, annunciation="start", since=1_767_610_920.0,
    first_value=31.5, condition_text="above 30 °C for 2min", response="Check the cooling.",
    link="https://vigie.example/#/alarms/cool%2Fhot%7Crack",
)  # fmt: skip


@pytest.fixture
def receiver(tmp: Path) -> Iterator[Receiver]:
    with Receiver(tmp / "receiver") as made:
        yield made


@pytest.fixture
def opened(recorder: Recorder) -> Iterator[Callable[..., Writer]]:
    writers: list[Writer] = []

    def open_sink(url: str, more: dict[str, Any] | None = None, **context: Any) -> Writer:
        sink = Apprise.model_validate({"connection": "phone", **(more or {})})
        made = AppriseConnection.model_validate({"url": url})
        writers.append(sink.open(recorder.context("phone", made, **context)))
        return writers[-1]

    yield open_sink
    for writer in writers:
        writer.close()


def address(receiver: Receiver, scheme: str = "json", path: str = "secret-token") -> str:
    return f"{scheme}://127.0.0.1:{receiver.port}/{path}"


def test_a_notification_says_what_people_need_to_know(
    opened: Callable[..., Writer], receiver: Receiver
) -> None:
    sink = opened(address(receiver))
    sink.write([HOT, msgspec.structs.replace(HOT, id="a2", change="cleared", annunciation="end")])
    sink.flush()
    raised, over = (request.json() for request in receiver.received())
    assert raised["title"] == "High: hot, rack at 31.5 °C" and raised["type"] == "failure"
    for line in (
        "priority: high", "condition: above 30 °C for 2min", "value: 31.5 °C", "limit: 30 °C",
        "since: 2026-01-05 11:02:00 UTC", "to do: Check the cooling.",
        "open: https://vigie.example/#/alarms/cool%2Fhot%7Crack",
    ):  # fmt: skip
        assert line in raised["message"].splitlines()
    assert over["title"] == "Over: hot, rack at 31.5 °C" and over["type"] == "success"
    assert "to do" not in over["message"]


def test_a_notification_waits_for_no_pool_of_threads(
    opened: Callable[..., Writer], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apprise.apprise.get_shared_executor", None)
    sink = opened(address(receiver))
    sink.write([HOT])
    sink.flush()
    assert len(receiver.received()) == 1


class SetBack(datetime):
    """A wall clock that is set back by an hour whenever somebody looks."""

    looks = 0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        cls.looks += 1
        return cls.fromtimestamp(1e9 - 3600 * cls.looks, tz)


def test_a_clock_that_is_set_back_holds_up_no_notification(
    opened: Callable[..., Writer], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apprise.url.datetime", SetBack)
    monkeypatch.setattr(apprise.NotifyBase, "request_rate_per_sec", 0.01)
    sink = opened(address(receiver, "ntfy", "door"), {"title": "t", "body": "{id}"})
    sink.write([reading(1), reading(2)])
    sink.flush()
    assert len(receiver.received()) == 2
    assert SetBack.looks, "apprise looked at the clock"


def test_an_event_of_which_no_notification_can_be_made_is_a_dead_letter_and_others_are_sent(
    opened: Callable[..., Writer],
    receiver: Receiver,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry_queue, "FIRST_BACKOFF", 0.001)
    monkeypatch.setattr(retry_queue, "LONGEST_BACKOFF", 0.001)
    sink = opened(address(receiver), {"title": "{time:%Y}"})
    lost = msgspec.structs.replace(reading(1, subject="lost"), time=1e18)
    sink.write([lost, *(reading(n) for n in range(2, 30))])
    sink.flush()
    assert len(receiver.received()) == 28
    (letter,) = recorder.letters
    assert letter.reason == "not_taken" and "it cannot be sent: OSError" in letter.detail


def test_ntfy_is_told_in_its_own_protocol(
    opened: Callable[..., Writer], receiver: Receiver
) -> None:
    sink = opened(
        address(receiver, "ntfy", "door"), {"title": "{subject} {value}", "body": "{metric}"}
    )
    sink.write([reading(1)])
    sink.flush()
    (told,) = (request.json() for request in receiver.received())
    assert (told["topic"], told["title"], told["message"]) == ("door", "rack 1", "temperature")


def test_everything_comes_once_and_in_order_from_a_service_that_was_down(
    opened: Callable[..., Writer], tmp: Path, recorder: Recorder
) -> None:
    with Receiver(tmp / "receiver") as receiver:
        sink = opened(address(receiver), {"title": "{value}"})
        receiver.kill()
        sink.write([reading(n, subject=f"s{n % 3}") for n in range(9)])
        wait_until(lambda: recorder.health.down, what="the report")
        assert "secret-token" not in recorder.health.down["phone"]
        receiver.start()
        sink.flush()
        titles = [int(request.json()["title"]) for request in receiver.received()]
        for subject in range(3):
            assert [n for n in titles if n % 3 == subject] == list(range(subject, 9, 3))
    assert not recorder.letters and not recorder.health.down


def test_what_the_service_refuses_for_good_is_a_dead_letter_without_the_address(
    opened: Callable[..., Writer], receiver: Receiver, recorder: Recorder
) -> None:
    receiver.behave(status=400, match="r1")
    sink = opened(address(receiver), {"title": "t", "body": "{id}"})
    sink.write([reading(1), reading(2, subject="other")])
    sink.flush()
    (letter,) = recorder.letters
    assert letter.reason == "refused" and "error=400" in letter.detail
    assert "secret-token" not in letter.detail
    assert [request.json()["message"] for request in receiver.received()] == ["r2"]


def test_a_service_that_does_not_let_us_in_costs_no_notification(
    opened: Callable[..., Writer],
    receiver: Receiver,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry_queue, "FIRST_BACKOFF", 0.001)
    monkeypatch.setattr(retry_queue, "LONGEST_BACKOFF", 0.001)
    sink = opened(address(receiver), {"title": "t", "body": "{id}"})
    receiver.behave(status=401)
    sink.write([reading(1), reading(2, subject="other")])
    wait_until(lambda: recorder.counts["retried"] > 20, what="many attempts")
    receiver.behave()
    sink.flush()
    assert {request.json()["message"] for request in receiver.received()} == {"r1", "r2"}
    assert not recorder.letters


@pytest.mark.parametrize("status", [400, 404, 500])
def test_of_two_targets_in_an_address_one_that_fails_costs_the_other_nothing(
    opened: Callable[..., Writer],
    receiver: Receiver,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
) -> None:
    monkeypatch.setattr(retry_queue, "FIRST_BACKOFF", 0.001)
    monkeypatch.setattr(retry_queue, "LONGEST_BACKOFF", 0.001)
    monkeypatch.setattr(apprise.NotifyBase, "request_rate_per_sec", 0)
    receiver.behave(status=status, match="gone")
    sink = opened(f"ntfy://127.0.0.1:{receiver.port}/here/gone", {"title": "t", "body": "{id}"})
    sink.write([reading(1), reading(2)])
    sink.flush()
    assert [request.json()["message"] for request in receiver.received()] == ["r1", "r2"]
    assert {letter.id for letter in recorder.letters} == {"r1/phone", "r2/phone"}
    assert all(f"error={status}" in letter.detail for letter in recorder.letters)

    receiver.behave(status=503, match="gone")
    sink.write([reading(3)])
    wait_until(lambda: len(receiver.received()) == 3, what="the one that is there")
    receiver.behave()
    sink.flush()
    last = [request.json() for request in receiver.received()][2:]
    assert {(one["topic"], one["message"]) for one in last} >= {("here", "r3")}
    assert len(last) + len(recorder.letters) == 4, "once at each, or a dead letter"


def test_an_unknown_address_is_said_at_the_start_and_never_shown(
    opened: Callable[..., Writer],
) -> None:
    with pytest.raises(ConnectorError, match=r"nosuch://…, is none that apprise knows"):
        opened("nosuch://token-of-mine")
    made = AppriseConnection.model_validate({"url": "tgram://token-of-mine/1"})
    assert "token-of-mine" not in repr(made)
    with pytest.raises(ValidationError, match="expected one address"):
        AppriseConnection.model_validate({"url": "token-of-mine"})


FLOW = """\
vigie: 1
flow: cool
sources: {s: {mqtt: {topics: [t/+]}}}
streams: {calls: {from: alarms, steps: [notify: {wait: 10s}]}}
alarms: {hot: {from: s, when: {above: 30 °C}, response: Look.}}
sinks:
  phone: {from: alarms, apprise: {connection: phone}}
  group: {from: calls, apprise: {connection: phone}}
  hook: {from: alarms, webhook: {connection: hook, path: /x}}
  log: {from: alarms, topic: log}
"""


def test_send_tells_whether_a_message_gets_through(tmp: Path, receiver: Receiver) -> None:
    flow, site = tmp / "cool.yaml", tmp / "site.yaml"
    flow.write_text(FLOW, encoding="utf-8")
    site.write_text(
        "vigie: 1\nsite: x\napi: {url: https://vigie.example}\nconnections:\n"
        f"  phone: {{url: '{address(receiver)}'}}\n  hook: {{url: '{receiver.url}'}}\n",
        encoding="utf-8",
    )

    def send(sink: str, *more: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["test-send", str(flow), sink, *more])
        return result.exit_code, result.output

    assert send("phone") == (0, "sent a test message through 'phone'\n")
    assert send("group")[0] == send("hook")[0] == 0
    phone, group, hook = (request.json() for request in receiver.received())
    assert phone["title"].startswith("Low: TEST of 'phone' of flow 'cool'")
    assert "https://vigie.example/#/alarms/" in phone["message"]
    assert group["title"].startswith("TEST of 'group'")
    assert hook["message"].startswith("TEST of 'hook'") and hook["priority"] == "low"
    assert send("log") == (
        1, "the sink 'log' is not for people; its sinks for people: phone, group, hook\n"
    )  # fmt: skip
    receiver.behave(status=400)
    code, said = send("phone")
    assert code == 1 and said.startswith("refused: json: ")
    receiver.behave(status=401)
    code, said = send("phone", "--timeout", "1")
    assert code == 75 and "error=401" in said
    receiver.kill()
    code, said = send("phone", "--timeout", "1")
    assert code == 75 and said.startswith("not sent within 1 s: phone: ")
