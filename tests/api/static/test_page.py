import math
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from api.app import STATIC
from api.settings import Settings
from connectors.clickhouse.columns import READINGS
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from tests.api.conftest import Start
from tests.api.events import alarm, reading
from tests.api.running import Api, Topics
from tests.api.static.browsing import (
    DESK,
    PHONE,
    expect_no_violation,
    expect_to_fit,
    log_in_to,
    missing,
)

pytestmark = pytest.mark.skipif(missing(), reason="Debian's package chromium is not installed")
Visit = Callable[..., Page]


@pytest.fixture
def api(start: Start, settings: Settings, topics: Topics, database: Callable[[], Any]) -> Api:
    """A server whose ClickHouse holds two hours of one signal, one reading every ten seconds."""
    now = time.time()
    client = database()
    Schema(client, "").migrate(Declared("readings", "readings"))
    past = [reading(n, 24 + 3 * math.sin(n / 100), time=now - 7200 + n * 10) for n in range(720)]
    client.insert_arrow("readings", READINGS.arrow(past))
    server = start(replace(settings, clickhouse=database, site="north plant"))
    server.wait_for_topics(topics.readings, topics.alarms, topics.push)
    return server


def value(page: Page, subject: str = "rack", metric: str = "temperature") -> Any:
    return page.locator(f'[data-subject="{subject}"] [data-metric="{metric}"] .value b')


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_card_changes_and_an_alarm_appears_without_reload(
    visit: Callable[..., Page], topics: Topics, size: dict[str, int]
) -> None:
    now = time.time()
    topics.events(*(reading(n, 20.0 + n / 10, time=now - 60 + n) for n in range(10)))
    page = visit(size)
    expect(value(page)).to_have_text("20.9")
    expect(page.locator("#no-alarms")).to_be_visible()
    page.evaluate("window.notReloaded = true")
    spark = page.locator(".spark-line").first
    before = str(spark.get_attribute("d"))
    topics.events(
        reading(50, 31.4, time=now), reading(51, 1.0, metric="motion", unit=None, time=now)
    )
    expect(value(page)).to_have_text("31.4")
    expect(value(page, metric="motion")).to_have_text("motion")
    expect(spark).not_to_have_attribute("d", before)
    topics.events(alarm(1, time=now, recorded=now, annunciate=True))
    shown = page.locator('.alarm[data-alarm="too_hot"]')
    expect(shown).to_be_visible()
    for words in (
        "Unacknowledged",
        "High",
        "Too hot",
        "Rack",
        "31 → 31.4 °C",
        "limit 30 °C",
        "Check the air conditioning",
    ):
        expect(shown).to_contain_text(words)
    expect(page.locator('.card[data-subject="rack"]')).to_have_attribute("data-alarm", "high")
    expect(page).to_have_title("(1) Vigie")
    topics.events(alarm(2, "A", time=now + 1, recorded=now + 1))
    expect(shown).to_have_count(0)
    assert page.evaluate("window.notReloaded")
    expect_to_fit(page)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_history_of_a_clicked_card_is_drawn_out_of_clickhouse(
    visit: Callable[..., Page], topics: Topics, size: dict[str, int]
) -> None:
    now = time.time()
    topics.events(reading(1, 29.4, time=now), alarm(1, time=now, recorded=now))
    page = visit(size)
    page.click('[data-subject="rack"] [data-metric="temperature"]')
    chart = page.locator("#chart")
    expect(chart).to_have_attribute("data-points", re.compile("^[1-9][0-9]{2}$"))
    expect(chart.locator("canvas")).to_be_visible()
    expect(chart.locator(".limit-text")).to_have_text("Too hot: limit 30 °C")
    expect(chart.locator(".alarm-span")).to_have_count(1)
    expect(page.locator("#history-title")).to_have_text("Rack · Temperature")
    facts = page.locator("#history-facts")
    expect(facts).to_contain_text("Now29.4 °C")
    expect(facts).to_contain_text("Lowest21 °C")
    page.click('[data-range="86400"]')
    expect(page.locator('[data-range="86400"]')).to_have_attribute("aria-pressed", "true")
    expect(chart).to_have_attribute("data-points", re.compile("^[1-9][0-9]?$"))
    chart.locator(".uplot").press("ArrowLeft")
    expect(page.locator("#history-at")).to_contain_text("°C")
    with page.expect_download() as saved:
        page.click("#history-csv")
    assert saved.value.path().read_text().startswith("time,mean,lowest,highest,readings,unit")
    expect_to_fit(page)
    page.keyboard.press("Escape")
    expect(page.locator("#history")).to_be_hidden()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_signals_are_compared_over_a_period_of_ones_own_and_the_address_keeps_both(
    visit: Visit, topics: Topics, size: dict[str, int]
) -> None:
    now = time.time()
    topics.events(
        reading(1, 29.4, time=now),
        *(reading(n, 40.0 + n, metric="humidity", unit="%", time=now - 60 + n) for n in range(9)),
        reading(20, 900.0, subject="yard", metric="pressure", unit="hPa", time=now),
        reading(21, 1.0, subject="yard", metric="door", unit=None, time=now),
    )
    page = visit(size)
    page.click('[data-subject="rack"] [data-metric="temperature"]')
    expect(page.locator("#chart")).to_have_attribute("data-points", re.compile("^[1-9][0-9]{2}$"))
    page.click("#history-compare")
    page.fill("dialog [name=signal]", "door yard")
    page.click("dialog .primary")
    expect(page.locator("dialog .form-error")).to_have_text("No signal that fits has that name.")
    page.fill("dialog [name=signal]", "humidity rack")
    page.click("dialog .primary")
    line = page.locator(".compared-list li")
    expect(line).to_have_text("Rack · Humidity48 %")
    topics.events(reading(30, 55.0, metric="humidity", unit="%", time=now + 1))
    expect(line).to_have_text("Rack · Humidity55 %")
    page.locator("#chart .uplot").press("ArrowLeft")
    expect(page.locator("#history-at")).to_contain_text("Rack · Humidity")
    page.click("#history-compare")
    page.fill("dialog [name=signal]", "pressure")
    page.click("dialog .primary")  # a third unit has no axis
    expect(page.locator("dialog .form-error")).to_have_text("No signal that fits has that name.")
    page.keyboard.press("Escape")

    page.click("#history-period")
    until = page.input_value("dialog [name=to]")
    page.fill("dialog [name=to]", "2020-01-01T00:00")
    page.click("dialog .primary")
    expect(page.locator("dialog .form-error")).to_have_text(
        "The end must come after the beginning."
    )
    page.fill("dialog [name=to]", until)
    page.click("dialog .primary")
    expect(page.locator("#history-whole")).to_be_visible()
    expect_to_fit(page)
    expect_no_violation(page, "light")
    expect_no_violation(page, "dark")
    page.reload()
    expect(line).to_have_count(1)
    expect(page.locator("#history-whole")).to_be_visible()
    with page.expect_download() as saved:
        page.click("#history-csv")
    assert saved.value.path().read_text().startswith("time,subject,metric,mean")
    page.get_by_role("button", name="Remove: Rack · Humidity").click()
    expect(line).to_have_count(0)
    assert "beside" not in page.url


