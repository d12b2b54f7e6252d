"""The page where something is odd: clocks, sleep, sessions that end, names, Back, a large zoom."""

import time
from dataclasses import replace
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from api.settings import Settings
from tests.api.conftest import Start
from tests.api.events import alarm, reading
from tests.api.running import Api, Topics
from tests.api.static.browsing import (
    PHONE,
    expect_no_violation,
    expect_to_fit,
    log_in_to,
    missing,
)
from tests.api.static.test_page_views import Visit
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.skipif(missing(), reason="Debian's package chromium is not installed")
SHIFTED = "Date.now = (real => () => real() + {})(Date.now);"
NAMES = [
    "<img src=x onerror=alert(1)>",
    "___",
    "binary_sensor.",
    "חיישן חדר שרתים",
    "pump\u202e gnp.exe",
    "🌡️ sonde n° 1",
    "x" * 280,
    "constructor",
    "__proto__",
]


@pytest.mark.parametrize("minutes", [-10, 10], ids=["behind", "ahead"])
def test_a_clock_that_is_ten_minutes_off_ends_no_session_and_ages_are_right(
    browser: Browser, start: Start, settings: Settings, topics: Topics, minutes: int
) -> None:
    api = start(replace(settings, token_lifetime=4))
    api.wait_for_topics(topics.readings, topics.alarms, topics.push)
    topics.events(reading(1, time=time.time() - 3600))
    context = browser.new_context(service_workers="block")
    context.add_init_script(SHIFTED.format(minutes * 60_000))
    page = context.new_page()
    page.goto(api.url)
    log_in_to(page, api)
    expect(page.locator(".row .age")).to_contain_text("1 h")
    token = page.evaluate("JSON.parse(sessionStorage.getItem('vigie.session')).access")
    wait_until(lambda: api.get("/api/auth/me", token).status_code == 401, what="the token to end")
    page.evaluate("location.hash = '#/events'")
    expect(page.locator("[data-view=events] .empty-state")).to_be_visible()
    expect(page.locator("#login")).to_be_hidden()
    context.close()


def test_a_phone_that_slept_for_an_hour_connects_anew_as_soon_as_somebody_looks(
    visit: Visit, topics: Topics
) -> None:
    topics.events(reading(1, 20.0, time=time.time()))
    page = visit(PHONE)
    expect(page.locator(".row .value b")).to_have_text("20")
    page.evaluate(
        "() => { window.states = []; new MutationObserver(() => states.push("
        "document.getElementById('connection').dataset.state)).observe("
        "document.getElementById('connection'), {attributes: true}); }"
    )
    page.evaluate(SHIFTED.format(3_600_000))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_function("() => states.includes('lost')")
    page.wait_for_function("() => states.at(-1) === 'live'")
    topics.events(reading(2, 21.5, time=time.time()))
    expect(page.locator(".row .value b")).to_have_text("21.5")


@pytest.mark.parametrize("size", [{"width": 1280, "height": 800}, {"width": 320, "height": 640}])
def test_names_of_any_kind_are_text_and_every_view_fits_also_at_a_zoom_of_400_percent(
    visit: Visit, topics: Topics, size: dict[str, int]
) -> None:
    now = time.time()
    for n, name in enumerate(NAMES):
        about: dict[str, Any] = {"labels": {"area": name}, "time": now}
        topics.events(
            reading(n, subject=name, **about),
            reading(100 + n, 1.0, subject="rack", metric=name, unit=None, time=now),
            alarm(
                n,
                subject=name,
                rule=f"plant/{name}",
                alarm=name,
                message=name,
                time=now,
                recorded=now,
            ),
        )
    page = visit(size)
    expect(page.locator(".card")).to_have_count(len(NAMES) + 1)
    texts = page.locator(".card h3").all_inner_texts()
    assert all(texts) and "<img src=x onerror=alert(1)>" in texts
    assert page.locator(".card img, .alarm img").count() == 0
    assert "\u202e" not in "".join(texts)
    rows = page.locator('[data-subject="rack"] .row .value b').all_inner_texts()
    assert rows == ["1"] * len(NAMES)
    for view in (
        "overview",
        "alarms",
        "cameras",
        "events",
        "flows",
        "pages",
        "dashboards",
        "letters",
        "accounts",
    ):
        page.evaluate("view => { location.hash = view; }", f"#/{view}")
        expect(page.locator(f"[data-view={view}]")).to_be_visible()
        expect(page.locator(".skeleton:visible")).to_have_count(0)
        expect_to_fit(page)
    page.evaluate("location.hash = '#/alarms'")
    expect(page.locator("[data-view=alarms] .alarm").first).to_be_visible()
    expect_no_violation(page, "light")


