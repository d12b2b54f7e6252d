"""Logging in by a provider of OpenID Connect: who gets in, as what, and who does not."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from joserfc.jwk import OctKey, RSAKey

from api.accounts.errors import LoginRefused
from api.accounts.openid.provider import OpenIdProvider, ProviderDown
from api.settings import Settings
from tests.api.accounts.openid.provider import (
    SECRET,
    Forger,
    Provider,
    connection,
    forger,
    say_yes,
    set_user,
    unsigned,
)
from tests.api.conftest import Start
from tests.api.running import Api
from tests.waiting import PATIENCE

PASSWORD = "correct horse battery"
BACK = "https://vigie.example/"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Provider(tmp_path_factory.mktemp("provider")) as provider:
        yield provider.issuer


@pytest.fixture
def site(start: Start, settings: Settings, issuer: str) -> Api:
    return start(_with_provider(settings, issuer, groups={"night": ["shift"]}))


def _with_provider(settings: Settings, issuer: str, **more: Any) -> Settings:
    section = settings.section.model_copy(update={"url": "http://127.0.0.1"})
    return replace(settings, section=section, openid=connection(issuer, **more))


class Browser:
    """Goes to the provider and comes back."""

    def __init__(self, api: Api) -> None:
        self.client = httpx.Client(base_url=api.url, timeout=PATIENCE)

    def begin(self) -> str:
        answer = self.client.post("/api/auth/openid")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["address"])

    def finish(self, back: dict[str, str], path: str = "login", token: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.client.post(f"/api/auth/openid/{path}", json=back, headers=headers)

    def log_in(self, sub: str) -> httpx.Response:
        return self.finish(say_yes(self.begin(), sub))


def _admin(api: Api, method: str, path: str, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {api.login()}"}
    answer = httpx.request(method, f"{api.url}{path}", headers=headers, timeout=PATIENCE, **more)
    assert answer.is_success, answer.text
    return answer.json()


def test_whoever_the_provider_knows_gets_an_account_with_the_role_of_his_groups(
    site: Api, issuer: str
) -> None:
    set_user(issuer, "1", preferred_username="ann", groups=["staff", "desk"])
    answer = Browser(site).log_in("1")
    assert answer.status_code == 200, answer.text
    user = answer.json()["user"]
    assert (user["username"], user["role"]) == ("ann", "operator")
    assert site.get("/api/auth/me", answer.json()["access_token"]).json() == user


def test_each_login_takes_over_the_name_s_role_and_groups_anew(site: Api, issuer: str) -> None:
    group = _admin(site, "POST", "/api/groups", json={"name": "night"})
    group_id = group.get("id") or group["payload"]["id"]
    set_user(issuer, "1", preferred_username="ann", groups=["it", "shift"])
    browser = Browser(site)
    first = browser.log_in("1").json()

    def members() -> list[str]:
        groups = _admin(site, "GET", "/api/groups")
        listed = groups if isinstance(groups, list) else groups["groups"]
        return [one["username"] for g in listed if g["id"] == group_id for one in g["members"]]

    assert (first["user"]["role"], members()) == ("admin", ["ann"])
    set_user(issuer, "1", preferred_username="anna", groups=[])
    second = browser.log_in("1").json()
    assert second["user"] == first["user"] | {"role": "viewer"}
    assert members() == []
    assert site.get("/api/auth/me", first["access_token"]).json()["role"] == "viewer"


def test_nobody_gets_an_account_here_by_choosing_its_name_at_the_provider(
    site: Api, issuer: str
) -> None:
    set_user(issuer, "1", preferred_username="admin", groups=["it"])
    answer = Browser(site).log_in("1")
    assert answer.status_code == 401
    assert "there is an account 'admin' here" in answer.json()["error"]


def test_an_account_connected_by_its_owner_is_the_one_that_a_login_there_gets(
    site: Api, issuer: str
) -> None:
    set_user(issuer, "1", preferred_username="admin", groups=["it"])
    browser, token = Browser(site), site.login()
    back = say_yes(browser.begin(), "1")
    assert browser.finish(back, "connect", token).status_code == 200
    me = site.get("/api/auth/me", token).json()
    assert browser.log_in("1").json()["user"] == me
    set_user(issuer, "1", preferred_username="admin", groups=[])
    answer = browser.log_in("1")
    assert answer.status_code == 401
    assert "nobody would be left who may change accounts" in answer.json()["error"]


def test_whoever_gets_no_role_is_refused_and_gets_no_account(
    start: Start, settings: Settings, issuer: str
) -> None:
    api = start(_with_provider(settings, issuer, roles={"viewer": ["staff"]}))
    set_user(issuer, "1", preferred_username="ann", groups=["guests"])
    answer = Browser(api).log_in("1")
    assert answer.status_code == 401
    assert "no role here: none of the values of 'groups' gives one" in answer.json()["error"]
    assert [user["username"] for user in _admin(api, "GET", "/api/users")] == ["admin"]


def test_a_disabled_account_stays_out(site: Api, issuer: str) -> None:
    set_user(issuer, "1", preferred_username="ann", groups=[])
    browser = Browser(site)
    user = browser.log_in("1").json()["user"]
    _admin(site, "PATCH", f"/api/users/{user['id']}", json={"enabled": False})
    assert browser.log_in("1").json()["error"] == "the account ann is disabled; ask an admin"


def test_a_code_counts_once_and_in_the_browser_alone_that_was_sent_for_it(
    site: Api, issuer: str
) -> None:
    set_user(issuer, "1", preferred_username="ann", groups=[])
    browser, other = Browser(site), Browser(site)
    back = say_yes(browser.begin(), "1")
    other.begin()
    for stranger in (Browser(site), other):
        answer = stranger.finish(back)
        assert answer.status_code == 401
        assert "not begun in this browser" in answer.json()["error"]
    cookies = dict(browser.client.cookies)
    assert browser.finish(back).status_code == 200
    browser.client.cookies.update(cookies)
    assert browser.finish(back).status_code == 401


def test_a_password_is_none_for_an_account_that_the_provider_made(site: Api, issuer: str) -> None:
    set_user(issuer, "1", preferred_username="ann", groups=[])
    Browser(site).log_in("1")
    for password in ("", " ", PASSWORD):
        body = {"username": "ann", "password": password}
        answer = httpx.post(f"{site.url}/api/auth/login", json=body, timeout=PATIENCE)
        assert answer.status_code == 401


def test_a_login_ends_when_the_provider_is_to_be_asked_again(
    start: Start, settings: Settings, issuer: str
) -> None:
    api = start(_with_provider(settings, issuer, session="10min"))
    set_user(issuer, "1", preferred_username="ann", groups=[])
    token = Browser(api).log_in("1").json()["access_token"]
    [login] = api.get("/api/auth/sessions", token).json()
    assert login["expires"] - login["created"] == pytest.approx(600)


def test_without_its_provider_the_api_still_takes_passwords(
    start: Start, settings: Settings
) -> None:
    with forger() as gone:
        pass
    api = start(_with_provider(settings, gone.url))
    answer = httpx.post(f"{api.url}/api/auth/openid", timeout=PATIENCE)
    assert answer.status_code == 503
    assert answer.json()["error"] == (
        f"Example cannot be asked at {gone.url}: no connection; log in with a password, or try again"
    )
    assert api.login()


@pytest.fixture(scope="module")
def forged() -> Iterator[Forger]:
    with forger() as forged:
        yield forged


OTHER = RSAKey.generate_key(2048, {"kid": "own"})


def test_a_token_that_is_right_is_taken(forged: Forger) -> None:
    forged.id_token = forged.sign(forged.claims("n"))
    person = OpenIdProvider(connection(forged.url), BACK).finish("code", "n", "verifier")
    assert (person.issuer, person.subject, person.role) == (forged.url, "42", "viewer")


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda f: f.sign(f.claims("n"), OTHER), id="signed by another"),
        pytest.param(lambda f: unsigned(f.claims("n")), id="not signed"),
        pytest.param(
            lambda f: f.sign(f.claims("n"), OctKey.import_key(SECRET), "HS256"),
            id="signed with the client's secret",
        ),
        pytest.param(lambda f: f.sign(f.claims("other")), id="of another login"),
        pytest.param(lambda f: f.sign(f.claims("n", nonce=None)), id="of no login"),
        pytest.param(lambda f: f.sign(f.claims("n", iss="https://evil")), id="of another issuer"),
        pytest.param(lambda f: f.sign(f.claims("n", aud="shop")), id="for another client"),
        pytest.param(
            lambda f: f.sign(f.claims("n", aud=["shop", "vigie"], azp="shop")),
            id="given to another client",
        ),
        pytest.param(lambda f: f.sign(f.claims("n", exp=1_700_000_000)), id="expired"),
        pytest.param(lambda f: f.sign(f.claims("n", exp=None)), id="never expires"),
        pytest.param(lambda f: f.sign(f.claims("n", sub=None)), id="of nobody"),
        pytest.param(lambda f: f.sign(f.claims("n"))[:-4] + "AAAA", id="changed"),
        pytest.param(lambda f: "not a token", id="no token"),
        pytest.param(lambda f: "", id="nothing"),
    ],
)
def test_a_token_that_cannot_be_trusted_is_refused(
    forged: Forger, forge: Callable[[Forger], str]
) -> None:
    forged.id_token = forge(forged)
    with pytest.raises(LoginRefused, match="refused the login, or sent what cannot be trusted: "):
        OpenIdProvider(connection(forged.url), BACK).finish("code", "n", "verifier")


def test_a_provider_may_change_its_keys_while_the_api_runs(
    forged: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.accounts.openid.provider.ASK_AGAIN", 0.0)
    provider = OpenIdProvider(connection(forged.url), BACK)
    provider.begin()
    new = RSAKey.generate_key(2048, {"kid": "new"})
    forged.published = [new]
    forged.id_token = forged.sign(forged.claims("n"), new)
    try:
        assert provider.finish("code", "n", "verifier").subject == "42"
    finally:
        forged.published = []


def test_a_provider_that_answers_with_an_error_is_down(forged: Forger) -> None:
    forged.status = 502
    try:
        with pytest.raises(ProviderDown, match="it answered 502"):
            OpenIdProvider(connection(forged.url), BACK).begin()
    finally:
        forged.status = 200


@pytest.mark.parametrize(
    ("issuer", "why"),
    [
        ("http://login.example.org", "expected an address that begins with https://"),
        ("login.example.org", "expected an address such as"),
        ("https://a:b@login.example.org", "expected an address such as"),
    ],
)
def test_the_issuer_is_an_address_that_nobody_on_the_way_can_change(issuer: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        connection(issuer)


def test_a_role_may_stand_deep_in_the_claims(forged: Forger) -> None:
    forged.id_token = forged.sign(forged.claims("n", realm_access={"roles": ["it"]}))
    deep = connection(forged.url, claim="realm_access.roles")
    assert OpenIdProvider(deep, BACK).finish("code", "n", "verifier").role == "admin"
