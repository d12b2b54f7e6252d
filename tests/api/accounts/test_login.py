import os
import socket
import stat
import subprocess
import sys
import time
import uuid
from pathlib import Path

import httpx
import jwt
import pytest
from sqlalchemy import select

from api.accounts.rate_limit import RateLimit
from api.accounts.signing_keys import SigningKeys
from api.accounts.tokens import TokenError, Tokens
from api.database.database import open_database
from api.database.models import User
from api.settings import Settings
from api.web.log_redaction import redact
from infra.demo.log_in import choose_password
from tests.api.conftest import Start
from tests.api.running import Api
from tests.waiting import PATIENCE, wait_until


@pytest.fixture
def lonely(tmp: Path, start: Start) -> Api:
    """A server without broker and ClickHouse."""
    return start(Settings(data=tmp / "data", port=0))


def login(api: Api, username: str, password: str) -> httpx.Response:
    body = {"username": username, "password": password}
    return httpx.post(f"{api.url}/api/auth/login", json=body, timeout=PATIENCE)


def test_the_first_start_makes_an_admin_with_a_random_password_and_the_second_does_not(
    lonely: Api,
) -> None:
    lonely.stop()
    lonely.start()
    assert len(lonely.passwords) == 1
    assert len(lonely.password) >= 20
    me = lonely.get("/api/auth/me", lonely.login()).json()
    uuid.UUID(me.pop("id"))
    assert me == {"username": "admin", "role": "admin"}


def test_a_login_gives_a_bearer_token_and_the_account(lonely: Api) -> None:
    body = login(lonely, "admin", lonely.password).json()
    assert set(body) == {"access_token", "token_type", "user"}
    assert body["token_type"] == "bearer"
    uuid.UUID(body["user"].pop("id"))
    assert body["user"] == {"username": "admin", "role": "admin"}


@pytest.mark.parametrize(
    ("username", "password"), [("admin", "admin"), ("nobody", "x"), ("admin", ""), ("", "")]
)
def test_a_wrong_name_or_password_is_refused_in_the_same_words(
    lonely: Api, username: str, password: str
) -> None:
    answer = login(lonely, username, password)
    assert answer.status_code == 401
    assert answer.json() == {"error": "wrong user name or password"}


def test_guessing_is_slowed_down_for_one_account_and_not_for_another(lonely: Api) -> None:
    codes = [login(lonely, "guessed", "wrong").status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]
    answer = login(lonely, "guessed", "wrong")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert login(lonely, "admin", lonely.password).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"username": 1, "password": "x"}', b'{"username": "x"}', b"\xff"]
)
def test_a_login_that_is_no_login_says_what_was_expected(lonely: Api, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = httpx.post(
        f"{lonely.url}/api/auth/login", content=body, headers=headers, timeout=PATIENCE
    )
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("the body is not")


def test_a_body_over_the_limit_is_refused(lonely: Api) -> None:
    answer = httpx.post(f"{lonely.url}/api/auth/login", content=b"x" * (2 << 20), timeout=PATIENCE)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/login", "application/x-www-form-urlencoded"), ("/api/auth/login", "application/json")],
)
def test_a_body_that_does_not_come_is_not_waited_for(
    lonely: Api, monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    monkeypatch.setattr("api.web.endpoints.BODY_DEADLINE", 0.1)
    with socket.create_connection(("127.0.0.1", lonely.settings.port), timeout=60) as transport:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length:"
            " 9\r\n\r\nuser"
        )
        transport.sendall(head.encode())
        assert transport.recv(4096).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "path", ["/api/auth/me", "/api/latest", "/api/alarms", "/api/history?subject=a&metric=b"]
)
@pytest.mark.parametrize("header", [None, "Bearer x.y.z", "Basic YWRtaW46eA==", "Bearer"])
def test_every_endpoint_with_data_wants_a_token(lonely: Api, path: str, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    answer = httpx.get(f"{lonely.url}{path}", headers=headers, timeout=PATIENCE)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_token_of_an_account_that_is_disabled_is_not_accepted(lonely: Api) -> None:
    token = lonely.login()
    database = open_database(lonely.settings.data)
    with database.write() as session:
        user = session.scalar(select(User))
        assert user
        user.enabled = False
    database.close()
    assert lonely.get("/api/auth/me", token).status_code == 401
    assert login(lonely, "admin", lonely.password).status_code == 401


def test_key_and_accounts_are_readable_by_their_owner_only(lonely: Api) -> None:
    for name in ("api.keys/1.key", "api.sqlite"):
        assert stat.S_IMODE((lonely.settings.data / name).stat().st_mode) == 0o600
    assert lonely.password not in (lonely.settings.data / "api.sqlite").read_bytes().decode(
        "latin-1"
    )


KEY = b"k" * 32
GOOD = {"iss": "vigie", "sub": "1", "sid": "l1", "iat": 1000, "exp": 2000}


class OneKey:
    """A key ring with one key."""

    newest = ("7", KEY)

    def find(self, name: str) -> bytes | None:
        return KEY if name == "7" else None


def forged(
    claims: object = GOOD, key: object = KEY, algorithm: str = "HS256", kid: object = "7"
) -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})  # type: ignore[arg-type]


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in GOOD.items() if key != name}


