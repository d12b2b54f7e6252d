"""What tests of the page share: sizes of screens, and how to log in."""

from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, expect

from tests.api.running import Api
from tests.waiting import PATIENCE

AXE = Path(__file__).parents[2] / "data" / "axe" / "axe.js"
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 375, "height": 700}
WAIT = 1000 * PATIENCE
"""Milliseconds for what must come."""
expect.set_options(timeout=WAIT)


def missing() -> bool:
    """Whether there is no browser to test with."""
    return not Path(CHROMIUM).exists()


def log_in_to(
    page: Page,
    api: Api,
    username: str = "admin",
    password: str | None = None,
    wait: bool = True,
) -> None:
    """Log in; `wait` until the page is live."""
    page.fill("[name=username]", username)
    page.fill("[name=password]", api.password if password is None else password)
    page.press("[name=password]", "Enter")
    if wait:
        expect(page.locator("#connection")).to_have_attribute("data-state", "live")


def expect_to_fit(page: Page) -> None:
    """The page is not wider than the screen."""
    page.wait_for_function("() => document.documentElement.scrollWidth <= innerWidth")


def expect_no_violation(page: Page, scheme: Literal["light", "dark"]) -> None:
    """Axe finds nothing wrong with what is shown, in a colour scheme."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
        ".map(({id, nodes}) => `${id}: ${nodes.map(({html}) => html.slice(0, 200)).join(' ')}`)"
    )
    assert found == []