def test_a_limit_is_drawn_in_the_unit_of_the_chart_and_a_door_is_shown_as_it_is(
    visit: Callable[..., Page], topics: Topics
) -> None:
    now = time.time()
    door = {"subject": "freezer", "metric": "contact", "unit": None}
    topics.events(
        *(
            reading(n, 4000.0 + 300 * n, metric="power", unit="W", time=now - 60 + n)
            for n in range(10)
        ),
        reading(90, 0.0, time=now, **door),
        reading(91, 1.0, time=now, **(door | {"subject": "cellar"})),
        alarm(1, metric="power", value=6.7, limit=6.75, unit="kW", time=now, recorded=now),
        alarm(
            2,
            **(door | {"unit": ""}),
            alarm="door_open",
            value=0.0,
            limit=0.0,
            time=now,
            recorded=now,
        ),
    )
    page = visit()
    expect(value(page, "freezer", "contact")).to_have_text("open")
    expect(value(page, "cellar", "contact")).to_have_text("closed")
    opened = page.locator('.alarm[data-alarm="door_open"] .alarm-where')
    expect(opened).to_contain_text("open")
    expect(opened).not_to_contain_text("limit")
    power = page.locator('.alarm[data-alarm="too_hot"] .alarm-where')
    expect(power).to_contain_text("6.7 kW")

    page.click('[data-subject="rack"] [data-metric="power"]')
    expect(page.locator(".limit-text")).to_have_text("Too hot: limit 6,750 W")
    page.click('[data-subject="cellar"] [data-metric="contact"]')
    expect(page.locator(".state-bar")).to_have_text(re.compile("closed"))


