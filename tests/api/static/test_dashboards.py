"""Dashboards of one's own: made, edited with the keyboard and the pointer, shared, on a wall."""

import json
import re
import time
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

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
from tests.api.static.test_page_views import PICTURE, Visit
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(missing(), reason="Debian's package chromium is not installed")
CARD = {"kind": "card", "subject": "rack"}
CHART = {"kind": "chart", "subject": "rack", "metric": "temperature", "range": 3600, "width": 2}
CAMERA = {"kind": "camera", "camera": "gate"}
ALARMS = {"kind": "alarms", "priority": "high"}


def call(api: Api, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token or api.login()}"}
    answer = httpx.request(method, f"{api.url}{path}", json=body, headers=headers, timeout=PATIENCE)
    assert answer.status_code < 300, answer.text
    return answer.json()


def made(api: Api, *panels: dict[str, Any], name: str = "Night desk") -> str:
    """A dashboard of the admin's; returns its address in the page."""
    page = call(api, "POST", "/api/pages", {"name": "Energy"})["id"]
    new = {"name": name, "panels": list(panels)}
    return f"#/dashboards/{call(api, 'POST', f'/api/pages/{page}/dashboards', new)['id']}"


def say(topics: Topics) -> None:
    now = time.time()
    topics.events(
        *(reading(n, 20.0 + n, time=now - 10 + n, labels={"area": "hall"}) for n in range(9)),
        alarm(1, time=now, recorded=now),
        alarm(2, time=now, recorded=now, rule="plant/low", alarm="low", priority="low"),
    )


def names(page: Page) -> list[str]:
    return [
        text.split("\n")[0]
        for text in page.locator(".board-panel h3:first-of-type").all_inner_texts()
    ]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_dashboard_is_made_and_edited_with_the_keyboard_alone(
    visit: Visit, topics: Topics, api: Api, size: dict[str, int]
) -> None:
    say(topics)
    page = visit(size)
    expect(page.locator('.card[data-subject="rack"]')).to_be_visible()
    page.goto(f"{api.url}/#/dashboards")
    expect(page.locator("[data-view=dashboards] .empty-state")).to_contain_text("No dashboards yet")
    page.locator("[data-action=new-dashboard]").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("Night desk")
    page.keyboard.press("Enter")
    add = page.locator("[data-action=add-panel]")
    expect(add).to_be_focused()
    for panel in ("card", "chart", "alarms"):
        add.press("Enter")
        page.locator("dialog [name=kind]").select_option(panel)
        if panel != "alarms":
            page.locator("dialog [name=subject]").press_sequentially("Rack")
        page.locator("dialog .primary").press("Enter")
        expect(page.locator("dialog")).to_have_count(0)
    kinds = page.locator(".board-panel")
    expect(kinds).to_have_count(3)
    handle = page.get_by_role("button", name="Move with the arrow keys: Alarms")
    handle.press("ArrowLeft")
    expect(page.locator("#announce")).to_have_text("Place 2 of 3")
    expect(handle).to_be_focused()
    page.get_by_role("button", name="Wider: Alarms").press("Enter")
    page.get_by_role("button", name="Move with the arrow keys: Rack", exact=True).press("Delete")
    expect(page.get_by_role("button", name="Take away: Alarms")).to_be_focused()
    expect_to_fit(page)
    expect_no_violation(page, "light")
    page.locator("[data-action=save]").press("Enter")
    expect(page.locator("[data-action=edit]")).to_be_focused()
    page.reload()
    expect(kinds).to_have_count(2)
    assert [one.get_attribute("data-kind") for one in kinds.all()] == ["alarms", "chart"]
    expect(kinds.first).to_have_attribute("data-width", "2")
    expect(page.locator("[data-kind=alarms] .alarm")).to_have_count(2)
    expect_to_fit(page)
    expect_no_violation(page, "dark")
    (kept,) = call(api, "GET", "/api/pages")
    assert kept["name"] == "Night desk"


def test_panels_change_places_with_the_pointer_and_what_is_not_saved_survives_a_look_elsewhere(
    visit: Visit, topics: Topics, api: Api
) -> None:
    say(topics)
    page = visit(view=made(api, CARD, ALARMS, CARD | {"subject": "freezer"}))
    page.click("[data-action=edit]")
    handle = page.get_by_role("button", name="Move with the arrow keys: Rack")
    here = handle.bounding_box()
    there = page.locator(".board-panel").nth(2).bounding_box()
    assert here and there
    page.mouse.move(here["x"] + 5, here["y"] + 5)
    page.mouse.down()
    page.mouse.move(there["x"] + 40, there["y"] + 40, steps=3)
    page.mouse.up()
    order = page.locator(".board-panel")
    expect(order.nth(2)).to_contain_text("Rack")
    expect(handle).to_be_focused()
    page.fill("[name=dashboard-name]", "Day desk")
    page.click("[data-to=alarms]")
    expect(page.locator("[data-view=alarms]")).to_be_visible()
    page.go_back()
    expect(page.locator("[name=dashboard-name]")).to_have_value("Day desk")
    expect(order.nth(2)).to_contain_text("Rack")
    page.click("[data-action=save]")
    expect(page.locator(".board-bar h2")).to_have_text("Day desk")
    page.click("[data-action=edit]")
    page.fill("[name=dashboard-name]", "No")
    page.click("[data-action=cancel]")
    expect(page.locator(".board-bar h2")).to_have_text("Day desk")


