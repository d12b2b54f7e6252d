"""What tests of the page share: sizes of screens, and how to log in."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.api.running import Api
from tests.waiting import PATIENCE

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
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
