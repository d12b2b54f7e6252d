"""What the page shows is what is there: no state stands for a name, no old thing for a new one."""

import base64
import re
import time
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from api.settings import Settings
from tests.api.conftest import Start
from tests.api.events import alarm, reading
from tests.api.running import Api, Topics, settings_for
from tests.api.static.browsing import DESK, expect_to_fit, log_in_to, missing
from tests.api.static.test_dashboards import ALARMS, CARD, made
from tests.api.static.test_page_views import (
    Visit,
    events_of,
    seen,
    start_with_events,
)

pytestmark = pytest.mark.skipif(missing(), reason="Debian's package chromium is not installed")


@pytest.fixture
def api(start: Start, settings: Settings, topics: Topics) -> Api:
    return start_with_events(start, settings, topics)


PACKED = """async (sizes) => {
  const {Layout} = await import('/static/readings/card_order.js');
  const faults = [];
  for (const [width, sections] of sizes) {
    const all = sections.map((cards, n) => ({key: `s${n}`, collapsed: !cards.length, cards: cards.map((rows, i) => ({rows, fold: rows % 2, subject: `${n}/${i}`}))}));
    const layout = new Layout(all, ({rows, fold}) => ({rows, fold}), width);
    const rects = layout.items.map((item, i) => { const {left, top, width: wide} = layout.place(i); return {item, left, right: left + wide, top, bottom: layout.places[i][3]}; });
    for (const [i, one] of rects.entries())
      for (const other of rects.slice(i + 1))
        if (one.left < other.right - 1 && other.left < one.right - 1 && one.top < other.bottom - 1 && other.top < one.bottom - 1) faults.push(`${width}: overlap`);
    for (const one of rects.filter(({item, top}) => !item.cards && top > 0)) {
      const above = rects.filter(({left, right, bottom}) => left < one.right - 1 && one.left < right - 1 && bottom <= one.top + 1);
      if (one.top - Math.max(...above.map(({bottom}) => bottom)) > layout.gap + 1) faults.push(`${width}: a hole over ${one.item.subject}`);
    }
    for (let top = -100; top < layout.height; top += 97) {
      const [first, last] = layout.between(top, top + 300);
      if (rects.some((rect, i) => rect.bottom > top && rect.top < top + 300 && (i < first || i >= last))) faults.push(`${width}: not in sight at ${top}`);
    }
    if (layout.items.length && Math.abs(Math.max(...rects.map(({bottom}) => bottom)) - layout.height) > 41) faults.push(`${width}: height`);
  }
  return faults;
}"""
"""Faults of layouts of sections with cards of so many rows, in so many pixels."""


def jpeg(width: int, height: int) -> str:
    """A picture of this size, as cameras send it."""
    picture = cv2.imencode(".jpg", np.zeros((height, width, 3), np.uint8))[1].tobytes()
    return base64.b64encode(picture).decode()


def test_a_box_is_drawn_on_a_picture_only_where_the_picture_is_and_a_still_one_says_of_when(
    visit: Visit, topics: Topics, api: Api
) -> None:
    page = visit(view="#/cameras")
    now = time.time()
    event = seen(1, time=now - 60, box=(0.0, 0.0, 1.0, 1.0))
    topics.events(event, topic=events_of(topics))
    card = page.locator('[data-camera="entrance"]')
    expect(card.locator(".no-picture")).to_contain_text("No picture yet")
    expect(card.locator(".no-picture-seen")).to_contain_text("Person 90 %")
    expect(card.locator(".box")).to_have_count(0)
    expect(card.get_by_role("img").first).to_have_accessible_name(
        "Picture of Entrance: No picture yet"
    )
    frame = {"kind": "frame", "subject": "entrance", "time": now - 60, "jpeg": jpeg(40, 40)}
    topics.pushed("camera_entrance", [frame], subject="entrance")
    expect(card.locator(".picture-time")).to_contain_text("as of")
    box, picture = card.locator(".box").bounding_box(), card.locator(".picture").bounding_box()
    assert box and picture
    assert box["width"] == pytest.approx(picture["height"], abs=8)  # a square stays one
    assert box["x"] > picture["x"] + 20
    fresh = frame | {"time": time.time()}
    topics.pushed("camera_entrance", [fresh], subject="entrance")
    expect(card.locator(".box")).to_have_count(0)
    assert not card.locator(".picture-time").is_visible() or time.time() - fresh["time"] > 9


