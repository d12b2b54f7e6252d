"""The second factor: codes as RFC 6238 has them, once each; recovery codes; and who may remove it."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy.orm import Session

from api.accounts.accounts import Accounts
from api.accounts.second_factor import SecondFactor
from api.accounts.signing_keys import SigningKeys
from api.accounts.tokens import Tokens
from api.database.database import open_database
from api.database.models import User
from api.settings import Settings
from tests.api.conftest import Start
from tests.api.running import Api
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"


class Phone:
    """An account in a database, its second factor, and the time."""

    def __init__(self, session: Session, user_id: str) -> None:
        self.session = session
        self.id = user_id
        self.now = 1_700_000_000.0
        self.factor = SecondFactor(lambda: self.now)
        self.secret = ""

    def code(self, later: float = 0.0) -> str:
        return pyotp.TOTP(self.secret).at(int(self.now + later))

    def enrol(self) -> list[str]:
        self.secret = self.factor.offer(self.session, self.id, "Vigie").secret
        codes = self.factor.confirm(self.session, self.id, self.code())
        assert codes is not None
        self.now += 30
        return codes

    def check(self, code: str) -> bool:
        return self.factor.check(self.session, self.id, code)


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    accounts = Accounts(open_database(tmp_path), Tokens(SigningKeys(tmp_path), 60))
    ann = accounts.add("ann", PASSWORD, "viewer")
    with accounts.database.write() as session:
        yield Phone(session, ann.id)
    accounts.close()


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_vectors_of_rfc_6238(phone: Phone, at: int, code: str) -> None:
    phone.enrol()
    user = phone.session.get_one(User, phone.id)
    user.totp_secret = base64.b32encode(b"12345678901234567890").decode()
    user.totp_step = 0
    phone.now = float(at)
    assert phone.check(code)


def test_a_code_is_good_once_and_none_before_it_afterwards(phone: Phone) -> None:
    phone.enrol()
    earlier, code, next_one = phone.code(-30), phone.code(), phone.code(30)
    assert phone.check(code)
    assert not phone.check(code)
    assert not phone.check(earlier)
    assert phone.check(next_one)


def test_a_clock_may_be_half_a_minute_off_and_no_more(phone: Phone) -> None:
    phone.enrol()
    phone.now += 300
    assert not phone.check(phone.code(-60))
    assert not phone.check(phone.code(60))
    assert phone.check(phone.code(-30))
    assert phone.check(phone.code(30))


def test_a_recovery_code_is_good_once_however_it_is_written(phone: Phone) -> None:
    codes = phone.enrol()
    assert phone.check(codes[0].upper().replace("-", " "))
    assert not phone.check(codes[0])
    assert phone.factor.codes_left(phone.session, phone.id) == len(codes) - 1
    renewed = phone.factor.new_recovery_codes(phone.session, phone.id)
    assert not phone.check(codes[1])
    assert phone.check(renewed[1])


@pytest.mark.parametrize("code", ["", "00000", "abc", "١٢٣٤٥٦", "1" * 5000, "\x00", "12345"])
def test_what_is_no_code_is_refused(phone: Phone, code: str) -> None:
    phone.enrol()
    assert not phone.check(code)


def test_codes_of_one_account_are_not_those_of_another(tmp_path: Path, phone: Phone) -> None:
    codes = phone.enrol()
    phone.session.add(
        User(username="bob", password_hash="", role="viewer", created=0.0, totp_secret=phone.secret)
    )
    phone.session.flush()
    bob = phone.session.query(User).filter_by(username="bob").one()
    assert not phone.factor.check(phone.session, bob.id, codes[0])
    assert phone.check(codes[0])


# ----------------------------------------------------------------------------
# over REST
@pytest.fixture
def lonely(tmp: Path, start: Start) -> Api:
    return start(Settings(data=tmp / "data", port=0, site="Old mill"))


def call(api: Api, path: str, token: str, **body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{api.url}{path}", json=body, headers=headers, timeout=PATIENCE)


def login(api: Api, path: str = "/api/auth/login", **more: str) -> httpx.Response:
    body = {"username": "admin", "password": api.password, **more}
    if path == "/login":
        return httpx.post(f"{api.url}{path}", data=body, timeout=PATIENCE)
    return httpx.post(f"{api.url}{path}", json=body, timeout=PATIENCE)


def enrol(api: Api, token: str) -> tuple[pyotp.TOTP, list[str]]:
    offer = call(api, "/api/auth/second-factor", token, password=api.password).json()
    assert offer["address"].startswith("otpauth://totp/Old%20mill:admin?")
    totp = pyotp.TOTP(offer["secret"])
    answer = call(api, "/api/auth/second-factor/confirm", token, code=totp.now())
    return totp, answer.json()["recovery_codes"]


@pytest.mark.parametrize("path", ["/api/auth/login", "/login"])
def test_a_login_says_that_a_code_is_needed_and_takes_it(lonely: Api, path: str) -> None:
    token = lonely.login()
    assert lonely.get("/api/auth/second-factor", token).json() == {
        "enabled": False,
        "recovery_codes": 0,
    }
    _, codes = enrol(lonely, token)
    refused = login(lonely, path)
    assert (refused.status_code, refused.json()["needs"]) == (401, "code")
    assert login(lonely, path, code="wrong").json()["needs"] == "code"
    wrong = login(lonely, path, password="guess", code=codes[0])
    assert wrong.json() == {"error": "wrong user name or password"}
    assert login(lonely, path, code=codes[0]).status_code == 200
    assert login(lonely, path, code=codes[0]).status_code == 401
    assert lonely.get("/api/auth/second-factor", token).json() == {
        "enabled": True,
        "recovery_codes": 9,
    }


def test_codes_cannot_be_guessed_by_whoever_knows_the_password(lonely: Api) -> None:
    _, codes = enrol(lonely, lonely.login())
    statuses = [login(lonely, code=f"guess {n}").status_code for n in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert login(lonely, code=codes[0]).status_code == 429


def test_a_second_factor_is_begun_and_removed_with_the_password_only(lonely: Api) -> None:
    token = lonely.login()
    path = "/api/auth/second-factor"
    assert call(lonely, path, token, password="guess").status_code == 403
    assert call(lonely, f"{path}/confirm", token, code="123456").status_code == 400
    enrol(lonely, token)
    assert call(lonely, path, token, password=lonely.password).status_code == 400
    assert call(lonely, f"{path}/remove", token, password="guess").status_code == 403
    assert login(lonely).status_code == 401
    fresh = call(lonely, f"{path}/recovery-codes", token, password=lonely.password).json()
    assert login(lonely, code=fresh["recovery_codes"][0]).status_code == 200
    assert call(lonely, f"{path}/remove", token, password=lonely.password).status_code == 200
    assert login(lonely).status_code == 200


def test_an_admin_takes_it_from_an_account_whose_phone_is_lost(lonely: Api) -> None:
    token = lonely.login()
    enrol(lonely, token)
    me = lonely.get("/api/auth/me", token).json()["id"]
    assert call(lonely, f"/api/users/{me}/second-factor/remove", token).status_code == 200
    assert call(lonely, "/api/users/nobody/second-factor/remove", token).status_code == 404
    assert login(lonely).status_code == 200
    done = [entry["action"] for entry in lonely.get("/api/audit", token).json()]
    assert {"second_factor_on", "second_factor_off"} <= set(done)
