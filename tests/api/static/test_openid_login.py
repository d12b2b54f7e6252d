"""Logging in by a provider of OpenID Connect in a real browser, there and back."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from api.settings import Settings
from infra.embedded.ports import free_port
from tests.api.accounts.openid.provider import Provider, connection, set_user
from tests.api.conftest import Start
from tests.api.running import Api
from tests.api.static.browsing import DESK, WAIT, log_in_to, missing

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.skipif(missing(), reason="Debian's package chromium is not installed")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(tmp_path_factory.mktemp("provider")) as provider:
        yield provider


@pytest.fixture
def api(start: Start, settings: Settings, provider: Provider) -> Api:
    port = free_port()
    section = settings.section.model_copy(update={"url": f"http://127.0.0.1:{port}"})
    return start(replace(settings, port=port, section=section, openid=connection(provider.issuer)))


@pytest.fixture
def page(browser: "Browser", api: Api) -> Iterator[Page]:
    context = browser.new_context(viewport=DESK, locale="fr-FR")  # type: ignore[arg-type]
    context.set_default_timeout(WAIT)
    problems: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{api.url}/#/alarms?sort=age")
    yield page
    context.close()
    assert problems == []


def say_yes(page: Page, sub: str) -> None:
    """Log in at the provider."""
    page.fill("input[name=sub]", sub)
    page.locator("input[name=sub]").press("Enter")


def test_whoever_comes_back_from_the_provider_is_where_he_left(
    page: Page, api: Api, provider: Provider
) -> None:
    set_user(provider.issuer, "11", preferred_username="camille", groups=["desk"])
    page.get_by_role("button", name="Se connecter avec Example").click()
    say_yes(page, "11")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(page.locator("#person")).to_contain_text("camille")
    assert page.url == f"{api.url}/#/alarms?sort=age"


def test_whoever_is_refused_is_told_why_in_his_language(
    page: Page, api: Api, provider: Provider
) -> None:
    set_user(provider.issuer, "12", preferred_username="admin", groups=["it"])
    page.get_by_role("button", name="Se connecter avec Example").click()
    say_yes(page, "12")
    expect(page.locator("#login-error")).to_contain_text("Il y a ici un compte « admin »")
    assert page.url.startswith(f"{api.url}/#")


def test_an_owner_connects_his_account_and_is_told_so(
    page: Page, api: Api, provider: Provider
) -> None:
    set_user(provider.issuer, "13", preferred_username="admin", groups=["it"])
    log_in_to(page, api)
    page.locator("#person").click()
    page.get_by_role("button", name="Relier à Example").click()
    say_yes(page, "13")
    expect(page.locator("[data-dialog=openid]")).to_contain_text(
        "Désormais, ce compte est le vôtre"
    )
    page.keyboard.press("Escape")
    page.locator("#logout").click()
    page.get_by_role("button", name="Se connecter avec Example").click()
    say_yes(page, "13")
    expect(page.locator("#person")).to_contain_text("admin")
