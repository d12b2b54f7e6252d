"""The former alarm server's protocol, to the letter: HTTP, and `/ws?token=`."""

from pathlib import Path

import httpx
import pytest

from api.settings import Settings
from connectors.config.api_section import ApiSection
from tests.api.alarm_server_client import RegisteredAccount
from tests.api.conftest import Start
from tests.api.running import Api
from tests.waiting import PATIENCE


@pytest.fixture
def desk(tmp: Path, start: Start) -> Api:
    """A server without a broker, where everybody may register."""
    return start(Settings(data=tmp / "data", port=0, section=ApiSection(registration="open")))


@pytest.fixture
def john(desk: Api) -> RegisteredAccount:
    return RegisteredAccount(desk, "john")


@pytest.fixture
def marie(desk: Api) -> RegisteredAccount:
    return RegisteredAccount(desk, "marie")


def alarm_on(john: RegisteredAccount, page: str) -> str:
    with john.connected() as watcher:
        made = watcher.ask(
            "create_alarm", page_id=page, ticker="EUR/USD", option="", condition="above 1.08"
        )
    return str(made["id"])


def test_register_login_and_me(desk: Api, john: RegisteredAccount) -> None:
    form = httpx.post(
        f"{desk.url}/login",
        data={"username": "john", "password": "correct horse battery"},
        timeout=PATIENCE,
    )
    assert set(form.json()) == {"access_token", "token_type"}
    assert form.json()["token_type"] == "bearer"
    assert john.ask("GET", "/me").json() == {"id": john.id, "username": "john", "role": "viewer"}
    assert httpx.get(f"{desk.url}/me", timeout=PATIENCE).status_code == 401
    assert httpx.get(f"{desk.url}/health", timeout=PATIENCE).status_code in (200, 503)


def test_two_users_a_group_and_a_shared_page(
    desk: Api, john: RegisteredAccount, marie: RegisteredAccount
) -> None:
    group = john.post("/groups", {"name": "desk"})
    john.post(f"/groups/{group['id']}/members/{marie.id}")
    page = john.post("/pages", {"name": "EUR/USD"})
    assert page == {"id": page["id"], "name": "EUR/USD", "owner_id": john.id, "is_owner": True}
    assert marie.ask("GET", "/pages").json() == []
    with john.connected() as his, marie.connected() as hers:
        assert his.start == {
            "user": {"id": john.id, "username": "john"},
            "pages": [page],
            "alarms": [],
        }
        assert hers.start == {
            "user": {"id": marie.id, "username": "marie"},
            "pages": [],
            "alarms": [],
        }
        his.ask(
            "share_page",
            page_id=page["id"],
            subject_type="group",
            subject_id=group["id"],
            can_view=True,
            can_edit=False,
        )
        assert marie.ask("GET", "/pages").json() == [page | {"is_owner": False}]
        alarm = his.ask(
            "create_alarm",
            page_id=page["id"],
            ticker="EUR/USD",
            option="spot",
            condition="above 1.08",
        )
        assert alarm == {
            "id": alarm["id"], "page_id": page["id"], "ticker": "EUR/USD", "option": "spot",
            "condition": "above 1.08",
            "active": True, "last_triggered": None,
        }  # fmt: skip
        told = hers.receive("alarm_update")
        assert told == {
            "alarm_id": alarm["id"],
            "page_id": page["id"],
            "action": "created",
            "data": alarm,
        }
        changed = his.ask(
            "update_alarm", alarm_id=alarm["id"], condition="above 1.09", active=False
        )
        assert changed == alarm | {"condition": "above 1.09", "active": False}
        assert hers.receive("alarm_update")["action"] == "updated"
        assert (
            hers.refused("update_alarm", alarm_id=alarm["id"], ticker="X")
            == "Permission denied: cannot edit this page"
        )
        triggered = hers.ask("trigger_alarm", alarm_id=alarm["id"], price=1.0912)
        assert triggered["price"] == 1.0912
        assert triggered["last_triggered"] is not None
        his.ask("delete_alarm", alarm_id=alarm["id"])
        assert hers.receive("alarm_update")["action"] == "deleted"
    assert john.ask("GET", f"/api/rules/{alarm['id']}/history").json() == [
        {"at": triggered["last_triggered"], "price": 1.0912, "by": "user/marie"}
    ]


def test_the_initial_state_has_the_alarms_of_the_pages_one_may_view(
    john: RegisteredAccount, marie: RegisteredAccount
) -> None:
    page = john.post("/pages", {"name": "mine"})["id"]
    alarm = alarm_on(john, page)
    with john.connected() as watcher:
        assert [one["id"] for one in watcher.start["alarms"]] == [alarm]
    with marie.connected() as watcher:
        assert watcher.start["alarms"] == watcher.start["pages"] == []


