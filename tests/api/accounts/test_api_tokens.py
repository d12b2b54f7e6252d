"""Tokens of programs do what their role and pages say, never more than their owner, until revoked."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from websockets.exceptions import ConnectionClosed

from api.database.database import open_database
from api.settings import Settings
from tests.api.conftest import Start
from tests.api.running import Api, receive
from tests.waiting import PATIENCE


@pytest.fixture
def lonely(tmp: Path, start: Start) -> Api:
    return start(Settings(data=tmp / "data", port=0))


class Caller:
    """Calls with a token."""

    def __init__(self, api: Api, token: str) -> None:
        self.api, self.token = api, token
        self.headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, **body: Any) -> httpx.Response:
        return httpx.request(
            method,
            f"{self.api.url}{path}",
            json=body or None,
            headers=self.headers,
            timeout=PATIENCE,
        )

    def make(self, **body: Any) -> "Caller":
        answer = self("POST", "/api/tokens", **{"name": "program", **body})
        assert answer.status_code == 201, answer.text
        return Caller(self.api, answer.json()["token"])


@pytest.fixture
def admin(lonely: Api) -> Caller:
    return Caller(lonely, lonely.login())


def closed_with(api: Api, token: str) -> int:
    with api.socket(token=token) as client, pytest.raises(ConnectionClosed) as closed:
        client.recv(PATIENCE)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def test_a_token_has_its_own_role_and_is_listed_with_its_last_use(admin: Caller) -> None:
    viewer = admin.make(name="wall", role="viewer")
    assert viewer("GET", "/api/auth/me").json()["role"] == "viewer"
    assert viewer("GET", "/api/users").status_code == 403
    (listed,) = admin("GET", "/api/tokens").json()
    assert "token" not in listed
    assert (listed["name"], listed["role"], listed["pages"]) == ("wall", "viewer", None)
    assert listed["last_used"] > time.time() - 60
    data = (admin.api.settings.data / "api.sqlite").read_bytes()
    assert viewer.token.encode() not in data


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/tokens", {}),
        ("POST", "/api/tokens", {"name": "another"}),
        ("POST", "/api/auth/password", {"old": "PASSWORD", "new": "correct horse battery"}),
        ("POST", "/api/auth/second-factor", {"password": "PASSWORD"}),
        ("POST", "/api/auth/second-factor/remove", {"password": "PASSWORD"}),
        ("GET", "/api/auth/sessions", {}),
        ("GET", "/api/auth/devices", {}),
        ("POST", "/api/auth/refresh", {}),
        ("POST", "/api/auth/logout", {}),
        ("POST", "/api/users", {"username": "heir", "role": "admin"}),
        ("PATCH", "/api/users/ME", {"password": "correct horse battery"}),
        ("POST", "/api/users/ME/password", {}),
        ("POST", "/api/users/ME/logout", {}),
        ("POST", "/api/users/ME/second-factor/remove", {}),
    ],
)
def test_a_token_changes_nothing_about_how_one_gets_in(
    admin: Caller, method: str, path: str, body: dict[str, str]
) -> None:
    program = admin.make(role="admin")
    given = {
        name: admin.api.password if value == "PASSWORD" else value for name, value in body.items()
    }
    me = program("GET", "/api/auth/me").json()["id"]
    assert program(method, path.replace("ME", me), **given).status_code == 403


def test_a_revoked_or_expired_token_opens_nothing_and_its_connections_end(admin: Caller) -> None:
    program = admin.make(role="operator")
    with admin.api.socket(token=program.token) as client:
        assert receive(client)["type"] == "ready"
        (listed,) = admin("GET", "/api/tokens").json()
        assert admin("DELETE", f"/api/tokens/{listed['id']}").status_code == 200
        with pytest.raises(ConnectionClosed):
            client.recv(PATIENCE)
    assert program("GET", "/api/auth/me").status_code == 401
    assert closed_with(admin.api, program.token) == 4401
    late = admin.make(name="late", expires_in=3600)
    assert late("GET", "/api/auth/me").status_code == 200
    database = open_database(admin.api.settings.data)
    with database.write() as session:
        session.execute(text("UPDATE api_tokens SET expires = 1"))
    database.close()
    assert late("GET", "/api/auth/me").status_code == 401


def test_a_token_falls_with_its_owner(admin: Caller) -> None:
    made = admin("POST", "/api/users", username="marie", role="operator").json()
    login = httpx.post(
        f"{admin.api.url}/api/auth/login",
        json={"username": "marie", "password": made["password"]},
        timeout=PATIENCE,
    ).json()
    marie = Caller(admin.api, login["access_token"])
    assert marie("POST", "/api/tokens", name="x", role="admin").status_code == 400
    program = marie.make(role="operator")
    assert marie("POST", "/api/tokens", name="program").status_code == 409
    user = f"/api/users/{made['id']}"
    admin("PATCH", user, role="viewer")
    assert program("GET", "/api/auth/me").json()["role"] == "viewer"
    (listed,) = admin("GET", f"{user}/tokens").json()
    own = admin.make()
    assert marie("DELETE", f"/api/tokens/{listed['id']}0").status_code == 404
    (theirs,) = admin("GET", "/api/tokens").json()
    assert marie("DELETE", f"/api/tokens/{theirs['id']}").status_code == 404
    assert own("GET", "/api/auth/me").status_code == 200
    admin("PATCH", user, enabled=False)
    assert program("GET", "/api/auth/me").status_code == 401
    assert closed_with(admin.api, program.token) == 4401


def test_a_token_for_some_pages_knows_of_no_other_by_any_way(admin: Caller) -> None:
    for name in ("one", "two"):
        admin("POST", "/pages", name=name)
    pages = {page["name"]: page for page in admin("GET", "/api/pages").json()}
    one, two = pages["one"], pages["two"]
    program = admin.make(role="operator", pages=[one["key"]])
    assert [page["name"] for page in program("GET", "/api/pages").json()] == ["one"]
    assert [page["name"] for page in program("GET", "/pages").json()] == ["one"]
    for page, status in ((one, 200), (two, 403)):
        rule = {"ticker": "EUR/USD", "condition": "above 1"}
        assert program("POST", f"/api/pages/{page['id']}/rules", **rule).status_code == status
        assert program("GET", f"/api/pages/{page['id']}/rules").status_code in (
            (200,) if page is one else (403, 404)
        )
    ticket = program("POST", "/api/ticket").json()["ticket"]
    for query in (f"token={program.token}", f"ticket={ticket}"):
        address = f"/ws?{query}"
        with admin.api.socket(address, subprotocols=None) as client:
            state = receive(client)["payload"]
            assert [page["name"] for page in state["pages"]] == ["one"]
            for kind, payload in (
                ("create_page", {"name": "three"}),
                (
                    "share_page",
                    {
                        "page_id": one["id"],
                        "subject_type": "user",
                        "subject_id": admin("GET", "/api/auth/me").json()["id"],
                        "can_view": True,
                    },
                ),
                ("create_alarm", {"page_id": two["id"], "ticker": "a", "condition": "above 1"}),
            ):
                client.send(json.dumps({"type": kind, "payload": payload}))
                assert receive(client)["type"] == "error"
    with admin.api.socket(token=program.token) as client:
        assert receive(client)["type"] == "ready"
        client.send(json.dumps({"type": "subscribe", "channels": [f"page/{two['key']}"]}))
        assert receive(client).get("channels", []) == []
    camera = {"name": "gate", "url": "rtsp://10.0.0.2/x", "page": two["key"]}
    assert program("POST", "/api/cameras", **camera).status_code == 400
    for method, path, body in (
        ("POST", "/pages", {"name": "three"}),
        ("POST", "/groups", {"name": "desk"}),
        ("GET", "/api/dead-letters", {}),
        ("PUT", "/api/mode", {"mode": "active"}),
        ("POST", "/api/events", {"type": "motion", "device_id": "gate", "details": {}}),
        ("POST", "/api/cameras/discover", {}),
    ):
        assert program(method, path, **body).status_code == 403, path


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "x\n"},
        {"name": "x" * 65},
        {"name": "x", "role": "root"},
        {"name": "x", "role": "admin", "pages": ["a"]},
        {"name": "x", "pages": ["a"] * 201},
        {"name": "x", "expires_in": -1},
        {"name": "x", "expires_in": 1e300},
    ],
)
def test_a_token_that_cannot_be_is_refused(admin: Caller, body: dict[str, Any]) -> None:
    assert admin("POST", "/api/tokens", **body).status_code == 400


@pytest.mark.parametrize("token", ["vigie_", "vigie_x", "vigie_" + "x" * 100_000, "vigie_\u00e9"])
def test_what_only_looks_like_a_token_is_none(lonely: Api, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}
    answer = httpx.get(f"{lonely.url}/api/auth/me", headers=headers, timeout=PATIENCE)
    assert answer.status_code in (400, 401, 431)


def test_what_a_token_did_is_told_in_the_audit_log(admin: Caller) -> None:
    admin.make(name="robot", role="viewer")("POST", "/pages", name="made")
    (entry,) = admin("GET", "/api/audit?action=create_page").json()
    assert entry["username"] == "admin"
    assert entry["detail"] == "by the token robot. made"
    actions = [one["action"] for one in admin("GET", "/api/audit").json()]
    assert "make_token" in actions


# ----------------------------------------------------------------------------
# one's own logins
def test_ones_logins_are_listed_and_ended_one_by_one(admin: Caller) -> None:
    other = Caller(admin.api, admin.api.login())
    listed = admin("GET", "/api/auth/sessions").json()
    assert [one["current"] for one in listed] == [False, True]
    assert listed[0]["address"] == "127.0.0.1"
    assert listed[0]["agent"].startswith("python-httpx")
    with admin.api.socket(token=other.token) as client:
        assert receive(client)["type"] == "ready"
        assert admin("DELETE", f"/api/auth/sessions/{listed[0]['id']}").status_code == 200
        with pytest.raises(ConnectionClosed):
            client.recv(PATIENCE)
    assert other("GET", "/api/auth/me").status_code == 401
    assert len(admin("GET", "/api/auth/sessions").json()) == 1
    assert admin("DELETE", f"/api/auth/sessions/{listed[0]['id']}").status_code == 404
    (first, _) = admin("GET", "/api/auth/devices").json()
    assert admin("DELETE", f"/api/auth/devices/{first['id']}").status_code == 200
    assert len(admin("GET", "/api/auth/devices").json()) == 1


def test_the_logins_of_somebody_else_are_nobodys_business(admin: Caller) -> None:
    made = admin("POST", "/api/users", username="marie", role="admin").json()
    body = {"username": "marie", "password": made["password"]}
    login = httpx.post(f"{admin.api.url}/api/auth/login", json=body, timeout=PATIENCE).json()
    marie = Caller(admin.api, login["access_token"])
    (own,) = admin("GET", "/api/auth/sessions").json()
    assert marie("DELETE", f"/api/auth/sessions/{own['id']}").status_code == 404
    assert admin("GET", "/api/auth/me").status_code == 200
