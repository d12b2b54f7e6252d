import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from api.settings import Bounds, Settings
from infra.embedded.broker import Broker
from infra.embedded.ports import free_port
from tests.api.conftest import Start
from tests.api.events import alarm, reading
from tests.api.running import Topics, receive_event, settings_for
from tests.waiting import wait_until


def test_what_was_in_the_topics_before_the_start_is_known_and_not_pushed_as_news(
    start: Start, settings: Settings, topics: Topics
) -> None:
    topics.events(*(reading(n, 20.0 + n) for n in range(5)), alarm(1))
    api = start(settings)
    wait_until(
        lambda: api.health()["signals"] == 1 and api.health()["alarms"] == 1,
        what="the past in the memory",
    )
    token = api.login()
    (latest,) = api.get("/api/latest", token).json()["readings"]
    assert (latest["value"], latest["course"]) == (24.0, [[float(n), 20.0 + n] for n in range(5)])
    assert "course" not in api.get("/api/latest?course=0", token).json()["readings"][0]
    with api.subscribed(token, "readings") as client:
        topics.events(reading(9))
        assert receive_event(client, "readings")["id"] == "r9"


def test_only_the_end_of_a_long_topic_is_read_back(
    start: Start, settings: Settings, topics: Topics
) -> None:
    for n in range(50):
        topics.events(reading(n, subject=f"s{n}"))
    api = start(replace(settings, bounds=Bounds(backfill_records=10)))
    wait_until(lambda: api.health()["signals"], what="the past in the memory")
    assert api.health()["signals"] <= 20


def test_topics_that_appear_later_are_read_from_their_beginning(
    start: Start, broker: Broker, tmp: Path, unique: str
) -> None:
    topics = Topics(broker.address, f"{unique}.")
    api = start(settings_for(tmp / "data", broker.address, topics))
    wait_until(lambda: api.health()["broker"]["up"], what="the broker")
    with api.subscribed(api.login(), "readings") as client:
        topics.create()
        topics.events(reading(1), reading(2))
        assert [receive_event(client, "readings")["id"] for _ in range(2)] == ["r1", "r2"]
    topics.close()


def test_clients_stay_through_a_restart_of_the_broker_and_get_what_comes_after(
    start: Start, own: Callable[[Broker], Broker], tmp: Path
) -> None:
    broker = own(Broker(tmp / "broker"))
    topics = Topics(broker.address, "own.")
    topics.create()
    api = start(settings_for(tmp / "data", broker.address, topics))
    api.wait_for_topics(topics.readings)
    with api.subscribed(api.login(), "readings") as client:
        topics.events(*(reading(n) for n in range(20)))
        assert [receive_event(client, "readings")["id"] for _ in range(20)] == [
            f"r{n}" for n in range(20)
        ]
        topics.close()
        broker.kill()
        wait_until(
            lambda: api.get("/health").status_code == 503, what="the loss of the broker in /health"
        )
        health = api.health()
        assert health["status"] == "degraded"
        ready = api.get("/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
        broken = {k for k, v in ready.json()["dependencies"].items() if v["needed"] and not v["up"]}
        assert broken == {"broker"}
        assert api.get("/live").json() == {"status": "live"}
        assert broker.address in health["broker"]["detail"]
        assert health["clients"] == 1
        broker.restart()
        topics.create()
        topics.events(reading(100), reading(101))
        assert [receive_event(client, "readings")["id"] for _ in range(2)] == ["r100", "r101"]
        assert api.get("/health").status_code == 200
        wait_until(lambda: api.get("/ready").status_code == 200, what="/ready")
    topics.close()
    assert "vigie_api_broker_reconnects_total 1.0" in api.get("/metrics").text


def test_a_broker_that_takes_connections_and_says_nothing_is_told_until_it_goes_on(
    start: Start, own: Callable[[Broker], Broker], tmp: Path
) -> None:
    broker = own(Broker(tmp / "broker"))
    topics = Topics(broker.address, "own.")
    topics.create()
    topics.close()
    api = start(settings_for(tmp / "data", broker.address, topics))
    api.wait_for_topics(topics.readings)
    assert broker.pid is not None
    os.killpg(broker.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: not api.health()["broker"]["up"], what="the hanging broker in /health")
        assert broker.address in api.health()["broker"]["detail"]
    finally:
        os.killpg(broker.pid, signal.SIGCONT)
    wait_until(lambda: api.health()["broker"]["up"], what="the broker to answer again")


def test_a_broker_that_is_down_at_the_start_is_found_when_it_comes(
    start: Start, own: Callable[[Broker], Broker], tmp: Path
) -> None:
    port = free_port()
    topics = Topics(f"127.0.0.1:{port}", "own.")
    api = start(settings_for(tmp / "data", topics.address, topics))
    wait_until(
        lambda: "no answer from the broker" in api.health()["broker"]["detail"],
        what="/health to say it",
    )
    assert api.get("/health").status_code == 503
    own(Broker(tmp / "broker", port))
    wait_until(lambda: api.get("/health").status_code == 200, what="the broker to be found")
    topics.create()
    with api.subscribed(api.login(), "alarms") as client:
        topics.events(alarm(1))
        assert receive_event(client, "alarms")["state"] == "unacked"
    topics.close()


def test_the_lag_and_the_clients_are_in_the_metrics(
    start: Start, settings: Settings, topics: Topics
) -> None:
    api = start(settings)
    api.wait_for_topics(topics.readings)
    with api.subscribed(api.login(), "readings") as client:
        topics.events(reading(1))
        receive_event(client, "readings")
        text = api.get("/metrics").text
    lines = {
        line.rpartition(" ")[0]: line.rpartition(" ")[2]
        for line in text.splitlines()
        if not line.startswith("#")
    }
    assert lines["vigie_api_clients"] == "1.0"
    assert lines["vigie_api_broker_up"] == "1.0"
    assert lines["vigie_api_feed_lag"] == "0.0"
    assert float(lines["vigie_api_pushed_total"]) == 1.0
    assert lines['vigie_api_logins_total{outcome="accepted"}'] == "1.0"


@pytest.mark.parametrize("path", ["/health", "/", "/static/app.js", "/api/alarms", "/nowhere"])
def test_every_answer_carries_the_security_headers(
    start: Start, settings: Settings, path: str
) -> None:
    headers = start(settings).get(path).headers
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "server" not in headers
