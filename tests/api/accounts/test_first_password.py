"""Passwords that others have seen: the printed one of the first admin, and those that are given."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from websockets.exceptions import ConnectionClosed

from api.cli.accounts import accounts
from api.settings import Settings
from tests.api.running import Api, receive
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

BEFORE = {
    ("get", "/api/auth/me"),
    ("get", "/me"),
    ("post", "/api/auth/logout"),
    ("post", "/api/auth/password"),
}
CHOSEN = "quiet words of my own"


@pytest.fixture
def fresh(tmp: Path) -> Iterator[Api]:
    """A server whose admin has not changed the password yet."""
    server = Api(Settings(data=tmp / "data", port=0), changed=False).start()
    yield server
    server.stop()


def ask(api: Api, token: str, method: str, path: str, body: object = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.request(method, f"{api.url}{path}", json=body, headers=headers, timeout=PATIENCE)


def log_in(api: Api, username: str, password: str) -> httpx.Response:
    body = {"username": username, "password": password, "refresh": True}
    return httpx.post(f"{api.url}/api/auth/login", json=body, timeout=PATIENCE)


def test_with_the_printed_password_one_can_change_it_and_nothing_else(fresh: Api) -> None:
    login = log_in(fresh, "admin", fresh.password).json()
    token = login["access_token"]
    assert login["user"]["must_change"] is True
    paths = fresh.get("/api/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method, described in methods.items():
            if not described.get("security") or (method, path) in BEFORE:
                continue
            answer = ask(fresh, token, method, path.replace("{", "").replace("}", ""))
            assert answer.status_code == 403, (method, path)
            assert answer.json()["needs"] == "password", (method, path)
            assert "change the password first" in answer.json()["error"]
    assert fresh.get("/api/auth/me", token).json()["must_change"] is True
    same = {"old": fresh.password, "new": fresh.password}
    assert ask(fresh, token, "POST", "/api/auth/password", same).status_code == 400
    new = {"old": fresh.password, "new": CHOSEN}
    assert ask(fresh, token, "POST", "/api/auth/password", new).status_code == 200
    assert fresh.get("/api/auth/me", token).status_code == 401
    assert log_in(fresh, "admin", fresh.password).status_code == 401
    login = log_in(fresh, "admin", CHOSEN).json()
    assert "must_change" not in login["user"]
    assert fresh.get("/api/users", login["access_token"]).json()[0]["must_change"] is False


@pytest.mark.parametrize(
    ("path", "header", "push"),
    [
        ("/ws", True, True),
        ("/ws", True, False),
        ("/ws?token=", False, False),
        ("/ws/raw/readings", True, False),
    ],
)
def test_no_websocket_opens_with_the_printed_password(
    fresh: Api, path: str, header: bool, push: bool
) -> None:
    token = fresh.login()
    options = {"subprotocols": ["vigie.push.v1"] if push else None}
    address = path if header else path + token
    with fresh.socket(address, token if header else None, **options) as client:
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(PATIENCE)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason[:19]) == (
            4403,
            "change the password",
        )


def test_whoever_is_told_to_change_the_password_can_do_nothing_from_then_on(fresh: Api) -> None:
    assert fresh.settings.database is None
    fresh.changed = True
    fresh.stop()
    fresh.start()
    admin = fresh.login()
    made = ask(fresh, admin, "POST", "/api/users", {"username": "marie", "must_change": True})
    first = log_in(fresh, "marie", made.json()["password"]).json()
    assert first["user"]["must_change"] is True
    new = {"old": made.json()["password"], "new": CHOSEN}
    assert ask(fresh, first["access_token"], "POST", "/api/auth/password", new).is_success
    marie = log_in(fresh, "marie", CHOSEN).json()["access_token"]
    with fresh.socket(token=marie) as client:
        assert receive(client)["type"] == "ready"
        path = f"/api/users/{made.json()['id']}"
        assert ask(fresh, admin, "PATCH", path, {"must_change": True}).json()["must_change"]
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(PATIENCE)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403
    assert fresh.get("/api/alarms", marie).status_code == 403
    assert ask(fresh, admin, "PATCH", path, {"password": "given at the desk"}).is_success
    other = log_in(fresh, "marie", "given at the desk").json()["access_token"]
    assert fresh.get("/api/alarms", other).status_code == 200


def test_the_command_line_gives_passwords_that_must_be_changed_and_those_that_need_not(
    fresh: Api,
) -> None:
    def run(*arguments: str) -> str:
        data = ["--data", str(fresh.settings.data)]
        done = CliRunner().invoke(accounts, [*arguments, *data], input=f"{CHOSEN}\n")
        assert done.exit_code == 0, done.output
        return done.output

    assert "admin (must change the password)" in run("list")
    run("password", "admin")
    assert "must change" not in run("list")
    assert fresh.get(
        "/api/alarms", log_in(fresh, "admin", CHOSEN).json()["access_token"]
    ).is_success
    run("add", "--must-change", "marie")
    assert "marie (must change the password)" in run("list")
    run("password", "--must-change", "admin")
    assert "admin (must change the password)" in run("list")
    assert "must_change_password" in run("audit")