@pytest.mark.parametrize(
    ("can_view", "can_edit", "allowed"),
    [
        (False, False, ""),
        (True, False, "trigger"),
        (False, True, "create update delete"),
        (True, True, "all"),
    ],
)
def test_what_each_right_allows(
    john: RegisteredAccount, marie: RegisteredAccount, can_view: bool, can_edit: bool, allowed: str
) -> None:
    page = john.post("/pages", {"name": "p"})["id"]
    alarm = alarm_on(john, page)
    with john.connected() as his, marie.connected() as hers:
        his.ask(
            "share_page",
            page_id=page,
            subject_type="user",
            subject_id=marie.id,
            can_view=can_view,
            can_edit=can_edit,
        )
        asked = {
            "create": (
                "create_alarm",
                {"page_id": page, "ticker": "X", "option": "", "condition": "above 1"},
            ),
            "update": ("update_alarm", {"alarm_id": alarm, "ticker": "Y"}),
            "trigger": ("trigger_alarm", {"alarm_id": alarm, "price": 1}),
            "delete": ("delete_alarm", {"alarm_id": alarm}),
        }
        for word, (kind, payload) in asked.items():
            if word in allowed or allowed == "all":
                hers.ask(kind, **payload)
            else:
                need = "view" if word == "trigger" else "edit"
                assert (
                    hers.refused(kind, **payload) == f"Permission denied: cannot {need} this page"
                )
        refused = hers.refused(
            "share_page",
            page_id=page,
            subject_type="user",
            subject_id=marie.id,
            can_view=True,
            can_edit=True,
        )
        assert refused == "Permission denied: cannot share this page"


def test_what_is_taken_back_ends_on_open_connections_before_the_answer(
    john: RegisteredAccount, marie: RegisteredAccount
) -> None:
    page = john.post("/pages", {"name": "p"})["id"]
    rights = {"page_id": page, "subject_type": "user", "subject_id": marie.id}
    with john.connected() as his, marie.connected() as hers:
        his.ask("share_page", **rights, can_view=True, can_edit=False)
        alarm = his.ask("create_alarm", page_id=page, ticker="X", option="", condition="above 1")[
            "id"
        ]
        assert hers.receive("alarm_update")["action"] == "created"
        his.ask("share_page", **rights, can_view=False, can_edit=False)
        his.ask("update_alarm", alarm_id=alarm, condition="above 2")
        his.ask("share_page", **rights, can_view=True, can_edit=False)
        his.ask("update_alarm", alarm_id=alarm, condition="above 3")
        assert hers.receive("alarm_update")["data"]["condition"] == "above 3"


@pytest.mark.parametrize(
    ("kind", "payload", "reason"),
    [
        ("create_alarm", {"page_id": 1}, "page_id must be the text that this server gave as id"),
        (
            "create_alarm",
            {"page_id": "none", "ticker": "X", "condition": "x"},
            "Permission denied: cannot edit this page",
        ),
        ("update_alarm", {"alarm_id": "none"}, "there is no alarm none"),
        ("trigger_alarm", {}, "alarm_id must be the text that this server gave as id"),
        ("create_page", {"name": ""}, "the name of a page has 1 to 200 printable characters"),
        ("create_page", {}, "name must be a text"),
        (
            "share_page",
            {"page_id": "p", "subject_type": "x", "subject_id": "u"},
            'subject_type must be "user" or "group"',
        ),
    ],
)
def test_what_makes_no_sense_is_answered_with_an_error(
    john: RegisteredAccount, kind: str, payload: dict, reason: str
) -> None:  # type: ignore[type-arg]
    with john.connected() as watcher:
        assert watcher.refused(kind, **payload) == reason


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        "{}",
        '{"type":"x","payload":{}}',
        '{"type":"create_page"}',
        "[" * 9999,
        '{"type":"update_alarm","payload":{"alarm_id":1,"\\ud800":1}}',
    ],
)
def test_what_is_no_message_is_answered_with_an_error(john: RegisteredAccount, text: str) -> None:
    with john.connected() as watcher:
        watcher.socket.send(text)
        assert watcher.receive("error")["message"]
        assert watcher.ask("create_page", name="still here")


def test_nobody_registers_where_registration_is_closed(tmp: Path, start: Start) -> None:
    api = start(Settings(data=tmp / "data", port=0))
    answer = httpx.post(
        f"{api.url}/register",
        json={"username": "eve", "password": "correct horse"},
        timeout=PATIENCE,
    )
    assert answer.status_code == 403
