"""A limit changed on its chart; what the supervisor does with it is tested beside it."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.api.events import alarm, reading
from tests.api.running import Topics
from tests.api.static.browsing import DESK, PHONE, expect_no_violation, expect_to_fit, missing
from tests.api.static.test_page_views import Visit

pytestmark = pytest.mark.skipif(missing(), reason="Debian's package chromium is not installed")
HELD = {
    "version": "abc",
    "text": "",
    "limits": [
        {"place": "when.above", "value": "30", "unit": "°C"},
        {"place": "levels.0.above", "value": "35", "unit": "°C"},
        {"place": "when.for", "value": "2min", "unit": None},
    ],
    "before": 0, "after": 0, "differs": [], "more": 0, "unknown": None, "refused": None,
}  # fmt: skip


class Supervisor:
    """Answers in the place of `vigie up`."""

    def __init__(self, page: Page) -> None:
        self.planned: list[Any] = []
        self.deployed: list[tuple[str | None, Any]] = []
        self.answer: dict[str, Any] = {}
        self.refuses: tuple[int, str] | None = None
        page.route(re.compile("/api/flows/server_room/limits/too_hot"), self._limits)
        page.route(re.compile("/api/flows/server_room$"), self._put)

    def _limits(self, route: Route) -> None:
        if route.request.method == "GET":
            route.fulfill(json=HELD)
            return
        self.planned.append(route.request.post_data_json)
        route.fulfill(json=HELD | {"text": "new text"} | self.answer)

    def _put(self, route: Route) -> None:
        self.deployed.append((route.request.headers.get("if-match"), route.request.post_data_json))
        if self.refuses:
            route.fulfill(status=self.refuses[0], json={"error": self.refuses[1]})
        else:
            route.fulfill(json={"version": "def"})


def open_editor(page: Page, topics: Topics) -> None:
    now = time.time()
    topics.events(
        reading(1, 31.0, time=now - 5), reading(2, 29.0, time=now), alarm(1, time=now, recorded=now)
    )
    page.click('[data-subject="rack"] [data-metric="temperature"]')
    page.click('#history-limits [data-rule="server_room/too_hot"]')
    expect(page.locator("[name='when.above']")).to_be_focused()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_limit_is_changed_on_its_chart_with_the_keyboard_and_the_past_is_shown_first(
    visit: Visit, topics: Topics, size: dict[str, int]
) -> None:
    page = visit(size)
    supervisor = Supervisor(page)
    now = time.time()
    spell = {"raised": now - 4000, "cleared": now - 3400, "priority": "high"}
    supervisor.answer = {
        "before": 3,
        "after": 2,
        "differs": [{"alarm": "too_hot", "subject": "rack", "before": spell, "after": None}],
    }
    open_editor(page, topics)
    deploy = page.locator("[data-action=deploy]")
    expect(deploy).to_be_disabled()
    page.keyboard.press("Control+A")
    page.keyboard.type("31,5")
    expect(page.locator("#chart .limit[data-proposed]")).to_contain_text("New: Above 31.5 °C")
    page.keyboard.press("Enter")
    shown = page.locator(".limit-result")
    expect(shown).to_contain_text("Over 7 days: raised 3 times before, 2 times after")
    expect(shown.locator("[data-kind=gone] li")).to_contain_text("Rack")
    expect(shown.locator("[data-kind=gone] li")).to_contain_text("10 min")
    assert supervisor.planned == [{"values": {"when.above": "31.5"}, "over": 604800}]
    expect_to_fit(page)
    expect_no_violation(page, "light")
    expect_no_violation(page, "dark")
    deploy.click()
    expect(page.locator(".toast")).to_have_text("The flow server_room runs with the new limits.")
    assert supervisor.deployed == [('"abc"', {"text": "new text"})]
    expect(page.locator('#history-limits [data-rule="server_room/too_hot"]')).to_be_focused()
    expect(page.locator("#chart .limit[data-proposed]")).to_have_count(0)


def test_where_no_history_is_the_limits_can_be_deployed_all_the_same_and_a_refusal_is_shown(
    visit: Visit, topics: Topics
) -> None:
    page = visit()
    supervisor = Supervisor(page)
    supervisor.answer = {"unknown": "nothing came in the last 7d"}
    supervisor.refuses = (422, "cool.yaml:5:1: error: heat must last\nexpected unacked")
    page.click("[data-language=fr]")
    open_editor(page, topics)
    page.fill("[name='when.for']", "5 min")
    page.keyboard.press("Enter")
    shown = page.locator(".limit-result")
    expect(shown).to_contain_text("On ne sait pas ce que ces seuils auraient fait.")
    expect(shown).to_contain_text("Rien n’est arrivé en 7d.")
    page.click("[data-action=deploy]")
    expect(page.locator(".limit-editor pre")).to_contain_text("heat must last")
    assert supervisor.planned[0]["values"] == {"when.for": "5min"}
    supervisor.refuses = (
        409,
        "expected version abc, but version x is there: somebody else deployed",
    )
    page.click("[data-action=deploy]")
    expect(page.locator(".limit-editor .form-error")).to_contain_text("Quelqu’un d’autre a déployé")
    page.click(".limit-editor .form-error button")
    expect(page.locator("[name='when.for']")).to_have_value("2min")
    page.keyboard.press("Escape")
    expect(page.locator(".limit-editor")).to_have_count(0)
    expect(page.locator("#history")).to_be_visible()


def told(metric: str | None, limit: float | None, priority: str = "high", **more: Any) -> Any:
    """A limit as a flow tells it."""
    rule = {"rule": "server_room/too_hot", "alarm": "too_hot"}
    return rule | {"metric": metric, "limit": limit, "priority": priority, "unit": None} | more


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_limits_of_alarms_that_were_never_raised_are_drawn_and_those_beyond_named_at_the_edge(
    visit: Visit, topics: Topics, size: dict[str, int]
) -> None:
    page = visit(size)
    cold = {"rule": "server_room/too_cold", "alarm": "too_cold"}
    limits = [
        told("temperature", 23.3, unit="°C"),
        told("temperature", 23.4, "critical"),
        told("temperature", 212.0, "critical", unit="°F"),
        told("temperature", 22.0, "low", **cold),
        told("temperature", -40.0, "medium", **cold),
        told("humidity", 22.5),
        told(None, None, rule="server_room/lost", alarm="lost"),
    ]
    page.route(
        re.compile("/api/alarms/limits"), lambda route: route.fulfill(json={"limits": limits})
    )
    now = time.time()
    topics.events(reading(1, 23.0, time=now))
    page.click('[data-subject="rack"] [data-metric="temperature"]')
    lines = page.locator("#chart .limit")
    expect(lines).to_have_text(
        ["Too hot: limit 23.4 °C", "Too hot: limit 23.3 °C", "Too cold: limit 22 °C"]
    )
    expect(lines.nth(1)).to_have_attribute("data-side", "left")
    beyond = page.locator("#chart .limits-beyond")
    expect(beyond.nth(0)).to_have_text("↑ Too hot: limit 100 °C")
    expect(beyond.nth(1)).to_have_text("↓ Too cold: limit -40 °C")
    expect(page.locator("#chart [role=img]")).to_have_attribute(
        "aria-label", re.compile("Too cold: limit -40 °C")
    )
    rules = page.locator("#history-limits [data-rule]")
    expect(rules).to_have_count(3)
    expect_to_fit(page)
    expect_no_violation(page, "light")
    expect_no_violation(page, "dark")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_what_comes_late_into_a_chart_moves_no_button_under_the_pointer(
    visit: Visit, topics: Topics, size: dict[str, int]
) -> None:
    page = visit(size)
    Supervisor(page)
    late: dict[str, Route] = {}
    page.route(re.compile(r"/api/history\?"), lambda route: late.update(history=route))
    page.route(re.compile("/api/alarms/limits"), lambda route: late.update(limits=route))
    now = time.time()
    topics.events(reading(1, 31.0, time=now), alarm(1, time=now, recorded=now))
    with page.expect_request(re.compile("/api/alarms/history")):
        page.click('[data-subject="rack"] [data-metric="temperature"]')
    day, period = page.locator('[data-range="86400"]'), page.locator("#history-period")
    day.hover()
    before = [day.bounding_box(), period.bounding_box()]
    expect(page.locator("#history-limits button")).to_have_count(0)
    points = [[now - n, 30.0, 30.0, 30.0, 1] for n in range(600, 0, -60)]
    late["history"].fulfill(
        json={"points": points, "ends": [30.0] * 10, "texts": [], "unit": "°C", "step": 60}
    )
    expect(page.locator("#history-csv")).to_be_visible()
    assert [day.bounding_box(), period.bounding_box()] == before
    change = page.locator('#history-limits [data-rule="server_room/too_hot"]')
    change.hover()
    place = change.bounding_box()
    page.mouse.down()
    late["limits"].fulfill(
        json={"limits": [told("temperature", 35.0, rule="server_room/cold", alarm="cold")]}
    )
    expect(page.locator("#history-limits button")).to_have_count(2)
    assert change.bounding_box() == place
    page.mouse.up()
    expect(page.locator("[name='when.above']")).to_be_focused()


def test_a_limit_that_the_flow_tells_takes_the_place_of_the_one_that_its_alarm_was_raised_with(
    visit: Visit, topics: Topics
) -> None:
    page = visit()
    limits = [told("temperature", 31.5, unit="°C")]
    page.route(
        re.compile("/api/alarms/limits"), lambda route: route.fulfill(json={"limits": limits})
    )
    now = time.time()
    topics.events(
        reading(1, 31.0, time=now - 5), reading(2, 30.0, time=now), alarm(1, time=now, recorded=now)
    )
    page.click('[data-subject="rack"] [data-metric="temperature"]')
    expect(page.locator("#chart .limit")).to_have_text(["Too hot: limit 31.5 °C"])
