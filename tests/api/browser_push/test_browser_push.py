"""Browsers are told of alarms that their accounts may see, once at the start and once at the end."""

import math
import time
from typing import Any

import httpx
import pytest

from operators.events import AlarmTransition
from tests.api.browser_push.push_service import PushService
from tests.api.events import alarm
from tests.api.running import Api, Topics
from tests.waiting import PATIENCE, wait_until

WORD = "correct horse battery"


class Account:
    """One who is logged in."""

    def __init__(self, api: Api, name: str = "admin") -> None:
        word = api.password
        if name != "admin":
            word = WORD
            body = {"username": name, "password": word}
            made = httpx.post(f"{api.url}/api/auth/register", json=body, timeout=PATIENCE)
            assert made.status_code == 200, made.text
        login = httpx.post(
            f"{api.url}/api/auth/login", json={"username": name, "password": word}, timeout=PATIENCE
        ).json()
        self._headers = {"Authorization": f"Bearer {login['access_token']}"}
        self._url = api.url

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return httpx.request(
            method, f"{self._url}{path}", json=body, headers=self._headers, timeout=PATIENCE
        )


def raised(seq: int, **others: Any) -> AlarmTransition:
    now = time.time()
    values = {
        "annunciation": "start",
        "annunciate": True,
        "time": now,
        "recorded": now,
        "id": f"s{seq}",
    }
    return alarm(seq, **values | others)


def over(seq: int, **others: Any) -> AlarmTransition:
    values = {"annunciation": "end", "annunciate": False, "event": "returned", "change": "cleared"}
    return raised(seq, **values | others)


def test_the_start_and_the_end_are_told_once_to_those_who_chose_the_priority(
    api: Api, topics: Topics, service: PushService
) -> None:
    account = Account(api)
    chosen, others = service.browser(), service.browser()
    made = account.ask("PUT", "/api/push", chosen.subscription("high", "critical", language="fr"))
    assert made.status_code == 200, made.text
    assert account.ask("PUT", "/api/push", others.subscription("low")).status_code == 200
    listed = account.ask("GET", "/api/push").json()
    assert len(listed["key"]) == 87 and len(listed["browsers"]) == 2
    assert chosen.endpoint not in str(listed)

    start = raised(1)
    topics.events(start, start, over(2, priority="low"), raised(3, subject="end", priority="high"))
    wait_until(lambda: len(chosen.told) >= 3, what="the notifications")
    first, second = (one for one in chosen.told if one["subject"] == "rack")
    assert (first["change"], first["alarm"], first["subject"]) == ("start", "too_hot", "rack")
    assert (first["value"], first["priority"], first["language"]) == ("31 °C", "high", "fr")
    assert first["key"] == "server_room/too_hot|rack"
    assert second["change"] == "end"
    told = dict(
        zip([(one["subject"], one["change"]) for one in chosen.told], chosen.headers, strict=True)
    )
    start_of, end_of = told["rack", "start"], told["rack", "end"]
    assert (start_of["urgency"], start_of["ttl"]) == ("high", "3600")
    assert start_of["topic"] == end_of["topic"]
    topics.events(raised(4, subject="cold", priority="low"))
    wait_until(lambda: others.told, what="the other's notification")
    assert [one["subject"] for one in others.told] == ["cold"]
    assert len(chosen.told) == 3
    counted = 'vigie_api_browser_push_total{result="sent"} 4.0'
    wait_until(lambda: counted in account.ask("GET", "/metrics").text, what="the counts")


def test_nobody_is_told_of_what_the_account_may_not_see_or_once_its_login_is_over(
    api: Api, topics: Topics, service: PushService
) -> None:
    admin, marie, john = Account(api), Account(api, "marie"), Account(api, "john")
    browsers = {name: service.browser() for name in ("admin", "marie", "john")}
    for name, account in (("admin", admin), ("marie", marie), ("john", john)):
        wanted = browsers[name].subscription("high")
        assert account.ask("PUT", "/api/push", wanted).status_code == 200
    assert marie.ask("POST", "/api/pages", {"name": "Mine"}).status_code == 200
    page = marie.ask("GET", "/api/pages").json()[0]["key"]
    assert john.ask("POST", "/api/auth/logout").status_code == 200
    topics.events(raised(1, page=page), raised(2, page="nobodys", subject="hidden"))
    topics.events(raised(3, subject="rack", time=time.time(), rule="server_room/other"))
    wait_until(lambda: len(browsers["marie"].told) >= 2, what="marie's notifications")
    assert [one["key"].partition("|")[0] for one in browsers["marie"].told] == [
        "server_room/too_hot",
        "server_room/other",
    ]
    wait_until(lambda: browsers["admin"].told, what="the admin's notification")
    assert [one["key"] for one in browsers["admin"].told] == ["server_room/other|rack"]
    assert browsers["john"].told == []
    one = admin.ask("GET", "/api/push").json()["browsers"][0]["id"]
    assert marie.ask("DELETE", f"/api/push/{one}").status_code == 404
    assert marie.ask("POST", f"/api/push/{one}/test").status_code == 404


def test_a_browser_that_is_gone_is_forgotten_and_a_busy_service_is_tried_again(
    api: Api, topics: Topics, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.browser_push.notifier.TRIES", (0.0, 0.0, 0.0))
    account = Account(api)
    busy, gone = service.browser(), service.browser()
    busy.statuses, gone.statuses = [503, 429], [410]
    ids = [
        account.ask("PUT", "/api/push", one.subscription("high")).json()["id"]
        for one in (busy, gone)
    ]
    topics.events(raised(1))
    wait_until(lambda: len(busy.told) == 3, what="the third try")
    wait_until(
        lambda: (
            [one["id"] for one in account.ask("GET", "/api/push").json()["browsers"]] == ids[:1]
        ),
        what="the browser that is gone to be forgotten",
    )
    tested = account.ask("POST", f"/api/push/{ids[0]}/test").json()
    assert (tested, busy.told[-1]["test"]) == ({"result": "sent"}, True)
    assert account.ask("DELETE", f"/api/push/{ids[0]}").status_code == 200
    assert account.ask("GET", "/api/push").json()["browsers"] == []
    foreign = busy.subscription("high") | {"endpoint": "http://127.0.0.1:9/x"}
    refused = account.ask("PUT", "/api/push", foreign)
    assert refused.status_code == 422 and "push_services" in refused.json()["error"]
    broken = busy.subscription("high") | {"keys": {"p256dh": "AAAA", "auth": "AAAA"}}
    assert account.ask("PUT", "/api/push", broken).status_code == 422


def test_a_flood_is_one_message_that_counts_but_what_is_critical_is_told(
    api: Api, topics: Topics, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.browser_push.notifier.EVERY", math.inf)
    account = Account(api)
    browser = service.browser()
    account.ask("PUT", "/api/push", browser.subscription("high", "critical"))
    topics.events(*(raised(n, rule=f"f/r{n}", id=f"x{n}") for n in range(1, 31)))
    topics.events(raised(40, rule="f/worst", priority="critical"))
    wait_until(
        lambda: any(one.get("priority") == "critical" for one in browser.told), what="the worst"
    )
    assert [bool(one.get("flood")) for one in browser.told] == [False] * 10 + [True, False]
