"""Two apis on one database and one broker: whichever one somebody talks to, all hear of it."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from infra.demo.programs import ApiProgram
from infra.embedded.broker import Broker
from tests.api.alarm_server_client import RegisteredAccount
from tests.api.events import alarm
from tests.api.postgresql import new_database
from tests.api.running import Topics, connect
from tests.waiting import PATIENCE, wait_until

TokenPair = tuple[ApiProgram, ApiProgram]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def topics(broker: Broker, kind: str) -> Iterator[Topics]:
    """The topics of both."""
    topics = Topics(broker.address, f"two.{kind}.")
    topics.create()
    yield topics
    topics.close()


@pytest.fixture(scope="module")
def apis(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    broker: Broker,
    topics: Topics,
    kind: str,
) -> Iterator[TokenPair]:
    """Two processes on one SQLite file, or on one PostgreSQL with the same signing keys."""
    tmp = tmp_path_factory.mktemp("two")
    connections: dict[str, Any] = {
        "redpanda": {"brokers": [broker.address], "idempotence": False, "prefix": topics.prefix}
    }
    shared = "data"
    if kind == "postgresql":
        connections["accounts"] = {
            "url": new_database(request.getfixturevalue("postgresql_folder"))
        }
        shared = "data/api.keys"
    site = tmp / "site.yaml"
    served = {"registration": "open"}
    site.write_text(
        json.dumps({"vigie": 1, "site": "test", "connections": connections, "api": served})
    )
    pair = ApiProgram(tmp / "one", site), ApiProgram(tmp / "two", site)
    try:
        pair[0].start().wait_ready()
        there = tmp / "two" / shared
        there.parent.mkdir(parents=True)
        there.symlink_to(tmp / "one" / shared)
        pair[1].start().wait_ready()
        yield pair
    finally:
        for api in pair:
            api.stop()


def at(api: ApiProgram, someone: RegisteredAccount) -> RegisteredAccount:
    """The same, talking to another api with the same token."""
    there = copy.copy(someone)
    there.api = api  # type: ignore[assignment]
    return there


def someone(api: ApiProgram, name: str) -> RegisteredAccount:
    return RegisteredAccount(api, name)  # type: ignore[arg-type]


def closed(socket: ClientConnection) -> int:
    try:
        while True:
            socket.recv(PATIENCE)
    except ConnectionClosed:
        return socket.close_code or 0


def test_what_is_done_at_one_api_reaches_those_at_the_other_who_may_see_it_in_order(
    apis: TokenPair,
) -> None:
    one, two = apis
    john, marie = someone(one, "john"), someone(two, "marie")
    first, second = (john.post("/pages", {"name": name})["id"] for name in ("first", "second"))
    with john.connected() as his, at(two, marie).connected() as hers:
        his.ask(
            "share_page",
            page_id=first,
            subject_type="user",
            subject_id=marie.id,
            can_view=True,
            can_edit=True,
        )
        made = his.ask(
            "create_alarm", page_id=first, ticker="EUR/USD", option="", condition="above 1.08"
        )
        heard = hers.receive("alarm_update")
        assert (heard["action"], heard["alarm_id"], heard["data"]) == ("created", made["id"], made)
        hers.ask("update_alarm", alarm_id=made["id"], active=False)
        assert his.receive("alarm_update")["action"] == "updated"
        hers.ask("trigger_alarm", alarm_id=made["id"], price=1.1)
        assert his.receive("alarm_update")["data"]["by"] == "user/marie"

        his.ask(
            "share_page",
            page_id=first,
            subject_type="user",
            subject_id=marie.id,
            can_view=False,
            can_edit=False,
        )
        his.ask("update_alarm", alarm_id=made["id"], option="none of your business")
        his.ask(
            "share_page", page_id=second, subject_type="user", subject_id=marie.id, can_view=True
        )
        other = his.ask(
            "create_alarm", page_id=second, ticker="EUR/CHF", option="", condition="above 1"
        )
        assert hers.receive("alarm_update")["alarm_id"] == other["id"], (
            "what was taken away is not heard"
        )
        with at(two, marie).connected() as again:
            assert [one["id"] for one in again.start["alarms"]] == [other["id"]]
            his.ask("delete_alarm", alarm_id=other["id"])
            assert again.receive("alarm_update")["action"] == "deleted", (
                "what was in the state is not told again"
            )


def test_who_is_logged_out_or_disabled_at_one_api_is_cut_off_at_the_other(apis: TokenPair) -> None:
    one, two = apis
    john, marie = someone(one, "john.out"), someone(one, "marie.out")
    admin = {"Authorization": f"Bearer {one.log_in()}"}
    stream = httpx.Client(timeout=PATIENCE)
    address = f"ws://{two.address}/ws"
    with (
        connect(f"{address}?token={john.token}") as his,
        connect(f"{address}?token={marie.token}") as hers,
        stream.stream("GET", f"{two.url}/api/stream?channels=alarms&token={marie.token}") as events,
    ):
        john.ask("POST", "/api/auth/logout")
        assert closed(his) == 4401
        httpx.patch(
            f"{one.url}/api/users/{marie.id}",
            json={"enabled": False},
            headers=admin,
            timeout=PATIENCE,
        )
        assert closed(hers) == 4401
        assert '"code": 4401' in list(events.iter_lines())[-2]
    assert at(two, john).ask("GET", "/me").status_code == 401


def test_what_flows_say_is_kept_once_and_told_once_by_each_api(
    apis: TokenPair, topics: Topics, rules: Callable[[], dict[str, Any]]
) -> None:
    one, two = apis
    for api in apis:
        wait_until(
            lambda: (
                topics.alarms
                in httpx.get(f"{api.url}/health", timeout=PATIENCE).json()["broker"]["topics"]  # noqa: B023
            ),
            what="the topic of alarms",
        )
    john = someone(one, "john.told")
    page = john.post("/pages", {"name": "p"})["id"]
    with john.connected() as here:
        made = here.ask(
            "create_alarm", page_id=page, ticker="EUR/USD", option="", condition="above 1.08"
        )
        with at(two, john).connected() as there:
            (page_key,) = [one["key"] for one in john.ask("GET", "/api/pages").json()]
            key = wait_until(
                lambda: next(
                    (key for key, row in rules().items() if row.get("page") == page_key), None
                ),
                what="the rule",
            )
            said = {"rule": f"alarms/market/{key}", "annunciate": True}
            topics.events(
                *(
                    alarm(n, **said, id=f"t{n}", subject=f"s{n}", value=float(n))
                    for n in range(1, 41)
                )
            )
            for watcher in (here, there):
                heard = [watcher.receive("alarm_update")["data"]["price"] for _ in range(40)]
                assert sorted(heard) == [float(n) for n in range(1, 41)]
    assert len(john.ask("GET", f"/api/rules/{made['id']}/history").json()) == 40
    for api in apis:
        assert "Traceback" not in api.log.read_text()