def test_a_token_says_whose_it_is_until_it_expires() -> None:
    now = [1000.0]
    tokens = Tokens(OneKey(), 60, lambda: now[0])
    token = tokens.issue("7", "l1")
    assert tokens.check(token)[:2] == ("7", "l1")
    now[0] = 1059
    assert tokens.check(token).expires == 1060
    now[0] = 1060
    with pytest.raises(TokenError, match="expired"):
        tokens.check(token)


def test_a_clock_that_is_set_back_ends_no_login() -> None:
    now = [time.time() + 3600]
    tokens = Tokens(OneKey(), 60, lambda: now[0])
    token = tokens.issue("7", "l1")
    now[0] -= 3600
    assert tokens.check(token)[:2] == ("7", "l1")


def test_the_good_token_that_the_bad_ones_are_made_from_is_accepted() -> None:
    assert Tokens(OneKey(), 60, lambda: 1500).check(forged()) == ("1", "l1", 2000)


@pytest.mark.parametrize(
    "token",
    [
        forged(key=b"another key, which is long enough"),
        forged(key=None, algorithm="none"),
        forged(algorithm="HS512", key=KEY * 2),
        forged(kid="8"),
        forged(kid="../7"),
        jwt.encode(GOOD, KEY, algorithm="HS256"),
        forged({**GOOD, "iss": "other"}),
        forged({**GOOD, "sub": 5}),
        forged({**GOOD, "sid": 5}),
        *(forged(without(name)) for name in GOOD),
        forged({**GOOD, "exp": 1e999}),
        forged() + "x",
        forged().rpartition(".")[0] + ".",
        "x" * 100_000,
        "",
        "a.b.c",
        "é",
    ],
)
def test_a_token_that_is_not_ours_to_the_letter_is_refused(token: str) -> None:
    with pytest.raises(TokenError, match="not valid"):
        Tokens(OneKey(), 60, lambda: 1500).check(token)


def test_a_damaged_key_file_is_said_and_not_used(tmp_path: Path) -> None:
    (tmp_path / "api.keys").mkdir()
    (tmp_path / "api.keys" / "3.key").write_bytes(b"short")
    with pytest.raises(ValueError, match="holds 5 bytes, a key has 32"):
        SigningKeys(tmp_path)


def test_a_new_key_signs_at_once_and_the_old_one_goes_when_its_tokens_have_expired(
    tmp_path: Path,
) -> None:
    keys, other = SigningKeys(tmp_path), SigningKeys(tmp_path)
    tokens = Tokens(other, 60, lambda: 1000)
    old = tokens.issue("u1", "l1")
    assert keys.rotate(60) == "2"
    assert jwt.get_unverified_header(tokens.issue("u1", "l1"))["kid"] == "2"
    assert tokens.check(old).user_id == "u1"
    os.utime(tmp_path / "api.keys" / "2.key", (1, 1))
    assert keys.rotate(60) == "3"
    with pytest.raises(TokenError, match="not valid"):
        tokens.check(old)


