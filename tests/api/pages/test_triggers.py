"""Alarms that people wrote go to flows as rules, and what flows say of them comes back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.config.api_section import ApiSection
from infra.embedded.broker import Broker
from tests.api.alarm_server_client import RegisteredAccount
from tests.api.conftest import Start
from tests.api.events import alarm
from tests.api.running import Api, Topics, settings_for
from tests.waiting import PATIENCE, wait_until


@pytest.fixture
def desk(tmp: Path, broker: Broker, topics: Topics, start: Start) -> Api:
    settings = settings_for(
        tmp / "data", broker.address, topics, section=ApiSection(registration="open")
    )
    api = start(settings)
    api.wait_for_topics(topics.readings, topics.alarms, topics.push)
    return api


def test_an_alarm_is_a_row_of_the_topic_of_rules_as_long_as_a_flow_can_evaluate_it(
    desk: Api, rules: Callable[[], dict[str, Any]]
) -> None:
    john = RegisteredAccount(desk, "john")
    page = john.post("/pages", {"name": "p"})["id"]
    (key,) = [one["key"] for one in john.ask("GET", "/api/pages").json()]
    with john.connected() as his:
        made = his.ask(
            "create_alarm", page_id=page, ticker="EUR/USD", option="", condition="above 1.08"
        )
        rule = {"page": key, "subject": "EUR/USD", "above": 1.08, "enabled": True}
        wait_until(rules, what="the rule")
        assert [{**row, "id": ""} for row in rules().values()] == [{"id": "", **rule}]
        his.ask(
            "update_alarm", alarm_id=made["id"], condition="crosses", option="1.1", active=False
        )
        crossing = {"page": key, "subject": "EUR/USD", "crosses": 1.1, "enabled": False}
        wait_until(
            lambda: [{**row, "id": ""} for row in rules().values()] == [{"id": "", **crossing}],
            what="the change",
        )
        his.ask("update_alarm", alarm_id=made["id"], condition="when I say so")
        wait_until(
            lambda: [row.get("deleted") for row in rules().values()] == [True],
            what="the rule to go",
        )


def test_a_transition_of_its_rule_triggers_an_alarm_once(
    desk: Api, topics: Topics, rules: Callable[[], dict[str, Any]]
) -> None:
    john, eve = RegisteredAccount(desk, "john"), RegisteredAccount(desk, "eve")
    page = john.post("/pages", {"name": "p"})["id"]
    with john.connected() as his, eve.connected() as hers:
        made = his.ask(
            "create_alarm", page_id=page, ticker="EUR/USD", option="", condition="above 1.08"
        )
        (key,) = wait_until(rules, what="the rule")
        said = {
            "rule": f"alarms/market/{key}",
            "subject": "EUR/USD",
            "annunciate": True,
            "value": 1.085,
            "id": "t1",
        }
        raised = alarm(1, **said)
        topics.events(raised, alarm(2, **{**said, "id": "t2", "event": "acked"}), raised)
        triggered = his.receive("alarm_update")
        assert triggered["action"] == "triggered"
        assert triggered["data"]["price"] == 1.085
        assert triggered["data"]["last_triggered"] == "1970-01-01T00:00:01.000Z"
        his.ask("create_page", name="nothing else was said")
        assert hers.ask("create_page", name="nothing was said")
    history = john.ask("GET", f"/api/rules/{made['id']}/history").json()
    assert history == [{"at": "1970-01-01T00:00:01.000Z", "price": 1.085, "by": "stream"}]
    desk.stop()
    desk.start()
    desk.wait_for_topics(topics.alarms)
    wait_until(lambda: desk.health()["broker"]["lag"] == 0, what="the topics to be read back")
    assert john.ask("GET", f"/api/rules/{made['id']}/history").json() == history


def test_while_the_broker_is_down_an_alarm_is_saved_and_its_writer_told(
    tmp: Path, topics: Topics, start: Start
) -> None:
    settings = settings_for(
        tmp / "data", "127.0.0.1:1", topics, section=ApiSection(registration="open")
    )
    api = start(settings)
    john = RegisteredAccount(api, "john")
    page = john.post("/pages", {"name": "p"})["id"]
    with john.connected() as his:
        made = his.ask(
            "create_alarm", page_id=page, ticker="EUR/USD", option="", condition="above 1.08"
        )
        assert his.receive("error")["message"].startswith(
            "The alarm is saved; flows will hear of it when the broker is back"
        )
    assert john.ask("GET", f"/api/pages/{page}/rules").json() == [made]


def test_an_alarm_of_somebody_whose_page_the_flow_lost_is_shown_to_nobody(
    desk: Api, topics: Topics
) -> None:
    admin = desk.login()
    with desk.subscribed(admin, "alarms") as client:
        topics.events(
            alarm(1, rule="alarms/market/~1234"), alarm(2, id="open", rule="alarms/market")
        )
        message = json.loads(client.recv(PATIENCE))
        while message["type"] != "event":
            message = json.loads(client.recv(PATIENCE))
        assert message["data"]["id"] == "open"
    assert [one["id"] for one in desk.get("/api/alarms", admin).json()["alarms"]] == ["open"]