def test_a_row_keeps_the_name_of_its_alarm_where_its_value_is_old_or_missing(
    visit: Visit, topics: Topics
) -> None:
    past = time.time() - 7200
    topics.events(
        *(reading(n, 29.0 + n, time=past + n) for n in range(4)),
        reading(8, None, metric="humidity", unit="%", quality="bad", time=past),
        alarm(1, time=past, recorded=past),
        alarm(2, time=past, recorded=past, metric="humidity", rule="plant/damp", alarm="damp"),
    )
    page = visit()
    row = page.locator("[data-metric=temperature]")
    expect(row.locator(".row-alarm")).to_have_text("High: Too hot")
    expect(row.locator(".quality")).to_have_text("old value")
    expect(row.locator(".age")).to_contain_text("2 h")
    damp = page.locator("[data-metric=humidity]")
    expect(damp).to_contain_text("High: Damp")
    expect(damp).to_contain_text("no data")
    expect(page.locator("#sensor-old")).to_have_text("2 of 2 values old or missing")
    for language, width in product(("fr", "en"), (390, 760, 1024)):
        page.set_viewport_size(DESK)
        page.click(f"[data-language={language}]")
        page.evaluate("document.getElementById('silence').hidden = false")  # all there may be
        page.set_viewport_size({"width": width, "height": 844})
        cut = page.locator("#title").evaluate("h => h.scrollWidth > h.parentElement.clientWidth")
        assert not cut, f"the title is cut at {width} px"
        expect_to_fit(page)
    page.set_viewport_size(DESK)
    tall = row.evaluate("row => row.querySelector('.what').scrollHeight <= row.clientHeight")
    assert tall, "the three lines do not fit into the row"
    listed = page.locator('aside .alarm[data-alarm="too_hot"]')
    expect(listed).to_contain_text("31 → 32 °C (2 h")
    row.click()
    facts = page.locator("#history-facts")
    expect(facts).to_contain_text("Last known32 °C, 2 h")
    expect(facts).not_to_contain_text("Now")


def test_cards_of_any_heights_leave_no_hole_and_are_found_where_they_are(visit: Visit) -> None:
    page = visit(log_in=False)
    random = np.random.default_rng(3)
    sizes = [
        (
            int(random.integers(200, 1600)),
            [
                [int(rows) for rows in random.integers(1, 7, random.integers(0, 9))]
                for _ in range(random.integers(1, 9))
            ],
        )
        for _ in range(60)
    ]
    assert page.evaluate(PACKED, sizes) == []


def test_a_server_without_its_broker_says_so_and_claims_no_quiet(
    visit: Visit, start: Start, topics: Topics, tmp: Path
) -> None:
    cut = start(settings_for(tmp / "cut", "127.0.0.1:1", topics))
    page = visit(log_in=False)
    other = page.context.new_page()
    other.goto(f"{cut.url}/")
    log_in_to(other, cut, wait=False)
    expect(other.locator("#connection")).to_have_attribute("data-state", "blind")
    expect(other.locator("#lost")).to_contain_text("gets no readings and no alarms")
    expect(other).to_have_title(re.compile("Server cut off"))
    expect(other.locator("#no-alarms")).to_have_text("Whether all is quiet is not known.")
    other.evaluate("location.hash = '#/alarms'")
    expect(other.locator("[data-view=alarms] .empty-state")).to_contain_text("is not known")
    expect_to_fit(other)


def test_before_the_first_answer_a_view_says_that_it_loads_and_not_that_there_is_nothing(
    visit: Visit, api: Api
) -> None:
    page = visit(log_in=False)
    page.add_init_script(
        "window.Worker = class extends Worker { set onmessage(take) {"
        " super.onmessage = (event) => { if (!/^.{0,20}snapshot/.test(event.data.text ?? '')) take(event); }; } };"
    )
    page.reload()
    log_in_to(page, api)
    expect(page.locator("#no-alarms")).to_have_text("Loading…")
    expect(page.locator("#no-cards")).to_have_text("Loading…")
    page.evaluate("location.hash = '#/alarms'")
    expect(page.locator("[data-view=alarms] .skeleton")).to_be_visible()


def holes(page: Page) -> Any:
    """Panels of the dashboard under which there is room for the next one of their columns."""
    return page.evaluate(
        "() => { const all = [...document.querySelectorAll('.board-panel')].map(panel => panel.getBoundingClientRect());"
        " return all.filter((one) => { const below = all.filter(({left, right, top}) => left < one.right && one.left < right && top >= one.bottom);"
        " return below.length && Math.min(...below.map(({top}) => top)) - one.bottom > 40"
        " && below.every(({width}) => width <= one.width + 1); }).length; }"
    )


def test_a_tall_list_of_alarms_leaves_no_hole_beside_it_on_a_dashboard(
    visit: Visit, api: Api, topics: Topics
) -> None:
    now = time.time()
    topics.events(
        reading(1, time=now),
        *(alarm(n, rule=f"plant/r{n}", alarm=f"r{n}", time=now, recorded=now) for n in range(9)),
    )
    wide = {"kind": "chart", "subject": "rack", "metric": "temperature", "width": 2}
    page = visit(view=made(api, wide, ALARMS, CARD, CARD | {"subject": "yard"}, CARD))
    expect(page.locator(".board-panel .alarm")).to_have_count(9)
    page.wait_for_function("() => document.querySelector('.board').offsetHeight > 300")
    assert holes(page) == 0
    panels = page.locator(".board-panel")
    tall, first = panels.nth(1).bounding_box(), panels.nth(2).bounding_box()
    assert tall and first
    assert first["y"] < tall["y"] + tall["height"] - 20, "the card waits below the list"