def test_all_tokens_can_be_revoked_at_once(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path)
    tokens = Tokens(SigningKeys(tmp_path), 60, lambda: 1000)
    old = tokens.issue("u1", "l1")
    assert keys.revoke_all() == "2"
    with pytest.raises(TokenError, match="not valid"):
        tokens.check(old)


def test_the_key_of_an_earlier_release_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "api.key").write_bytes(KEY)
    assert SigningKeys(tmp_path).newest == ("1", KEY)
    assert SigningKeys(tmp_path).newest == ("1", KEY)


def test_failures_are_forgotten_after_the_window_and_at_a_success() -> None:
    now = [0.0]
    limit = RateLimit(2, 60, clock=lambda: now[0])
    limit.record_failure("a")
    now[0] = 10
    limit.record_failure("a")
    assert limit.wait("a") == 50
    assert limit.wait("b") == 0
    now[0] = 60
    assert limit.wait("a") == 0
    limit.record_failure("a")
    limit.reset("a")
    limit.record_failure("a")
    assert limit.wait("a") == 0


def test_the_memory_of_failures_is_bounded() -> None:
    limit = RateLimit(1, 60, keys=3, clock=lambda: 0)
    for key in "abcd":
        limit.record_failure(key)
    assert [limit.wait(key) > 0 for key in "abcd"] == [False, True, True, True]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (
            '127.0.0.1 - "WebSocket /ws/raw/x?token=abc.def&a=1" 403',
            '127.0.0.1 - "WebSocket /ws/raw/x?token=***&a=1" 403',
        ),
        ("Authorization: Bearer abc.def-x", "Authorization: Bearer ***"),
        ("bearer.abc", "bearer.***"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_tokens_are_cut_out_of_log_lines(text: str, clean: str) -> None:
    assert redact(text) == clean


@pytest.mark.slow
def test_neither_token_nor_password_is_ever_in_what_the_server_prints(tmp: Path) -> None:
    """As a process of its own, with uvicorn and websockets logging all they can."""
    program = (
        "import logging, sys; logging.basicConfig(level=0);"
        " logging.getLogger('uvicorn.error').setLevel(1);import uvicorn; old ="
        " uvicorn.Config.__init__;uvicorn.Config.__init__ = lambda self, *a, **k: old(self, *a,"
        " **{**k, 'log_level': 'trace', 'access_log': True});from api.cli.serve import serve;"
        " serve(sys.argv[1:])"
    )
    out = tmp / "out.txt"
    with out.open("w") as file:
        command = [sys.executable, "-c", program, "--data", str(tmp / "data"), "--port", "0"]
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    try:
        line = wait_until(
            lambda: [x for x in out.read_text().splitlines() if "Uvicorn running on" in x]
        )[0]
        printed = [x for x in out.read_text().splitlines() if x.startswith("admin password: ")]
        assert len(printed) == 1
        api = Api(
            Settings(data=tmp, port=int(line.split("127.0.0.1:")[1].split()[0])),
            printed[0].split(": ")[1],
        )
        shown = api.password
        api.password = choose_password(api.settings.port, "admin", shown)
        token = api.login()
        with api.socket(f"/ws/raw/x?token={token}"), api.socket(token=token):
            pass
        api.get(f"/api/auth/me?token={token}", token)
        wait_until(
            lambda: out.read_text().count("[accepted]") >= 2, what="both connections in the log"
        )
    finally:
        process.terminate()
        process.wait(PATIENCE)
    text = out.read_text()
    assert "/ws/raw/x?token=***" in text
    assert token.split(".")[2] not in text
    assert (text.count(shown), text.count(api.password)) == (1, 0)