def test_numbers_that_are_very_large_or_small_are_still_themselves(visit: Visit) -> None:
    page = visit()
    shown = page.evaluate(
        "import('/static/words/words.js').then(({number}) => "
        "[0, 0.0004, -0.00123, 0.01, 21.55, 1234.5, 1e15, -1e300].map((value) => number(value)))"
    )
    assert shown == ["0", "0.0004", "-0.0012", "0.01", "21.6", "1,235", "1E15", "-1E300"]


def test_back_leaves_no_dialog_over_another_view(visit: Visit) -> None:
    page = visit()
    page.click("[data-to=accounts]")
    page.click("[data-action=new-account]")
    expect(page.locator("dialog")).to_be_visible()
    page.go_back()
    expect(page.locator("[data-view=overview]")).to_be_visible()
    expect(page.locator("dialog")).to_have_count(0)
    page.go_forward()
    expect(page.locator("[data-view=accounts]")).to_be_visible()
    expect(page.locator("#title")).to_be_focused()


@pytest.fixture
def alarmed(visit: Visit, topics: Topics) -> Page:
    """A comment that is being written."""
    now = time.time()
    topics.events(reading(1, time=now), alarm(1, time=now, recorded=now))
    page = visit(view="#/alarms")
    page.locator(".alarm-table .alarm-open").focus()
    page.keyboard.press("c")
    page.fill("dialog [name=comment]", "The filter is being changed")
    return page


def test_a_flood_takes_neither_words_nor_focus_from_somebody_who_writes(
    alarmed: Page, topics: Topics
) -> None:
    now = time.time()
    topics.events(
        *(
            alarm(n, rule=f"plant/r{n}", alarm=f"r{n}", time=now, recorded=now, annunciate=True)
            for n in range(2, 80)
        )
    )
    expect(alarmed.locator("#flood")).to_contain_text("78")
    comment = alarmed.locator("dialog [name=comment]")
    expect(comment).to_be_focused()
    expect(comment).to_have_value("The filter is being changed")
    with alarmed.expect_request(lambda request: request.method == "POST") as sent:
        alarmed.locator("dialog .primary").click()
    assert sent.value.url.endswith("/api/alarms/server_room%2Ftoo_hot/rack/comment")


def test_what_somebody_writes_is_there_again_after_the_session_ended_and_for_nobody_else(
    alarmed: Page, api: Api
) -> None:
    headers = {"Authorization": f"Bearer {api.login()}"}
    accounts = httpx.get(f"{api.url}/api/users", headers=headers, timeout=PATIENCE).json()
    (me,) = [one["id"] for one in accounts if one["username"] == "admin"]
    httpx.post(f"{api.url}/api/users/{me}/logout", headers=headers, timeout=PATIENCE)
    expect(alarmed.locator("#login-error")).to_contain_text("Your session has ended")
    expect(alarmed.locator("dialog")).to_have_count(0)
    log_in_to(alarmed, api)
    alarmed.locator(".alarm-table .alarm-open").focus()
    alarmed.keyboard.press("c")
    comment = alarmed.locator("dialog [name=comment]")
    expect(comment).to_have_value("The filter is being changed")
    alarmed.keyboard.press("Escape")
    alarmed.locator(".alarm-table .alarm-open").focus()
    alarmed.keyboard.press("c")
    expect(comment).to_have_value("")
