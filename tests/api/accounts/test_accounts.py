"""Accounts from registration to the audit log."""

import asyncio
import contextlib
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from argon2 import PasswordHasher, Type
from click.testing import CliRunner
from sqlalchemy import select
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from api.accounts.accounts import Accounts
from api.accounts.login_limits import LoginLimits
from api.accounts.principal import Principal
from api.accounts.rate_limit import RateLimit
from api.accounts.signing_keys import SigningKeys
from api.accounts.tokens import Tokens
from api.cli.accounts import accounts as command
from api.database.database import Database, open_database
from api.database.errors import DatabaseError
from api.database.models import Base, User
from api.pages.pages import share_page
from api.settings import Settings
from connectors.config.api_section import ApiSection
from tests.api.alarm_server_client import PASSWORD, RegisteredAccount
from tests.api.conftest import Start
from tests.api.running import Api, receive
from tests.waiting import PATIENCE, wait_until


@pytest.fixture
def desk(tmp: Path, start: Start) -> Api:
    return start(Settings(data=tmp / "data", port=0, section=ApiSection(registration="open")))


@pytest.fixture
def john(desk: Api) -> RegisteredAccount:
    return RegisteredAccount(desk, "john")


def post(api: Api, path: str, body: Any = None, token: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.post(f"{api.url}{path}", json=body, headers=headers, timeout=PATIENCE)


def log_in(api: Api, username: str) -> dict[str, Any]:
    answer = post(
        api, "/api/auth/login", {"username": username, "password": PASSWORD, "refresh": True}
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def closed(socket: ClientConnection) -> tuple[int, str]:
    """Code and reason of the close frame; what comes before is passed over."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            socket.recv(PATIENCE)
    return socket.close_code or 0, socket.close_reason or ""


def run(api: Api, *arguments: str, typed: str = "") -> str:
    name, *others = arguments
    result = CliRunner().invoke(
        command, [name, "--data", str(api.settings.data), *others], input=typed
    )
    assert result.exit_code == 0, result.output
    return result.output


# ---------------------------------------------------------------------------
# refresh
def test_a_refresh_token_buys_the_next_tokens_once_and_ends_the_login_when_it_comes_again(
    desk: Api, john: RegisteredAccount
) -> None:
    first = log_in(desk, "john")
    assert set(first) == {"access_token", "token_type", "user", "refresh_token", "expires_in"}
    second = post(desk, "/api/auth/refresh", {"refresh_token": first["refresh_token"]}).json()
    assert desk.get("/me", second["access_token"]).status_code == 200
    with desk.socket(token=second["access_token"]) as socket:
        assert receive(socket)["type"] == "ready"
        again = post(desk, "/api/auth/refresh", {"refresh_token": first["refresh_token"]})
        assert again.status_code == 401
        assert closed(socket) == (4401, "logged out, or the account is disabled; log in again")
    assert (
        post(desk, "/api/auth/refresh", {"refresh_token": second["refresh_token"]}).status_code
        == 401
    )
    assert desk.get("/me", second["access_token"]).status_code == 401
    assert john.ask("GET", "/me").status_code == 200


def test_a_client_with_an_access_token_only_can_refresh_it_while_it_is_valid(
    desk: Api, john: RegisteredAccount
) -> None:
    renewed = post(desk, "/api/auth/refresh", token=john.token)
    assert set(renewed.json()) == {"access_token", "token_type", "user"}
    assert desk.get("/me", renewed.json()["access_token"]).json()["username"] == "john"
    assert post(desk, "/api/auth/refresh", token=f"{john.token}x").status_code == 401


@pytest.mark.parametrize("token", ["", "x", "x" * 2001])
def test_what_is_no_refresh_token_is_refused(desk: Api, token: str) -> None:
    assert post(desk, "/api/auth/refresh", {"refresh_token": token}).status_code in (400, 401)


def test_a_logout_ends_every_connection_and_token_of_that_login_and_no_other(
    desk: Api, john: RegisteredAccount
) -> None:
    other = log_in(desk, "john")
    with desk.socket(token=john.token) as ended, desk.socket(token=other["access_token"]) as kept:
        assert receive(ended)["type"] == receive(kept)["type"] == "ready"
        assert post(desk, "/api/auth/logout", token=john.token).status_code == 200
        assert closed(ended)[0] == 4401
        kept.send('{"type":"ping"}')
        assert receive(kept)["type"] == "pong"
    assert john.ask("GET", "/me").status_code == 401
    assert desk.get("/me", other["access_token"]).status_code == 200


# ---------------------------------------------------------------------------
# registering
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"username": "john", "password": PASSWORD}, 409),
        ({"username": "x", "password": "short"}, 400),
        ({"username": "", "password": PASSWORD}, 400),
        ({"username": "a b", "password": PASSWORD}, 400),
        ({"username": "x" * 65, "password": PASSWORD}, 400),
        ({"username": "x\u202e", "password": PASSWORD}, 400),
        ({"username": "x"}, 400),
    ],
)
def test_accounts_that_cannot_be_made_are_refused(
    desk: Api, john: RegisteredAccount, body: Any, status: int
) -> None:
    assert post(desk, "/register", body).status_code == status


def test_who_registers_is_a_viewer_whatever_he_asks_for(desk: Api) -> None:
    made = post(desk, "/register", {"username": "eve", "password": PASSWORD, "role": "admin"})
    assert made.json()["role"] == "viewer"


# ---------------------------------------------------------------------------
# admins
def test_an_admin_adds_changes_and_disables_accounts_and_open_connections_follow(
    desk: Api, john: RegisteredAccount
) -> None:
    admin = desk.login()
    made = post(
        desk, "/api/users", {"username": "op", "password": PASSWORD, "role": "operator"}, admin
    )
    assert (made.status_code, made.json()["role"]) == (201, "operator")
    headers = {"Authorization": f"Bearer {admin}"}

    def patch(path: str, **change: object) -> httpx.Response:
        return httpx.patch(f"{desk.url}{path}", json=change, headers=headers, timeout=PATIENCE)

    with desk.socket(token=john.token) as socket:
        assert receive(socket)["type"] == "ready"
        changed = patch(f"/api/users/{john.id}", role="operator")
        assert changed.json()["role"] == "operator"
        assert john.ask("GET", "/me").json()["role"] == "operator"
        patch(f"/api/users/{john.id}", enabled=False)
        assert closed(socket)[0] == 4401
    assert john.ask("GET", "/me").status_code == 401
    admin_id = desk.get("/api/users/named/admin", admin).json()["id"]
    own = patch(f"/api/users/{admin_id}", role="viewer")
    assert (own.status_code, "nobody would be left" in own.json()["error"]) == (409, True)


def test_an_admin_gives_random_passwords_that_are_shown_once(
    desk: Api, john: RegisteredAccount
) -> None:
    admin = desk.login()
    made = post(desk, "/api/users", {"username": "op", "role": "operator"}, admin).json()
    assert (
        post(desk, "/api/auth/login", {"username": "op", "password": made["password"]}).status_code
        == 200
    )
    with desk.socket(token=john.token) as socket:
        assert receive(socket)["type"] == "ready"
        reset = post(desk, f"/api/users/{john.id}/password", token=admin).json()["password"]
        assert closed(socket)[0] == 4401
    assert (
        post(desk, "/api/auth/login", {"username": "john", "password": PASSWORD}).status_code == 401
    )
    assert post(desk, "/api/auth/login", {"username": "john", "password": reset}).status_code == 200
    shown = desk.get("/api/users", admin).text + desk.get("/api/audit", admin).text
    assert made["password"] not in shown
    assert reset not in shown
    assert post(desk, "/api/users/999/password", token=admin).status_code == 404


def test_an_admin_logs_somebody_out_everywhere_who_may_log_in_again(
    desk: Api, john: RegisteredAccount
) -> None:
    admin = desk.login()
    with desk.socket(token=john.token) as socket:
        assert receive(socket)["type"] == "ready"
        account = next(
            one for one in desk.get("/api/users", admin).json() if one["username"] == "john"
        )
        assert account["connections"] == 1
        assert account["last_login"] >= account["created"]
        assert post(desk, f"/api/users/{john.id}/logout", token=admin).json() == {"status": "ok"}
        assert closed(socket)[0] == 4401
    assert john.ask("GET", "/me").status_code == 401
    john.log_in()
    assert john.ask("GET", "/me").status_code == 200
    assert desk.get("/api/audit", admin, action="end_logins").json()[0]["object"] == "john"
    assert post(desk, "/api/users/999/logout", token=admin).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/users"),
        ("POST", "/api/users"),
        ("PATCH", "/api/users/1"),
        ("GET", "/api/audit"),
        ("POST", "/api/users/1/password"),
        ("POST", "/api/users/1/logout"),
    ],
)
def test_what_is_for_admins_is_refused_to_others(
    john: RegisteredAccount, method: str, path: str
) -> None:
    assert john.ask(method, path, {}).status_code == 403


def test_the_audit_log_says_who_did_what_and_holds_no_secret(
    desk: Api, john: RegisteredAccount
) -> None:
    post(desk, "/api/auth/login", {"username": "john", "password": "wrong one"})
    page = john.post("/pages", {"name": "mine"})["id"]
    john.ask(
        "PUT",
        f"/api/pages/{page}/shares",
        {"subject_type": "user", "subject_id": john.id, "can_view": True},
    )
    log = desk.get("/api/audit", desk.login(), username="john").json()
    assert [entry["action"] for entry in log] == [
        "share_page",
        "create_page",
        "login_refused",
        "login",
        "add_account",
    ]
    assert (log[0]["object"], log[0]["detail"]) == (f"page {page}", f"user {john.id}: view")
    assert log[2]["address"] == "127.0.0.1"
    text = str(log)
    assert PASSWORD not in text
    assert john.token not in text
    assert "wrong one" not in text


def test_one_changes_ones_own_password_and_every_login_ends(
    desk: Api, john: RegisteredAccount
) -> None:
    assert (
        john.ask(
            "POST", "/api/auth/password", {"old": "wrong", "new": "another password"}
        ).status_code
        == 403
    )
    assert (
        john.ask("POST", "/api/auth/password", {"old": PASSWORD, "new": "short"}).status_code == 400
    )
    assert (
        john.ask(
            "POST", "/api/auth/password", {"old": PASSWORD, "new": "another password"}
        ).status_code
        == 200
    )
    assert john.ask("GET", "/me").status_code == 401
    assert (
        post(
            desk, "/api/auth/login", {"username": "john", "password": "another password"}
        ).status_code
        == 200
    )


# ---------------------------------------------------------------------------
# command line
def test_the_command_line_changes_accounts_of_a_running_api(
    desk: Api, john: RegisteredAccount
) -> None:
    run(desk, "add", "--role", "operator", "op", typed=f"{PASSWORD}\n")
    assert log_in(desk, "op")["user"]["role"] == "operator"
    run(desk, "role", "op", "admin")
    assert "admin     op" in run(desk, "list")
    run(desk, "password", "op", typed="another password\n")
    assert (
        post(desk, "/api/auth/login", {"username": "op", "password": PASSWORD}).status_code == 401
    )
    with desk.socket(token=john.token) as socket:
        assert receive(socket)["type"] == "ready"
        run(desk, "disable", "john")
        assert closed(socket)[0] == 4401
    run(desk, "enable", "john")
    john.log_in()
    run(desk, "logout", "john")
    assert john.ask("GET", "/me").status_code == 401
    john.log_in()
    assert "key 2 signs" in run(desk, "rotate-key")
    assert john.ask("GET", "/me").status_code == 200
    assert "key 3 signs" in run(desk, "rotate-key", "--revoke")
    assert john.ask("GET", "/me").status_code == 401
    assert "revoke_keys" in run(desk, "audit")


def test_the_command_line_says_what_is_wrong(desk: Api) -> None:
    data = str(desk.settings.data)
    for arguments, typed, says in (
        (["role", "--data", data, "nobody", "viewer"], "", "there is no account 'nobody'"),
        (["add", "--data", data, "x"], "short\n", "a password has at least 8 characters"),
        (["disable", "--data", data, "admin"], "", "nobody would be left"),
        (["list", "--data", f"{data}/nowhere"], "", "there are no accounts in"),
    ):
        result = CliRunner().invoke(command, arguments, input=typed)
        assert result.exit_code == 1
        assert says in result.output


# ---------------------------------------------------------------------------
# guessing
@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Callable[..., Accounts]]:
    """Accounts of which `ann` is one, with limits to be chosen."""
    made: list[Accounts] = []

    def make(**limits: RateLimit) -> Accounts:
        made.append(
            Accounts(
                open_database(tmp_path), Tokens(SigningKeys(tmp_path), 60), LoginLimits(**limits)
            )
        )
        made[-1].add("ann", PASSWORD, "viewer")
        return made[-1]

    yield make
    for accounts in made:
        accounts.close()


def test_many_guesses_at_once_are_as_many_failures(empty: Callable[..., Accounts]) -> None:
    accounts = empty()

    async def guess() -> list[Any]:
        guesses = (accounts.logins.login("ann", f"guess {n}", "a") for n in range(20))
        return await asyncio.gather(*guesses, return_exceptions=True)

    outcomes = asyncio.run(guess())
    assert (
        sorted(type(one).__name__ for one in outcomes)
        == ["LoginRefused"] * 5 + ["TooManyAttempts"] * 15
    )


def test_passwords_are_hashed_with_as_much_work_as_is_advised() -> None:
    """RFC 9106, section 4: the second recommended option."""
    hasher = PasswordHasher()
    assert (hasher.type, hasher.time_cost >= 3, hasher.memory_cost >= 65536) == (
        Type.ID,
        True,
        True,
    )


# ---------------------------------------------------------------------------
# connections
def test_one_account_cannot_take_all_places(tmp: Path, start: Start) -> None:
    api = start(Settings(data=tmp / "data", port=0, section=ApiSection(connections_per_account=2)))
    token = api.login()
    with (
        api.socket(token=token) as one,
        api.socket(token=token) as two,
        api.socket(token=token) as three,
    ):
        assert receive(one)["type"] == receive(two)["type"] == "ready"
        assert closed(three)[0] == 1013


# ---------------------------------------------------------------------------
# database
OLD = """
CREATE TABLE users (id INTEGER NOT NULL, username VARCHAR(64) NOT NULL,
 password_hash VARCHAR(255) NOT NULL, role VARCHAR(16) NOT NULL, created FLOAT NOT NULL,
 enabled BOOLEAN NOT NULL, PRIMARY KEY (id), UNIQUE (username));
INSERT INTO users VALUES (7, 'ann', 'x', 'operator', 1.0, 1);
"""


def test_the_accounts_of_an_earlier_release_are_kept(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "api.sqlite") as connection:
        connection.executescript(OLD)
    connection.close()
    for _ in range(2):
        database = open_database(tmp_path)
        with database.read() as session:
            (user,) = session.scalars(select(User))
            assert (user.username, user.role, user.enabled) == ("ann", "operator", True)
        database.close()


def test_the_tables_are_what_the_migrations_make(database: Database) -> None:
    with database.read() as session:
        context = MigrationContext.configure(session.connection())
        assert compare_metadata(context, Base.metadata) == []


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


@pytest.mark.parametrize("url", ["nonsense", "postgresql://ann:s3cret@127.0.0.1:1/none"])
def test_a_database_that_cannot_be_used_is_said_without_its_password(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(DatabaseError) as error:
        open_database(tmp_path, url)
    assert "s3cret" not in str(error.value)


def test_a_name_may_be_looked_up_to_share_with(desk: Api, john: RegisteredAccount) -> None:
    found = john.ask("GET", "/api/users/named/admin").json()
    assert (uuid.UUID(found["id"]).version, found["username"]) == (4, "admin")
    assert john.ask("GET", "/api/users/named/nobody").status_code == 404


def test_the_server_follows_another_process_within_its_next_look(
    desk: Api, john: RegisteredAccount
) -> None:
    """What another api on the same database changes is seen here, too."""
    marie = RegisteredAccount(desk, "marie")
    page = john.post("/pages", {"name": "p"})["id"]
    database = open_database(desk.settings.data)
    with marie.connected() as hers, john.connected() as his:
        with database.write() as session:
            share_page(
                session, Principal(john.id, "john", "viewer"), page, "user", marie.id, True, False
            )
        database.close()
        wait_until(lambda: marie.ask("GET", "/pages").json(), what="the page to be seen")
        made = his.ask("create_alarm", page_id=page, ticker="X", option="", condition="above 1")

        def told() -> bool:
            his.ask("update_alarm", alarm_id=made["id"], option="again")
            try:
                hers.socket.recv(0.2)
            except TimeoutError:
                return False
            return True

        wait_until(told, what="the connection to follow")
