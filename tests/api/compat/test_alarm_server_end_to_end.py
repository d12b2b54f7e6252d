"""Two users, a group and a shared page of the former alarm server, with a flow for the stream."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from api.settings import Settings
from connectors.config.api_section import ApiSection
from infra.embedded.broker import Broker
from operators.events import Reading
from tests.api.compat.test_conformance import Client
from tests.api.conftest import Start
from tests.api.json_ids import numbers_under_ids, types_of
from tests.api.running import Api, Topics
from tests.flow_process import FlowProcess
from tests.waiting import wait_until

FLOW = """\
vigie: 1
flow: desk
sources:
  quotes:
    topic: {name: QUOTES}
  rules:
    topic: {name: RULES, table: true}
alarms:
  market:
    from: quotes
    rules: rules
    page: {column: page}
    response: Call the desk.
"""


@pytest.fixture
def desk(start: Start, settings: Settings, topics: Topics) -> Api:
    api = start(replace(settings, section=ApiSection(registration="open")))
    api.wait_for_topics(topics.readings, topics.alarms, topics.push)
    return api


@pytest.fixture
def flow(tmp: Path, broker: Broker, topics: Topics) -> Iterator[FlowProcess]:
    definition, site = tmp / "desk.yaml", tmp / "site.yaml"
    definition.write_text(
        FLOW.replace("QUOTES", topics.readings).replace("RULES", topics.names.rules)
    )
    redpanda = {"brokers": [broker.address], "idempotence": False, "prefix": topics.prefix}
    site.write_text(json.dumps({"vigie": 1, "site": "test", "connections": {"redpanda": redpanda}}))
    process = FlowProcess(definition, site, tmp / "flow").wait_running()
    yield process
    process.kill()


@pytest.fixture
def client(desk: Api) -> Iterator[Client]:
    client = Client("alarm_server.mjs", desk.url)
    yield client
    client.close()


def quote(number: int, price: float) -> Reading:
    return Reading(
        id=f"q{number}",
        time=1_767_600_000.0 + number,
        subject="EUR/USD",
        metric="price",
        value=price,
    )


def test_two_users_share_a_page_by_a_group_and_the_stream_triggers_its_alarm(
    desk: Api, flow: FlowProcess, client: Client, topics: Topics
) -> None:
    alarm_id = client.until("ready")
    numbers = itertools.count(1)

    def raised() -> bool:
        """Prices go on; the first one after the rule has reached the flow raises the alarm."""
        topics.events(quote(next(numbers), 1.085))
        return bool(desk.health()["alarms"])

    wait_until(raised, what="the flow to raise the alarm")
    found: dict[str, Any] = client.until("found")
    assert numbers_under_ids(found) == []
    made = found["registered"]
    user = {"id": "string", "username": "string"}
    assert types_of(made["body"]) == user | {"role": "string", "created_at": "string"}
    assert types_of(found["start"]["payload"]["user"]) == user
    assert types_of(found["start"]["payload"]["pages"]) == [
        {"id": "string", "name": "string", "owner_id": "string", "is_owner": "boolean"}
    ]
    assert found["member"]["status"] == 200
    assert datetime.fromisoformat(made["body"]["created_at"]).tzinfo is not None
    assert found["page"]["payload"]["action"] == "page_created"
    assert found["page"]["payload"]["data"]["name"] == "mine"
    assert found["renewed"]["status"] == 200
    assert found["renewed"]["body"]["token_type"] == "bearer"
    john, page = found["start"]["payload"]["user"], found["start"]["payload"]["pages"][0]
    assert set(found["login"]["body"]) == {"access_token", "token_type"}
    assert found["me"]["body"]["username"] == "john"
    assert page == {"id": page["id"], "name": "EUR/USD", "owner_id": john["id"], "is_owner": True}
    assert found["pages"]["body"] == [page]
    assert (found["before"]["body"], found["after"]["body"]) == ([], [page | {"is_owner": False}])
    alarm = found["made"]["payload"]["data"]
    assert found["made"] == {
        "type": "success",
        "payload": {"action": "create_alarm", "data": alarm},
    }
    texts = dict.fromkeys(("id", "page_id", "ticker", "option", "condition"), "string")
    assert types_of(alarm) == texts | {"active": "boolean", "last_triggered": "null"}
    created = {"alarm_id": alarm_id, "page_id": page["id"], "action": "created", "data": alarm}
    assert found["told"] == {"type": "alarm_update", "payload": created}
    denied = {"type": "error", "payload": {"message": "Permission denied: cannot edit this page"}}
    assert found["denied"] == denied
    assert found["not_shared"]["payload"]["message"] == "Permission denied: cannot share this page"
    triggered = found["triggered"]["payload"]
    assert (triggered["alarm_id"], triggered["action"]) == (alarm_id, "triggered")
    assert (triggered["data"]["price"], triggered["data"]["by"]) == (1.085, "stream")
    assert found["by_hand"]["payload"]["data"]["price"] == 1.1
    started = types_of(found["again"]["payload"]["alarms"])
    assert started == [texts | {"active": "boolean", "last_triggered": "string"}]
    changed = {"action": "string", "data": started[0]}
    assert types_of(found["changed"]["payload"]) == changed
    assert found["changed"]["payload"]["data"]["active"] is False
    assert found["shared"]["type"] == "success"
    gone, quiet = found["gone"]["payload"], found["quiet"]["payload"]["data"]
    assert (gone["alarm_id"], gone["page_id"]) == (quiet["id"], page["id"])
    assert (
        found["again"]["payload"]["alarms"][0]["last_triggered"]
        == found["by_hand"]["payload"]["data"]["last_triggered"]
    )
    assert [one["by"] for one in found["history"]["body"]] == ["user/marie", "stream"]
    assert found["deleted"]["type"] == "success"
    assert found["hers"]["type"] == "error"
    assert found["docs"] == 200
