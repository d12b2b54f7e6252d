"""Pages that definitions declare, as flows tell of them."""

from dataclasses import replace
from typing import Any

from api.settings import Settings
from connectors.config.api_section import ApiSection
from operators.events import Row
from tests.api.alarm_server_client import PASSWORD, RegisteredAccount
from tests.api.conftest import Start
from tests.api.events import alarm
from tests.api.running import Topics, receive_event
from tests.waiting import wait_until


def told(topics: Topics, number: int, **pages: Any) -> None:
    row = Row(
        id=str(number),
        time=1.0,
        table="pages",
        op="update",
        values={"id": "alarms", "pages": pages},
    )
    topics.events(row, topic=topics.names.pages)


def test_a_page_of_a_definition_is_for_whom_the_definition_says(
    start: Start, settings: Settings, topics: Topics
) -> None:
    eur_usd = {
        "title": "EUR/USD",
        "owner": "user/john",
        "view": ["group/desk"],
        "edit": ["user/marie"],
    }
    told(topics, 1, eur_usd=eur_usd)
    api = start(replace(settings, section=ApiSection(registration="open")))
    api.wait_for_topics(topics.alarms, topics.names.pages)
    eve = RegisteredAccount(api, "eve")
    admin = api.login()
    own = eve.post("/groups", {"name": "desk2"})
    eve.post(f"/groups/{own['id']}/members/{eve.id}")
    wait_until(
        lambda: api.get("/api/audit", admin, action="declare_page").json(),
        what="the page to be stored",
    )
    taken = eve.ask("POST", "/register", {"username": "john", "password": PASSWORD})
    assert taken.status_code == 409, (
        "who registers must not become the owner that a definition names"
    )
    assert eve.ask("GET", "/pages").json() == []
    with eve.connected() as hers, api.subscribed(eve.token, "alarms") as alarms:
        topics.events(alarm(1, page="eur_usd"), alarm(2, id="a2", page=None))
        assert receive_event(alarms, "alarms")["id"] == "a2"
        told(topics, 2, eur_usd={**eur_usd, "view": ["user/eve"]})
        wait_until(lambda: eve.ask("GET", "/pages").json(), what="the change to be stored")
        topics.events(alarm(3, id="a3", page="eur_usd"))
        assert receive_event(alarms, "alarms")["id"] == "a3"
        (page,) = eve.ask("GET", "/pages").json()
        assert page == {"id": page["id"], "name": "EUR/USD", "owner_id": None, "is_owner": False}
        assert (
            hers.refused(
                "create_alarm", page_id=page["id"], ticker="X", option="", condition="above 1"
            )
            == "Permission denied: cannot edit this page"
        )
        told(topics, 3)
        wait_until(lambda: eve.ask("GET", "/pages").json() == [], what="the page to go")
