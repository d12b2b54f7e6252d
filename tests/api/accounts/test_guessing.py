"""Whoever guesses is slowed down; whose account it is gets in."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.accounts.accounts import Accounts
from api.accounts.devices import MOST_EACH, remember_device
from api.accounts.errors import LoginRefused, TooManyAttempts
from api.accounts.growing_delay import FREE, LONGEST, GrowingDelay
from api.accounts.login_limits import LoginLimits
from api.accounts.signing_keys import SigningKeys
from api.accounts.tokens import Tokens
from api.database.database import open_database
from api.settings import Settings
from connectors.config.api_section import ApiSection
from connectors.http.client_network import client_of
from tests.api.conftest import Start
from tests.api.running import Api
from tests.waiting import PATIENCE

PASSWORD = "correct horse battery"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(tmp_path: Path, clock: Clock) -> Iterator[Callable[[], Accounts]]:
    """Start with the same data folder, as after a restart; `ann` has an account."""
    made: list[Accounts] = []

    def start() -> Accounts:
        limits = LoginLimits(by_name=GrowingDelay(clock=clock))
        tokens = Tokens(SigningKeys(tmp_path), 60)
        accounts = Accounts(open_database(tmp_path), tokens, limits)
        if not made:
            accounts.add("ann", PASSWORD, "viewer")
        made.append(accounts)
        return accounts

    yield start
    for accounts in made:
        accounts.close()


async def attack(accounts: Accounts, guesses: int, first: int = 0) -> None:
    """One guess of each of many addresses."""
    for n in range(first, first + guesses):
        with pytest.raises((LoginRefused, TooManyAttempts)):
            await accounts.logins.login("ann", "guess", f"10.0.{n // 250}.{n % 250}")


def test_an_account_that_many_addresses_guess_at_opens_to_whoever_waits_for_his_turn(
    make: Callable[[], Accounts], clock: Clock
) -> None:
    accounts = make()

    async def play() -> None:
        await attack(accounts, 200)
        with pytest.raises(TooManyAttempts) as told:
            await accounts.logins.login("ann", PASSWORD, "192.0.2.1")
        assert 0 < told.value.wait <= LONGEST
        for second in range(told.value.wait):
            clock.now += 1
            await attack(accounts, 5, 200 + 5 * second)
        assert (await accounts.logins.login("ann", PASSWORD, "192.0.2.1"))[1].username == "ann"

    asyncio.run(play())


def test_a_device_that_logged_in_before_waits_for_nobody_even_after_a_restart(
    make: Callable[[], Accounts],
) -> None:
    device = asyncio.run(make().logins.login("ann", PASSWORD, "192.0.2.1"))[0].device
    accounts = make()

    async def play() -> None:
        await attack(accounts, 100)
        for _ in range(5):
            with pytest.raises((LoginRefused, TooManyAttempts)):
                await accounts.logins.login("ann", "guess", "192.0.2.9")
        pair, who = await accounts.logins.login("ann", PASSWORD, "192.0.2.9", device=device)
        assert (pair.device, who.username) == (device, "ann")

    asyncio.run(play())


def test_the_secret_of_a_device_gives_five_guesses_of_its_own_and_none_at_another_account(
    make: Callable[[], Accounts],
) -> None:
    accounts = make()
    accounts.add("bob", PASSWORD, "viewer")

    async def play() -> None:
        device = (await accounts.logins.login("ann", PASSWORD, "192.0.2.1"))[0].device
        for n in range(5):
            with pytest.raises(LoginRefused):
                await accounts.logins.login("ann", "guess", f"192.0.2.{n}", device=device)
        with pytest.raises(TooManyAttempts):
            await accounts.logins.login("ann", PASSWORD, "192.0.2.9", device=device)
        for n in range(FREE):
            with pytest.raises(LoginRefused):
                await accounts.logins.login("bob", "guess", f"10.1.1.{n}", device=device)
        with pytest.raises(TooManyAttempts):
            await accounts.logins.login("bob", PASSWORD, "10.1.2.1", device=device)

    asyncio.run(play())


@pytest.mark.parametrize("what", ["end_logins", "password", "disable"])
def test_what_ends_the_logins_of_an_account_forgets_its_devices(
    make: Callable[[], Accounts], what: str
) -> None:
    accounts = make()

    async def play() -> bool:
        pair, who = await accounts.logins.login("ann", PASSWORD, "192.0.2.1")
        if what == "end_logins":
            accounts.end_logins_now(who.id, "root")
        elif what == "password":
            accounts.change(who.id, "root", password=PASSWORD)
        else:
            accounts.change(who.id, "root", enabled=False, role="viewer")
        return accounts.logins._known("ann", pair.device) is not None

    accounts.add("root", PASSWORD, "admin")
    assert not asyncio.run(play())


def test_an_account_keeps_the_devices_that_logged_in_last(make: Callable[[], Accounts]) -> None:
    accounts = make()
    ann = asyncio.run(accounts.logins.login("ann", PASSWORD, "192.0.2.1"))[1]
    made = []
    for _ in range(MOST_EACH + 3):
        with accounts.database.write() as session:
            made.append(remember_device(session, ann.id, "", "browser"))
    known = [accounts.logins._known("ann", one) is not None for one in made]
    assert known == [False] * 3 + [True] * MOST_EACH


def test_strangers_cannot_fill_the_queue_of_those_who_are_known(
    make: Callable[[], Accounts],
) -> None:
    accounts = make()

    async def play() -> None:
        device = (await accounts.logins.login("ann", PASSWORD, "192.0.2.1"))[0].device
        crowd = [
            asyncio.ensure_future(accounts.logins.login(f"n{n}", "guess", f"10.2.0.{n}"))
            for n in range(200)
        ]
        await asyncio.sleep(0)
        assert (await accounts.logins.login("ann", PASSWORD, "192.0.2.1", device=device))[1]
        await asyncio.gather(*crowd, return_exceptions=True)

    asyncio.run(play())


@given(
    st.lists(
        st.tuples(st.sampled_from(["fail", "owner", "pass"]), st.integers(0, 400)), max_size=80
    )
)
def test_the_owner_waits_a_minute_at_most_whatever_others_do(
    history: list[tuple[str, int]],
) -> None:
    clock = Clock()
    delay = GrowingDelay(free=2, clock=clock)
    told: float | None = None
    for what, n in history:
        if what == "fail" and not delay.wait("ann", f"address {n}"):
            delay.record_failure("ann")
        elif what == "pass":
            clock.now += n / 10
        elif what == "owner":
            wait = delay.wait("ann", "home")
            assert wait <= LONGEST
            if told is not None and told <= clock.now < told + 60:
                assert wait == 0
            told = clock.now + wait if wait else None


def test_guesses_at_one_name_become_rare() -> None:
    clock = Clock()
    delay, made = GrowingDelay(clock=clock), 0
    for second in range(3600):
        clock.now = float(second)
        for address in range(20):
            if not delay.wait("ann", str(address)):
                delay.record_failure("ann")
                made += 1
    assert made < 20 * 3600 / LONGEST + 200


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "unknown"),
    ],
)
def test_all_addresses_of_one_ipv6_network_are_one_client(address: str, client: str) -> None:
    assert client_of(address) == client


def test_a_browser_is_known_by_its_cookie(tmp: Path, start: Start) -> None:
    section = ApiSection(proxies=["127.0.0.1"])
    api = start(Settings(data=tmp / "data", port=0, section=section))

    def login(client: httpx.Client, password: str, address: str) -> httpx.Response:
        return client.post(
            f"{api.url}/api/auth/login",
            json={"username": "admin", "password": password},
            headers={"X-Forwarded-For": address},
        )

    with httpx.Client(timeout=PATIENCE) as browser, httpx.Client(timeout=PATIENCE) as stranger:
        first = login(browser, api.password, "192.0.2.1")
        cookie = first.headers["set-cookie"].lower()
        assert all(word in cookie for word in ("httponly", "samesite=strict", "max-age="))
        api.stop()
        api.start()
        for n in range(FREE + 5):
            assert login(stranger, "guess", f"10.0.0.{n}").status_code in (401, 429)
        assert login(stranger, api.password, "192.0.2.1").status_code == 429
        assert login(browser, api.password, "192.0.2.7").status_code == 200


def test_a_cookie_alone_opens_nothing(tmp: Path, start: Start) -> None:
    api: Api = start(Settings(data=tmp / "data", port=0))
    with httpx.Client(base_url=api.url, timeout=PATIENCE) as browser:
        body = {"username": "admin", "password": api.password}
        browser.post("/api/auth/login", json=body).raise_for_status()
        assert browser.get("/api/auth/me").status_code == 401
        assert browser.post("/api/auth/logout").status_code == 401