def test_a_cut_connection_is_said_and_resumes_with_what_was_missed(
    visit: Callable[..., Page], api: Api, topics: Topics
) -> None:
    now = time.time()
    topics.events(reading(1, 20.5, time=now - 10))
    page = visit()
    expect(value(page)).to_have_text("20.5")
    api.stop()
    expect(page.locator("#connection")).to_have_attribute("data-state", "lost")
    expect(page.get_by_role("status").first).to_have_text("Connection lost — trying again")
    topics.events(reading(2, 22.5, time=now), alarm(1, time=now, recorded=now))
    api.start()
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(value(page)).to_have_text("22.5")
    expect(page.locator(".alarm")).to_have_count(1)
    topics.events(reading(3, 23.5, time=now + 1))
    expect(value(page)).to_have_text("23.5")


def test_everything_can_be_reached_with_the_keyboard(
    visit: Callable[..., Page], topics: Topics
) -> None:
    topics.events(reading(1, time=time.time()))
    page = visit()
    expect(value(page)).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("no such")
    expect(page.locator("#no-cards")).to_have_text("No device, area or metric has that name.")
    page.locator("#search").fill("")
    row = page.locator(".row").first
    for _ in range(20):
        if row.evaluate("row => row === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(row).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#history")).to_be_visible()
    page.keyboard.press("Escape")
    expect(row).to_be_focused()


def test_french_readers_get_french_and_can_switch(
    visit: Callable[..., Page], topics: Topics
) -> None:
    topics.events(
        reading(1, 21.5, time=time.time()), alarm(1, time=time.time(), recorded=time.time())
    )
    page = visit(language="fr-FR")
    expect(page.locator("#connection")).to_have_text("En direct")
    expect(value(page)).to_have_text("21,5")
    expect(page.locator(".alarm")).to_contain_text("Non acquittée")
    page.click("[data-language=en]")
    expect(value(page)).to_have_text("21.5")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_wrong_password_is_said_and_logging_out_forgets_everything(
    visit: Callable[..., Page], api: Api, topics: Topics
) -> None:
    topics.events(reading(1, time=time.time()))
    page = visit(log_in=False)
    expect(page.locator("#register")).to_be_hidden()
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", "wrong")
    page.click("#login-form button")
    expect(page.locator("#login-error")).to_have_text("Wrong user name or password.")
    log_in_to(page, api)
    expect(value(page)).to_be_visible()
    page.reload()
    expect(value(page)).to_be_visible()
    page.click("#logout")
    expect(page.locator("#login")).to_be_visible()
    expect(page.locator(".card")).to_have_count(0)
    page.wait_for_function("() => sessionStorage.length === 0")
    page.wait_for_function(
        "() => Object.keys(localStorage).every((key) => key === 'vigie.language')"
    )


def test_what_a_device_sends_is_shown_as_text_and_never_run(
    visit: Callable[..., Page], topics: Topics
) -> None:
    evil = "<img src=x onerror=alert(1)>"
    now = time.time()
    topics.events(
        reading(1, None, subject=evil, metric=evil, text=evil, unit=evil, time=now),
        alarm(1, subject=evil, message=evil, response=evil, time=now, recorded=now),
    )
    page = visit()
    expect(page.locator(".alarm-message")).to_have_text(evil)
    expect(page.locator(".card .value b")).to_have_text(evil)
    assert page.locator("img:not([src='/static/icon.svg'])").count() == 0


def test_the_page_needs_no_build_and_no_other_server() -> None:
    for file in filter(Path.is_file, STATIC.iterdir()):
        text = file.read_text()
        assert "style=" not in text
        assert "innerHTML" not in text
        links = set(re.findall(r"https?://[^\"'\s]+", text))
        assert links <= {"http://www.w3.org/2000/svg"}, f"{file.name} names {links}"
