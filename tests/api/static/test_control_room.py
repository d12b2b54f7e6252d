"""What somebody relies on who watches many alarms: order, names, the connection, the address."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from operators.events import AlarmTransition
from tests.api.events import alarm, reading
from tests.api.running import Api, Topics
from tests.api.static.browsing import expect_to_fit, missing

pytestmark = pytest.mark.skipif(missing(), reason="Debian's package chromium is not installed")
Visit = Callable[..., Page]
STYLE = "(element, name) => getComputedStyle(element)[name]"
SPREAD = """element => {
  const [red, green, blue] = getComputedStyle(element).stroke.match(/[\\d.]+/g).map(Number);
  return Math.max(red, green, blue) - Math.min(red, green, blue);
}"""


def raised(number: int, isa: str = "B", **others: Any) -> AlarmTransition:
    """A transition of an alarm of its own rule: raised, unless said otherwise."""
    now = time.time()
    values = {"rule": f"plant/r{number}", "alarm": f"r{number}", "time": now, "recorded": now}
    return alarm(number, isa, **values | others)


def test_nothing_moves_under_the_pointer_and_an_action_is_for_the_alarm_it_names(
    visit: Visit, topics: Topics
) -> None:
    page = visit(view="#/alarms")
    topics.events(raised(1), raised(2, time=time.time() - 60))
    rows = page.locator("[data-view=alarms] .alarm")
    expect(rows).to_have_count(2)
    button = page.get_by_role("button", name="Acknowledge: R2, Rack")
    button.hover()
    place = button.bounding_box()
    topics.events(raised(3, priority="critical"), raised(1, "A", id="over"))
    news = page.locator("[data-view=alarms] .news")
    expect(news).to_have_text("1 new above")
    expect(page.locator("[data-view=alarms] .alarm-over")).to_contain_text("Over")
    assert button.bounding_box() == place
    with page.expect_request(re.compile("/api/alarms/.*/ack")) as request:
        page.mouse.down()
        page.mouse.up()
    assert request.value.url.endswith("/api/alarms/plant%2Fr2/rack/ack")
    news.click()
    expect(rows.first).to_have_attribute("data-alarm", "r3")
    expect(rows).to_have_count(2)
    expect(page.locator(".alarm-over")).to_have_count(0)


def test_suppressed_alarms_stand_apart_and_a_flood_sounds_once_until_it_is_silenced(
    visit: Visit, topics: Topics
) -> None:
    topics.events(reading(1, time=time.time()))
    page = visit()
    page.click("#sound")
    expect(page.locator("#sound")).to_have_attribute("data-played", "1")
    topics.events(
        *(raised(n, annunciate=True, priority=("low", "critical")[n % 2]) for n in range(60)),
        raised(60, "F"),
    )
    expect(page.locator("#alarm-count")).to_have_text("60")
    expect(page.locator("#silence")).to_be_visible()
    assert int(str(page.locator("#sound").get_attribute("data-played"))) < 20
    page.click("#silence")
    expect(page.locator("#silence")).to_be_hidden()
    row = page.locator(".card [data-metric=temperature]")
    expect(row.locator(".shape")).to_be_visible()
    expect(row).to_contain_text("Critical")
    page.goto(f"{page.url.partition('#')[0]}#/alarms?show=suppressed_")
    expect(page.locator("[data-view=alarms] .alarm")).to_have_count(1)


def test_a_lost_connection_is_a_banner_and_what_is_pressed_then_waits_and_says_so(
    visit: Visit, api: Api, topics: Topics
) -> None:
    topics.events(raised(1))
    page = visit()
    button = page.get_by_role("button", name="Acknowledge: R1, Rack")
    expect(button).to_be_visible()
    api.stop()
    expect(page.locator("#lost")).to_contain_text("Connection lost at")
    expect(page).to_have_title(re.compile("Connection lost"))
    expect(page.locator("aside .as-of")).to_contain_text("as of")
    assert page.evaluate("document.getElementById('lost').offsetWidth === innerWidth")
    button.click()
    expect(page.locator(".toast")).to_have_text("Acknowledge: R1, Rack waits for the server.")
    with page.expect_request(re.compile("/ack")):
        api.start()
    expect(page.locator("#lost")).to_be_hidden()


def test_what_was_said_of_an_alarm_stands_after_later_changes_a_reload_and_a_reconnect(
    visit: Visit, api: Api, topics: Topics
) -> None:
    now = time.time()
    flags = ["active", "shelved:timed"]
    at = [{"time": now - n, "recorded": now - n} for n in (90, 60, 30, 0)]
    topics.events(
        alarm(1, flags=["active", "unacked"], **at[0]),
        alarm(2, "E", event="shelved", until=now + 7000, user="ada", comment="new pump",
              flags=[*flags, "unacked"], **at[1]),
    )  # fmt: skip
    page = visit(view="#/alarms?show=shelved_")
    row = page.locator("[data-view=alarms] .alarm")

    def expect_said(*words: str) -> None:
        for word in words:
            expect(row).to_contain_text(word)

    expect_said("ada: new pump", "left")
    topics.events(alarm(3, "E", event="acked", user="bob", flags=flags, value=33.0, **at[2]))
    expect_said("ada: new pump", "left", "31 → 33", "1 min")
    topics.events(
        alarm(
            4, "E", event="commented", user="eve", comment="seen", flags=flags, value=33.0, **at[3]
        )
    )
    expect_said("ada: new pump", "eve: seen", "left", "31 → 33")
    page.reload()
    expect_said("ada: new pump", "eve: seen", "left", "31 → 33")
    api.stop()
    expect(page.locator("#lost")).to_be_visible()
    api.start()
    expect(page.locator("#lost")).to_be_hidden()
    expect_said("ada: new pump", "eve: seen", "left", "31 → 33")
    row.locator(".alarm-open").click()
    details = page.locator("dialog .details")
    for words in ("until", "ada: new pump", "eve: seen", "bob"):
        expect(details).to_contain_text(words)


def test_one_login_is_for_all_tabs_and_reload_and_back_keep_the_place(
    visit: Visit, api: Api, topics: Topics
) -> None:
    topics.events(reading(1, time=time.time()), reading(2, subject="yard", time=time.time()))
    page = visit(view="#/overview?q=rack")
    expect(page.locator(".card")).to_have_count(1)
    page.click(".card [data-metric=temperature]")
    page.click('[data-range="86400"]')
    page.reload()
    expect(page.locator("#history-title")).to_have_text("Rack · Temperature")
    expect(page.locator('[data-range="86400"]')).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#search")).to_have_value("rack")
    page.go_back()
    expect(page.locator("#history")).to_be_hidden()
    expect(page.locator("#search")).to_have_value("rack")

    other = page.context.new_page()
    other.goto(f"{api.url}/#/alarms")
    expect(other.locator("#connection")).to_have_attribute("data-state", "live")
    other.click("#logout")
    expect(page.locator("#login")).to_be_visible()
    page.check("[name=stay]")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", api.password)
    page.press("[name=password]", "Enter")
    expect(other.locator("#connection")).to_have_attribute("data-state", "live")
    context = page.context
    page.close()
    other.close()
    again = context.new_page()
    again.goto(api.url)
    expect(again.locator("#connection")).to_have_attribute("data-state", "live")


def test_a_home_stands_in_areas_pinned_first_and_folds_away_what_its_devices_run_on(
    visit: Visit, topics: Topics
) -> None:
    now = time.time()
    topics.events(
        reading(1, time=now, subject="fridge", labels={"area": "kitchen"}),
        reading(2, time=now, subject="fridge", metric="battery", value=80.0, unit="%"),
        reading(3, time=now, subject="door", metric="contact", labels={"room": "hall"}),
        reading(4, time=now, subject="mast"),
    )
    page = visit()
    heads = page.locator(".card-section h3")
    expect(heads).to_have_text(["Hall1", "Kitchen1", "Elsewhere1"])
    fridge = page.locator('[data-subject="fridge"]')
    expect(fridge.locator(".row")).to_have_count(1)
    fridge.get_by_role("button", name="Battery 80 %").click()
    expect(fridge.locator(".row")).to_have_count(2)
    page.get_by_role("button", name="Pin Mast").click()
    expect(heads).to_have_text(["Pinned1", "Hall1", "Kitchen1"])
    page.locator(".section-name", has_text="Hall").click()
    expect(page.locator(".card")).to_have_count(2)
    page.reload()
    expect(heads).to_have_text(["Pinned1", "Hall1", "Kitchen1"])
    expect(page.locator(".card")).to_have_count(2)
    for words, found in (("kitchen", "fridge"), ("opening", "door")):
        page.fill("#search", words)
        expect(page.locator(".card")).to_have_count(1)
        expect(page.locator(f'[data-subject="{found}"]')).to_be_visible()
    page.fill("#search", "")
    page.mouse.move(0, 0)
    topics.events(raised(1, subject="fridge"))
    expect(heads).to_have_text(["Pinned1", "Kitchen1", "Hall1"])


def test_the_page_can_be_installed_and_opens_without_its_server(visit: Visit, api: Api) -> None:
    page = visit(keeps=True, log_in=False)
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    manifest = page.evaluate(
        "async () => (await fetch(document.querySelector('[rel=manifest]').href)).json()"
    )
    assert manifest["start_url"] == "/" and manifest["display"] == "standalone"
    for icon in manifest["icons"]:
        assert api.get(icon["src"]).headers["content-type"] == icon["type"]
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    api.stop()
    page.reload()
    expect(page.locator("#login-form h1")).to_have_text("Vigie")
    kept = page.evaluate(
        "async () => (await Promise.all((await caches.keys()).map("
        "async (name) => (await (await caches.open(name)).keys()).map(({url}) => url)))).flat()"
    )
    assert any(url.endswith("/static/app.js") for url in kept)
    assert not [url for url in kept if "/api/" in url]


def test_on_a_wall_there_is_nothing_but_what_is_watched_and_all_of_it_fits(
    visit: Visit, topics: Topics
) -> None:
    now = time.time()
    topics.events(*(reading(n, subject=f"probe {n}", time=now) for n in range(30)))
    page = visit(view="#/overview?wall=1")
    expect(page.locator(".card")).to_have_count(30)
    expect(page.locator("#nav")).to_be_hidden()
    expect(page.locator("#person")).to_be_hidden()
    page.wait_for_function("() => cards.getBoundingClientRect().bottom <= innerHeight")
    page.keyboard.press("Escape")
    expect(page.locator("#nav")).to_be_visible()
    expect(page).to_have_url(re.compile(r"#/overview$"))
    page.click("#wall")
    expect(page.locator("#nav")).to_be_hidden()


def style(page: Page, wanted: str, name: str) -> Any:
    return page.locator(wanted).first.evaluate(STYLE, name)


def test_five_hundred_alarms_are_low_rows_that_sort_and_print_whole(
    visit: Visit, topics: Topics
) -> None:
    page = visit(view="#/alarms")
    now = time.time()
    topics.events(
        *(raised(n, time=now - n, subject=f"probe_{n}", metric="temperature") for n in range(500))
    )
    table = page.locator(".alarm-table")
    expect(table).to_have_attribute("aria-rowcount", "501")
    rows = table.locator(".alarm")
    for width in (1440, 1024):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(
            "() => [...document.querySelectorAll('.alarm-table .alarm')].every(row =>"
            " row.offsetHeight === 32)"
        )
        expect_to_fit(page)
    assert rows.count() < 80, "rows out of sight are in the page"

    first = rows.first.locator(".where")
    for press, order, subject in (
        (1, "ascending", "Probe 0"), (2, "descending", "Probe 499"), (3, None, None)
    ):  # fmt: skip
        page.click("[data-sort=where]")
        head = page.locator("[role=columnheader]", has_text="Where")
        if order is None:
            assert head.get_attribute("aria-sort") is None, press
            continue
        expect(head).to_have_attribute("aria-sort", order)
        expect(first).to_have_text(str(subject))
        assert "sort=" in page.url

    page.emulate_media(media="print")
    printed = page.evaluate(
        "() => { dispatchEvent(new Event('beforeprint'));"
        " return document.querySelectorAll('.alarm-table .alarm').length; }"
    )
    assert printed == 500
    for gone in ("#nav", ".table-tools", ".table-bar", ".alarm-table [data-action=ack]"):
        expect(page.locator(gone).first).to_be_hidden()


def test_a_shape_blinks_while_nobody_has_seen_the_alarm_and_not_for_whom_movement_disturbs(
    visit: Visit, topics: Topics
) -> None:
    page = visit(view="#/alarms")
    topics.events(raised(1), raised(2, "C", state="acked"))
    unseen, seen = ".alarm[data-isa=B] .shape", ".alarm[data-isa=C] .shape"
    expect(page.locator(unseen)).to_have_count(1)
    assert style(page, unseen, "animationName") == "blink"
    assert float(style(page, unseen, "animationDuration").rstrip("s")) >= 0.5, "above 2 Hz"
    assert style(page, seen, "animationName") == "none"
    assert style(page, seen, "fill") == "none", "only colour says whether it was seen"
    page.emulate_media(reduced_motion="reduce")
    assert style(page, unseen, "animationName") == "none"
    page.emulate_media(forced_colors="active")
    assert style(page, unseen, "fill") == style(page, unseen, "stroke") != "none"
    assert style(page, seen, "fill") == "none"
    assert style(page, seen, "stroke") != style(page, "body", "backgroundColor")


def test_sparklines_are_grey_also_of_a_signal_in_alarm(visit: Visit, topics: Topics) -> None:
    now = time.time()
    topics.events(*(reading(n, 20.0 + n, time=now - 9 + n) for n in range(9)), raised(1))
    page = visit()
    line = page.locator(".spark-line").first
    expect(line).to_have_attribute("d", re.compile("L"))
    expect(page.locator(".row[data-isa=B]")).to_have_count(1)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert line.evaluate(SPREAD) < 60, scheme  # a grey with some blue; an alarm's have over 100


def test_each_priority_has_a_sound_that_is_repeated_until_somebody_silences_it(
    visit: Visit, topics: Topics
) -> None:
    page = visit()
    page.clock.install()
    page.reload()
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    page.evaluate(
        "() => { window.heard = []; const start = OscillatorNode.prototype.start;"
        " OscillatorNode.prototype.start = function (at)"
        " { heard.push(this.frequency.value); return start.call(this, at); }; }"
    )
    page.click("#sound")
    tunes = {"asked for": page.evaluate("heard.splice(0)")}
    for number, priority in enumerate(("low", "medium", "high", "critical")):
        topics.events(raised(number, priority=priority, annunciate=True))
        expect(page.locator(".alarm")).to_have_count(number + 1)
        page.clock.run_for(1000)
        tunes[priority] = page.evaluate("heard.splice(0)")
    assert len({str(tune) for tune in tunes.values()}) == 4, tunes  # the first is that of `low`
    page.clock.run_for(6000)
    assert page.evaluate("heard.splice(0)") == tunes["critical"], "it is not repeated"
    page.click("#silence")
    expect(page.locator("#silence")).to_be_hidden()
    page.clock.run_for(6000)
    assert tunes["critical"][0] not in page.evaluate("heard")