def test_two_who_edit_do_not_undo_each_other(visit: Visit, topics: Topics, api: Api) -> None:
    say(topics)
    view = made(api, CARD)
    page, other = visit(view=view), visit(view=view, language="fr-FR")
    page.click("[data-action=edit]")
    other.click("[data-action=edit]")
    page.fill("[name=dashboard-name]", "Mine")
    page.click("[data-action=save]")
    expect(page.locator(".board-bar h2")).to_have_text("Mine")
    other.fill("[name=dashboard-name]", "Autre")
    other.click("[data-action=save]")
    expect(other.locator("[data-view=dashboards] > .form-error")).to_contain_text(
        "admin a modifié le tableau entre-temps."
    )
    expect(other.locator("[name=dashboard-name]")).to_have_value("Autre")
    other.click("[data-action=theirs]")
    expect(other.locator(".board-bar h2")).to_have_text("Mine")


def test_who_may_only_view_a_dashboard_edits_nothing_and_sees_no_hidden_camera(
    visit: Visit, topics: Topics, api: Api
) -> None:
    say(topics)
    admin = api.login()
    view = made(api, CARD, CAMERA, CARD | {"subject": "gate"}, ALARMS)
    (shared,) = call(api, "GET", "/api/pages", token=admin)
    hidden = call(api, "POST", "/api/pages", {"name": "Vault"}, admin)["id"]
    pages = call(api, "GET", "/api/pages", token=admin)
    key = next(one["key"] for one in pages if one["id"] == hidden)
    gate = {"name": "gate", "url": "rtsp://10.0.0.1/s", "page": key}
    call(api, "POST", "/api/cameras", gate, admin)
    now = time.time()
    topics.events(alarm(9, time=now, recorded=now, rule="plant/open", alarm="open", page=key))
    account = {"username": "marie", "password": "correct horse battery", "role": "operator"}
    marie = call(api, "POST", "/api/users", account, admin)["id"]
    share = {"subject_type": "user", "subject_id": marie, "can_view": True, "can_edit": False}
    call(api, "PUT", f"/api/pages/{shared['id']}/shares", share, admin)
    page = visit(view=view, username="marie", password=account["password"])
    expect(page.locator(".board-panel")).to_have_count(2)
    expect(page.locator("[data-kind=alarms] .alarm")).to_have_count(1)
    assert "ate" not in page.locator(".board").inner_text().replace("ated", "")
    expect(page.locator("[data-action=edit]")).to_have_count(0)
    owner = visit(view=view)
    expect(owner.locator(".board-panel")).to_have_count(4)
    expect(owner.locator("[data-kind=alarms] .alarm")).to_have_count(2)
    call(api, "DELETE", f"/api/pages/{shared['id']}/shares/user/{marie}", token=admin)
    expect(page.locator("[data-view=dashboards] .empty-state")).to_contain_text(
        "Permission denied: cannot view this page"
    )
    expect(page.locator(".board-panel")).to_have_count(0)


def test_a_dashboard_on_a_wall_has_no_chrome_and_follows_what_others_save(
    visit: Visit, topics: Topics, api: Api
) -> None:
    say(topics)
    view = made(api, CARD, CHART, CAMERA, ALARMS)
    page = visit(view=f"{view}?wall=1")
    expect(page.locator(".board-panel")).to_have_count(4)
    for gone in ("#nav", "#person", ".board-bar .side", ".board-back"):
        expect(page.locator(gone)).to_be_hidden()
    expect(page.locator(".board-bar h2")).to_have_text("Night desk")
    expect(page.locator("[data-kind=card] .value b")).to_have_text("28")
    topics.events(reading(50, 31.5, time=time.time()))
    expect(page.locator("[data-kind=card] .value b")).to_have_text("31.5")
    expect(page.locator("[data-kind=chart] header b")).to_have_text("31.5 °C")
    frame = {"kind": "frame", "subject": "gate", "time": time.time(), "jpeg": PICTURE}
    topics.pushed("camera_gate", [frame], subject="gate")
    expect(page.locator("[data-kind=camera] canvas")).to_be_visible()
    one = f"/api/dashboards/{view.rpartition('/')[2]}"
    call(api, "PUT", one, {"name": "Night", "panels": [CARD], "version": 1})
    expect(page.locator(".board-panel")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("#nav")).to_be_visible()
    expect(page).to_have_url(re.compile(r"#/dashboards/[\w-]+$"))


def test_what_is_edited_is_still_there_after_the_session_ended_but_not_for_another_person(
    visit: Visit, topics: Topics, api: Api
) -> None:
    say(topics)
    page = visit(view=made(api, CARD))
    page.click("[data-action=edit]")
    page.fill("[name=dashboard-name]", "Half done")
    admin = api.login()
    (me,) = [
        one for one in call(api, "GET", "/api/users", token=admin) if one["username"] == "admin"
    ]
    call(api, "POST", f"/api/users/{me['id']}/logout", token=admin)
    expect(page.locator("#login-error")).to_contain_text("Your session has ended")
    log_in_to(page, api)
    expect(page.locator("[name=dashboard-name]")).to_have_value("Half done")
    account = {"username": "marie", "password": "correct horse battery", "role": "admin"}
    call(api, "POST", "/api/users", account)
    page.click("#logout")
    log_in_to(page, api, username="marie", password=account["password"])
    expect(page.locator("[data-view=dashboards] .empty-state")).to_be_visible()
    assert "Half done" not in json.dumps(page.content())
