"""A view without anything says to admins which line brings it, and to nobody else."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.api.running import Api
from tests.api.static.browsing import PHONE, expect_no_violation, expect_to_fit, missing
from tests.api.static.test_page_views import Visit
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(missing(), reason="Debian's package chromium is not installed")


def test_an_empty_view_shows_admins_the_line_to_write(visit: Visit, api: Api) -> None:
    page = visit(PHONE)
    expect(page.locator("#no-cards pre")).to_contain_text("vigie discover --mqtt")
    for view, words in (
        ("flows", "vigie up FOLDER"),
        ("cameras", "rtsp:"),
        ("events", "topic: site.events"),
    ):
        page.evaluate("view => { location.hash = view; }", f"#/{view}")
        expect(page.locator(f"[data-view={view}] .to-write pre")).to_contain_text(words)
        expect_to_fit(page)
    expect_no_violation(page, "light")
    account = {"username": "marie", "password": "correct horse battery"}
    who = {"Authorization": f"Bearer {api.login()}"}
    made = httpx.post(f"{api.url}/api/users", json=account, headers=who, timeout=PATIENCE)
    made.raise_for_status()
    viewer = visit(view="#/flows", **account)
    expect(viewer.locator("[data-view=flows] .empty-state")).to_contain_text("No flows yet.")
    expect(viewer.locator(".to-write")).to_have_count(0)
