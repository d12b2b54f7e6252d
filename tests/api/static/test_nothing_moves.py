"""Nothing moves or is lost under somebody's hands: lists that grow, buttons that change, places one comes back to."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from api.settings import Settings
from tests.api.conftest import Start
from tests.api.events import alarm, reading
from tests.api.running import Api, Topics
from tests.api.static.browsing import PHONE, log_in_to, missing
from tests.api.static.test_control_room import raised
from tests.api.static.test_page_views import (
    Visit,
    events_of,
    happened,
    seen,
    start_with_events,
)
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(missing(), reason="Debian's package chromium is not installed")


@pytest.fixture
def api(start: Start, settings: Settings, topics: Topics) -> Api:
    return start_with_events(start, settings, topics)


def test_a_new_event_waits_while_somebody_points_at_the_list_and_an_acknowledgement_is_for_the_one_it_names(
    visit: Visit, topics: Topics
) -> None:
    topics.events(*(happened(n, subject=f"pir_{n}") for n in range(1, 4)), topic=events_of(topics))
    page = visit(view="#/events")
    expect(page.locator(".event")).to_have_count(4)
    button = page.get_by_role("button", name="Acknowledge: Motion, Pir 1", exact=True)
    button.hover()
    place = button.bounding_box()
    topics.events(happened(50, subject="pir_new"), topic=events_of(topics))
    news = page.locator("[data-view=events] .news")
    expect(news).to_have_text("1 new above")
    assert button.bounding_box() == place
    with page.expect_request(re.compile("/acknowledge")) as asked:
        page.mouse.down()
        page.mouse.up()
    assert asked.value.url.endswith("/api/events/o1/acknowledge")
    expect(page.locator('[data-id="o1"]')).to_contain_text("Acknowledged by admin")
    all_shown = page.locator("[data-many=all]")
    expect(all_shown).to_have_text("Acknowledge all 3 shown")
    news.click()
    expect(page.locator(".event").first).to_contain_text("Pir new")
    expect(news).to_be_hidden()


def test_a_click_on_a_busy_camera_is_not_lost_and_its_pictures_stay_under_the_pointer(
    visit: Visit, api: Api, topics: Topics
) -> None:
    headers = {"Authorization": f"Bearer {api.login()}"}
    body = {"name": "entrance", "url": "rtsp://10.0.0.21/stream2"}
    httpx.post(f"{api.url}/api/cameras", json=body, headers=headers, timeout=PATIENCE)
    topics.events(*(seen(n, subject="entrance") for n in range(1, 4)), topic=events_of(topics))
    page = visit(view="#/cameras")
    card = page.locator('[data-camera="entrance"]')
    first = card.locator(".strip li").first
    expect(first).to_have_attribute("data-id", "d3")
    first.hover()
    topics.events(seen(20, subject="entrance"), topic=events_of(topics))
    expect(card.locator(".camera-events summary")).to_contain_text("4 Person")
    expect(first).to_have_attribute("data-id", "d3")
    stop = card.locator("[data-action=toggle]")
    stop.hover()
    expect(first).to_have_attribute("data-id", "d20")
    page.mouse.down()
    topics.events(seen(21, subject="entrance"), topic=events_of(topics))
    expect(card.locator(".camera-events summary")).to_contain_text("5 Person")
    page.mouse.up()
    expect(card).to_have_attribute("data-state", "stopped")


def test_a_double_click_acknowledges_once_and_a_button_keeps_its_place_when_another_is_gone(
    visit: Visit, topics: Topics
) -> None:
    now = time.time()
    topics.events(raised(1), reading(1, time=now))
    page = visit()
    item = page.locator('aside .alarm[data-alarm="r1"]')
    shelve = item.locator("[data-action=shelve]")
    shelve.hover()
    place = shelve.bounding_box()
    topics.events(raised(1, "C", id="other", recorded=now + 5, state="acked"))
    expect(item).to_have_attribute("data-isa", "C")
    expect(item.locator("[data-action=ack]")).to_have_count(0)
    assert shelve.bounding_box() == place
    page.mouse.move(0, 0)
    expect(item.locator(".spent")).to_have_count(0)

    topics.events(raised(2, subject="yard"))
    page.evaluate("location.hash = '#/alarms'")
    row = page.locator('.alarm-table .alarm[data-alarm="r2"]')
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/ack" in request.url else None)
    page.route(re.compile("/ack$"), lambda route: route.fulfill(json={}))
    row.locator("[data-action=ack]").dblclick()
    expect(page.locator(".toast").first).to_contain_text("is acknowledged")
    expect(page.locator("dialog")).to_have_count(0)
    assert len(asked) == 1


@pytest.fixture
def touched(browser: Browser, api: Api) -> Iterator[Callable[[str], Page]]:
    """Opens the page on a screen that is touched."""
    contexts = []

    def open_page(view: str) -> Page:
        context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{api.url}/{view}")
        log_in_to(page, api)
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_a_finger_that_is_gone_and_a_button_that_was_clicked_hold_no_list(
    touched: Callable[[str], Page], visit: Visit, topics: Topics
) -> None:
    topics.events(raised(1))
    phone, page = touched("#/overview"), visit()
    for one in (phone, page):
        expect(one.locator("aside .alarm")).to_have_count(1)
    phone.locator("aside [data-action=comment]").tap()
    phone.locator("dialog .secondary").tap()
    page.locator("aside [data-action=comment]").click()
    page.locator("dialog .secondary").click()
    page.mouse.move(0, 0)
    topics.events(raised(2, priority="critical"))
    for one in (phone, page):
        expect(one.locator("aside .alarm").first).to_have_attribute("data-alarm", "r2")


def test_back_and_reload_lead_to_where_somebody_had_scrolled(visit: Visit, topics: Topics) -> None:
    now = time.time()
    topics.events(*(reading(n, subject=f"probe {n}", time=now) for n in range(80)))
    page = visit()
    expect(page.locator("#sensor-count")).to_have_text("80")
    page.evaluate("scrollTo(0, 900)")
    page.wait_for_function("() => history.state?.top === 900")
    page.click('#links [data-to="alarms"]')
    page.wait_for_function("() => scrollY === 0")
    page.go_back()
    page.wait_for_function("() => scrollY === 900")
    page.reload()
    page.wait_for_function("() => scrollY === 900")


def test_the_buttons_of_open_details_stay_where_they_are_while_others_act_on_the_alarm(
    visit: Visit, topics: Topics
) -> None:
    now = time.time()
    topics.events(alarm(1, time=now - 9, recorded=now - 9))
    page = visit(view="#/alarms")
    page.locator(".alarm-table .alarm-open").click()
    details = page.locator("dialog[data-dialog=alarm]")
    shelve = details.locator("[data-action=shelve]")
    shelve.hover()
    place = shelve.bounding_box()
    topics.events(
        alarm(2, "C", event="acked", user="bob", time=now - 6, recorded=now - 6),
        alarm(3, "C", event="commented", user="eve", comment="seen", time=now, recorded=now),
    )
    expect(details).to_contain_text("eve: seen")
    expect(details.locator("[data-action=ack]")).to_have_count(0)
    assert shelve.bounding_box() == place
    page.mouse.down()
    page.mouse.up()
    expect(page.locator("dialog [name=comment]")).to_be_visible()


def test_a_search_finds_words_in_any_order_and_without_their_accents(
    visit: Visit, topics: Topics
) -> None:
    now = time.time()
    labels: dict[str, Any] = {"labels": {"area": "entrée"}}
    topics.events(
        reading(1, subject="sensor.server_rack", time=now, **labels),
        reading(2, subject="yard", time=now),
        alarm(1, subject="sensor.server_rack", time=now, recorded=now, **labels),
        raised(2, subject="yard"),
    )
    page = visit()
    expect(page.locator(".card")).to_have_count(2)
    for words in ("temperature rack", "ENTREE", "server_rack entrée"):
        page.fill("#search", words)
        expect(page.locator(".card")).to_have_count(1)
        expect(page.locator("#sensor-count")).to_have_text("1 of 2")
        expect(page.locator('.card[data-subject="sensor.server_rack"]')).to_be_visible()
    page.evaluate("location.hash = '#/alarms?q=rack+entree+hot'")
    expect(page.locator(".alarm-table .alarm")).to_have_count(1)


def test_a_key_that_fits_no_alarm_says_why(visit: Visit, topics: Topics) -> None:
    topics.events(raised(1, "C", state="acked"))
    page = visit(view="#/alarms")
    page.locator(".alarm-table .alarm-open").focus()
    page.keyboard.press("a")
    expect(page.locator(".toast")).to_have_text("Acknowledge does not fit R1, Rack: Acknowledged.")


def test_what_is_pressed_while_the_server_is_away_is_sent_when_it_is_back(
    visit: Visit, api: Api, topics: Topics
) -> None:
    topics.events(happened(1, subject="pir_1"), topic=events_of(topics))
    page = visit(view="#/events")
    button = page.get_by_role("button", name="Acknowledge: Motion, Pir 1", exact=True)
    expect(button).to_be_visible()
    api.stop()
    expect(page.locator("#lost")).to_be_visible()
    button.click()
    expect(page.locator(".toast")).to_contain_text("Motion, Pir 1 waits for the server.")
    api.start()
    expect(page.locator('[data-id="o1"]')).to_contain_text("Acknowledged by admin")
