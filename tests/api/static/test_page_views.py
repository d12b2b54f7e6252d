"""Each view of the page, in a browser."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from playwright.sync_api import Page, expect

from api.app import STATIC
from api.settings import Settings
from connectors.base import Health
from connectors.config.api_section import ApiSection
from flows.runtime.status import Metrics, StatusServer, make_health
from infra.embedded.broker import Broker
from operators.events import DeadLetter, Detection, Occurrence
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
from tests.flow_process import FlowProcess
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(missing(), reason="Debian's package chromium is not installed")
Visit = Callable[..., Page]
PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAGCAIAAABxZ0isAAAAEUlEQVR4nGNQcEjAihgGUgIAgSwkAYwdvDgAAAAA"
    "SUVORK5CYII="
)
"""A PNG of 8 x 6 pixels."""
GRAPH = {
    "boxes": [
        {"name": "sensors", "kind": "source", "lines": ["topic: site.readings"]},
        {"name": "hot", "kind": "alarm", "lines": ["when above: 30"]},
        {"name": "store", "kind": "sink", "lines": ["clickhouse: readings"]},
    ],
    "arrows": [["sensors", "hot", ""], ["sensors", "store", ""]],
}


@pytest.fixture
def flow() -> Iterator[tuple[StatusServer, Metrics, Health]]:
    """What a flow says of itself."""
    metrics = Metrics("plant")
    health = make_health("plant", metrics)
    server = StatusServer("plant", 0, metrics, health, json.dumps(GRAPH))
    yield server, metrics, health
    server.close()


@pytest.fixture
def api(
    start: Start, settings: Settings, topics: Topics, flow: tuple[StatusServer, Metrics, Health]
) -> Api:
    """A server with a broker, a flow to look after, and no ClickHouse."""
    section = ApiSection(flows=[f"http://127.0.0.1:{flow[0].port}"], registration="open")
    return start_with_events(start, replace(settings, section=section, site="north plant"), topics)


def start_with_events(start: Start, settings: Settings, topics: Topics) -> Api:
    """A server that knows the site's events."""
    topics.events(happened(0), topic=events_of(topics))
    server = start(replace(settings, event_topics=(events_of(topics),)))
    server.wait_for_topics(topics.readings, topics.alarms, topics.push, events_of(topics))
    return server


def events_of(topics: Topics) -> str:
    return f"{topics.prefix}events"


def happened(number: int, **others: Any) -> Occurrence:
    values: dict[str, Any] = {
        "time": time.time() - 60 + number,
        "subject": "pir_hall",
        "type": "motion_detected",
    }
    return Occurrence(id=f"o{number}", **values | others)


def seen(number: int, **others: Any) -> Detection:
    values: dict[str, Any] = {
        "time": time.time() - 30 + number, "subject": "entrance", "class_": "person", "score": 0.9,
        "box": (0.25, 0.25, 0.5, 0.5),
    }  # fmt: skip
    return Detection(id=f"d{number}", **values | others)


@pytest.fixture
def desk(tmp: Path, broker: Broker, topics: Topics) -> Iterator[None]:
    """A running flow with an alarm, whose readings are the page's."""
    definition = tmp / "room.yaml"
    definition.write_text(
        f"vigie: 1\nflow: room\nsources: {{sensors: {{topic: {topics.readings}}}}}\nalarms:\n "
        " too_hot: {from: sensors, when: {above: 30 °C, clear: 28 °C}, priority: high,"
        " response: Call the guard.}\nsinks:\n  live: {from: alarms, websocket: {channel:"
        " room}}\n"
    )
    site = tmp / "site.yaml"
    redpanda = {"brokers": [broker.address], "prefix": topics.prefix, "idempotence": False}
    site.write_text(json.dumps({"vigie": 1, "site": "test", "connections": {"redpanda": redpanda}}))
    with FlowProcess(definition, site, tmp / "flow"):
        yield


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until the element is reached, as somebody without a mouse does."""
    expect(page.locator(wanted).first).to_be_visible()
    for _ in range(60):
        if page.evaluate("wanted => document.activeElement?.matches(wanted)", wanted):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {wanted}")


@pytest.mark.usefixtures("desk")
def test_an_alarm_is_acknowledged_shelved_and_taken_back_with_the_keyboard_alone(
    visit: Visit, topics: Topics
) -> None:
    page = visit(view="#/alarms")
    topics.events(reading(1, 31.0, time=time.time()))
    item = page.locator("[data-view=alarms] .alarm")
    expect(item).to_have_attribute("data-isa", "B")
    expect(page.locator("#announce")).to_have_text("New alarm: Too hot, Rack")
    tab_to(page, "[data-view=alarms] [data-action=ack]")
    page.keyboard.press("Enter")
    expect(item).to_have_attribute("data-isa", "C")
    expect(page.locator(".toast").first).to_have_text("Too hot, Rack is acknowledged.")
    expect(page.locator(".alarm :focus")).to_have_count(1)

    tab_to(page, "[data-view=alarms] [data-action=shelve]")
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[data-dialog=shelve]")
    expect(dialog.locator("[name=comment]")).to_be_focused()
    page.keyboard.type("door is open")
    tab_to(page, "dialog .primary")
    page.keyboard.press("Enter")
    expect(item).to_have_attribute("data-isa", "E")
    expect(item).to_contain_text("door is open")
    expect(dialog).to_have_count(0)

    tab_to(page, ".alarm-open")
    page.keyboard.press("Enter")
    details = page.locator("dialog[data-dialog=alarm]")
    expect(details).to_contain_text("Call the guard.")
    tab_to(page, "dialog [data-action=unshelve]")
    page.keyboard.press("Enter")
    expect(details.locator(".state")).to_have_text("Acknowledged")
    page.keyboard.press("Escape")
    expect(details).to_have_count(0)
    expect(page).to_have_url(re.compile("#/alarms$"))


@pytest.mark.usefixtures("desk")
def test_many_alarms_are_chosen_by_area_with_shift_and_shelved_with_one_reason(
    visit: Visit, topics: Topics
) -> None:
    page = visit(view="#/alarms?group=area")
    now = time.time()
    topics.events(
        *(
            reading(
                n, 31.0 + n, subject=f"probe_{n}", time=now, labels={"area": "hall" if n else ""}
            )
            for n in range(5)
        )
    )
    rows = page.locator(".alarm-table .alarm")
    expect(rows).to_have_count(5)
    page.locator(".group-name", has_text="hall").click()
    expect(rows).to_have_count(1)
    page.locator(".group-name", has_text="hall").click()
    page.select_option("[name=area]", "hall")
    expect(rows).to_have_count(4)
    boxes = rows.locator("[type=checkbox]")
    boxes.first.click()
    boxes.nth(2).click(modifiers=["Shift"])
    bar = page.locator("[data-view=alarms] .table-bar")
    expect(bar).to_contain_text("3 chosen")
    page.click("[data-many=shelve]")
    page.fill("dialog [name=comment]", "the doors are open")
    page.click("dialog .primary")
    expect(page.locator(".toast").first).to_have_text("3 shelved.")
    expect(page.locator('.alarm-table .alarm[data-isa="E"]')).to_have_count(3)
    page.click("[data-many=none]")
    page.click("[data-kind=shelved_]")
    page.reload()
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("left")
    expect(rows.first).to_contain_text("the doors are open")
    page.click("[data-kind=all]")
    expect(rows).to_have_count(4)
    page.click("[data-many=sight]")
    expect(page.locator('.alarm-table .alarm[data-isa="C"]')).to_have_count(1)


def test_many_alarms_at_once_are_a_flood_and_a_filter_shows_some(
    visit: Visit, topics: Topics
) -> None:
    now = time.time()
    page = visit(view="#/alarms")
    page.click("#sound")
    expect(page.locator("#sound")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#flood")).to_be_hidden()
    many = [
        alarm(
            n,
            "BE"[n % 4 == 0],
            rule=f"r{n}",
            subject=f"probe_{n}",
            annunciate=n % 4 != 0,
            time=now,
            recorded=now,
        )
        for n in range(1, 17)
    ]
    topics.events(*many)
    expect(page.locator("#flood")).to_contain_text("12 alarms in 10 minutes")
    expect(page.locator("[data-view=alarms] .alarm")).to_have_count(16)
    page.click("[data-kind=shelved_]")
    expect(page.locator("[data-view=alarms] .alarm")).to_have_count(4)
    expect(page.locator("#sound")).to_have_attribute("data-played", re.compile("[2-9]|.."))
    page.reload()
    expect(page.locator("#sound")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_events_come_in_by_themselves_are_filtered_and_acknowledged(
    visit: Visit, topics: Topics, size: dict[str, int]
) -> None:
    page = visit(size, view="#/events")
    expect(page.locator(".event")).to_have_count(1)
    topics.events(
        seen(1), happened(2, type="button_pressed", subject="door"), topic=events_of(topics)
    )
    expect(page.locator(".event")).to_have_count(3)
    expect(page.locator(".event").first).to_contain_text("Person")
    pressed = page.locator('.event[data-id="o2"]')
    pressed.locator("[data-action=ack]").click()
    expect(pressed).to_contain_text("Acknowledged by admin")
    expect_to_fit(page)
    page.select_option("[name=acknowledged]", "false")
    expect(page.locator(".event")).to_have_count(2)
    page.select_option("[name=acknowledged]", "")
    page.reload()
    page.select_option("[name=type]", label="Button pressed")
    expect(page.locator(".event")).to_have_count(1)
    page.select_option("[name=type]", "")
    page.get_by_role("checkbox", name="Choose: Person, Entrance").check()
    expect(page.locator("[data-many=ack]")).to_have_text("Acknowledge (1)")
    page.click("[data-many=none]")
    page.get_by_role("button", name="Acknowledge all 2 shown").click()
    expect(page.locator(".event")).to_have_count(3)
    expect(page.locator(".event [data-action=ack]")).to_have_count(0)
    page.fill("[name=day]", "2020-01-02")
    expect(page.locator(".event")).to_have_count(0)
    page.get_by_role("button", name="The day after").click()
    expect(page.locator("[name=day]")).to_have_value("2020-01-03")
    page.select_option("[name=period]", "86400")
    expect(page.locator("[name=day]")).to_have_value("")
    expect(page.locator(".event")).to_have_count(3)


def test_a_camera_is_added_stopped_and_shows_what_it_saw(visit: Visit, topics: Topics) -> None:
    page = visit(view="#/cameras")
    expect(page.locator(".empty-state")).to_contain_text("No cameras yet.")
    page.click("[data-action=add]")
    page.fill("dialog [name=name]", "entrance")
    page.fill("dialog [name=url]", "rtsp://user:secret@10.0.0.2/stream")
    page.click("dialog .primary")
    expect(page.locator("dialog .form-error")).to_contain_text("password in clear")
    page.fill("dialog [name=url]", "rtsp://10.0.0.2/stream")
    page.click("dialog .primary")
    camera = page.locator('[data-camera="entrance"]')
    expect(camera).to_have_attribute("data-state", "running")
    topics.events(seen(1), topic=events_of(topics))
    expect(camera.locator(".no-picture-seen")).to_contain_text("Person 90 %")
    expect(camera.locator(".box")).to_have_count(0)

    now = time.time()
    frame = {"kind": "frame", "id": "f1", "time": now, "subject": "entrance", "jpeg": PICTURE}
    topics.pushed("camera_entrance", [frame], subject="entrance")
    expect(camera.locator(".picture canvas")).to_have_attribute("width", "8")
    expect(camera.locator(".no-picture")).to_be_hidden()
    topics.events(seen(2, time=now), topic=events_of(topics))
    expect(camera.locator(".box-text")).to_have_text("Person 90 %")
    camera.locator("[data-action=toggle]").click()
    expect(camera).to_have_attribute("data-state", "stopped")
    expect(camera.locator(".picture-time")).to_contain_text("as of")
    expect(camera.get_by_role("img")).to_have_accessible_name(re.compile("Picture of Entrance, as"))


def test_the_picture_of_an_event_is_shown(visit: Visit, topics: Topics) -> None:
    topics.events(
        happened(1, subject="yard", type="person", data={"picture": PICTURE}),
        topic=events_of(topics),
    )
    page = visit(view="#/events")
    page.locator('.event[data-id="o1"] [data-action=picture]').click()
    expect(page.locator("dialog canvas")).to_have_attribute("width", "8")


def test_a_flow_is_drawn_with_its_rates_and_says_what_it_waits_for(
    visit: Visit, flow: tuple[StatusServer, Metrics, Health]
) -> None:
    _, metrics, health = flow
    metrics.passed("sensors", 1200)
    health.degraded("store", "no answer from clickhouse:8123")
    page = visit(view="#/flows")
    shown = page.locator('[data-flow="plant"]')
    expect(shown).to_have_attribute("data-status", "blind")
    expect(shown.locator('[data-part="sensors"]')).to_contain_text("1,200 events")
    expect(shown.locator('[data-part="store"]')).to_have_attribute("data-up", "no")
    expect(shown).to_contain_text("no answer from clickhouse:8123")
    expect(shown.locator(".edge")).to_have_count(2)


def test_dead_letters_are_listed_with_what_came(visit: Visit, topics: Topics) -> None:
    letter = DeadLetter(
        id="l1", time=time.time(), flow="plant", step="decode", reason="bad_json",
        detail="expected an object",
        origin="site.readings/0", payload=b"ERR 17 <b>",
    )  # fmt: skip
    topics.events(letter, topic=topics.names.dead_letters("plant"))
    page = visit(view="#/letters")
    page.locator(".letter summary").click()
    expect(page.locator(".letter pre")).to_have_text("ERR 17 <b>")
    page.click("[data-action=again]")
    expect(page.locator(".letter-again .form-error")).to_contain_text("Not sent: no `vigie up`")
    expect(page.locator(".letter-again pre")).to_have_text(
        "vigie dead-letters replay plant.yaml 'l1'"
    )
    page.route(
        re.compile("/api/flows/plant/dead-letters/replay"),
        lambda route: route.fulfill(json={"sent": 1, "kept": {}}),
    )
    page.click("[data-action=again]")
    expect(page.locator(".toast")).to_have_text("Sent through the flow plant again.")


def test_a_page_of_own_alarms_is_shared_and_the_other_sees_it(visit: Visit, api: Api) -> None:
    account = {"username": "marie", "password": "correct horse battery"}
    assert (
        httpx.post(f"{api.url}/api/auth/register", json=account, timeout=PATIENCE).status_code
        == 200
    )
    page = visit(view="#/pages")
    page.click("[data-action=new-page]")
    page.fill("dialog [name=name]", "Energy")
    page.click("dialog .primary")
    own = page.locator(".own-page").filter(has_text="Energy")
    own.locator("[data-action=add]").click()
    page.fill("dialog [name=ticker]", "mains")
    page.fill("dialog [name=level]", "6500")
    page.click("dialog .primary")
    expect(own.locator(".rule-words")).to_contain_text("Mains above 6,500")
    own.locator("[data-action=share]").click()
    page.fill("dialog [name=person]", "nobody")
    page.click("dialog .primary")
    expect(page.locator("dialog .form-error")).to_have_text("There is no account nobody.")
    page.fill("dialog [name=person]", "marie")
    page.click("dialog .primary")
    expect(page.locator("dialog .tag")).to_contain_text("marie")
    page.keyboard.press("Escape")

    other = visit(view="#/pages", **account)
    expect(other.locator(".own-page")).to_contain_text("shared with you")
    page.click("[data-action=new-page]")
    page.fill("dialog [name=name]", "Cold chain")
    page.click("dialog .primary")
    cold = page.locator(".own-page").filter(has_text="Cold chain")
    cold.locator("[data-action=share]").click()
    page.fill("dialog [name=person]", "marie")
    page.click("dialog .primary")
    expect(other.locator(".own-page")).to_have_count(2)
    page.locator("dialog .tag button").click()
    expect(other.locator(".own-page")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(other.locator("[data-to=letters]")).to_have_count(0)
    own.locator("[role=switch]").click()
    expect(other.locator(".rule")).to_have_attribute("data-active", "no")
    expect(other.locator(".rule [role=switch]")).to_be_disabled()


def test_an_alarm_whose_condition_the_form_cannot_choose_stays_as_it_was_written(
    visit: Visit, api: Api
) -> None:
    headers = {"Authorization": f"Bearer {api.login()}"}

    def post(path: str, body: dict[str, str]) -> str:
        answer = httpx.post(f"{api.url}{path}", json=body, headers=headers, timeout=PATIENCE)
        return str(answer.raise_for_status().json()["id"])

    own = post("/api/pages", {"name": "Cold chain"})
    written = {"ticker": "freezer", "condition": "temperature > -18,5", "option": "daily"}
    post(f"/api/pages/{own}/rules", written)
    page = visit(view="#/pages")
    page.click(".rule [data-action=edit]")
    page.fill("dialog [name=ticker]", "freezer_2")
    page.click("dialog .primary")
    expect(page.locator(".rule-words")).to_contain_text("temperature > -18,5 · daily")
    (rule,) = api.get(f"/api/pages/{own}/rules", api.login()).json()
    assert {name: rule[name] for name in written} == {**written, "ticker": "freezer_2"}


def test_an_admin_adds_an_account_changes_it_logs_it_out_and_reads_who_did_what(
    visit: Visit, api: Api
) -> None:
    page = visit(view="#/accounts")
    page.click("[data-action=new-account]")
    page.fill("dialog [name=username]", "marie")
    page.select_option("dialog [name=role]", "operator")
    page.click("dialog .primary")
    password = str(page.locator(".made-password").text_content())
    page.keyboard.press("Escape")
    expect(page.locator(".made-password")).to_have_count(0)

    other = visit(username="marie", password=password)
    expect(other.locator("[data-to=letters]")).to_have_count(1)
    expect(other.locator("[data-to=accounts]")).to_have_count(0)
    page.reload()
    marie = page.locator("[data-account=marie]")
    expect(marie).to_contain_text("connected now (1)")
    marie.locator("[data-action=log-out]").click()
    page.click("dialog .primary")
    expect(other.locator("#login-error")).to_have_text(
        "Your session has ended. Please log in again."
    )

    log_in_to(other, api, "marie", password)
    marie.locator("[data-action=role]").click()
    page.select_option("dialog [name=role]", "viewer")
    page.click("dialog .primary")
    expect(marie).to_contain_text("viewer")
    expect(other.locator("[data-to=letters]")).to_have_count(0)
    marie.locator("[data-action=disable]").click()
    page.click("dialog .primary")
    expect(marie).to_have_attribute("data-enabled", "no")
    page.locator("[data-account=admin] [data-action=role]").click()
    page.select_option("dialog [name=role]", "viewer")
    page.click("dialog .primary")
    expect(page.locator("dialog .form-error")).to_have_text("At least one admin must remain.")
    page.keyboard.press("Escape")

    page.click("[data-part=log]")
    log = page.locator("[data-done]")
    expect(log.first).to_contain_text("admin disabled marie")
    expect(log.nth(1)).to_contain_text("operator -> viewer")
    page.fill("[data-view=accounts] [name=username]", "marie")
    page.keyboard.press("Enter")
    expect(log).to_have_count(2)
    expect(log.first).to_contain_text("marie logged in")
    assert password not in page.content()


def test_accounts_and_groups_are_kept_with_the_keyboard_alone_on_a_phone(
    visit: Visit, api: Api
) -> None:
    account = {"username": "marie", "password": "correct horse battery"}
    assert (
        httpx.post(f"{api.url}/api/auth/register", json=account, timeout=PATIENCE).status_code
        == 200
    )
    page = visit(PHONE, language="fr-FR", view="#/accounts")
    expect(page.locator("[data-account=marie]")).to_contain_text("aucune connexion")
    expect_to_fit(page)
    tab_to(page, "[data-account=marie] [data-action=disable]")
    page.keyboard.press("Enter")
    tab_to(page, "dialog .primary")
    page.keyboard.press("Enter")
    expect(page.locator("[data-account=marie]")).to_contain_text("désactivé")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("body *:focus")).to_have_count(1)

    page.evaluate("document.getElementById('title').focus()")
    tab_to(page, "[data-part=groups]")
    page.keyboard.press("Enter")
    tab_to(page, "[data-view=accounts] [data-action=new-group]")
    page.keyboard.press("Enter")
    expect(page.locator("dialog input")).to_be_focused()
    page.keyboard.type("night_shift")
    page.keyboard.press("Enter")
    tab_to(page, "[data-view=accounts] [data-action=add-member]")
    page.keyboard.press("Enter")
    expect(page.locator("dialog input")).to_be_focused()
    page.keyboard.type("admin")
    page.keyboard.press("Enter")
    expect(page.locator("[data-view=accounts] [data-group] .tag")).to_have_text("admin")
    expect(page.locator("[data-action=add-member]")).to_be_focused()
    expect_to_fit(page)


def test_where_registration_is_open_one_makes_oneself_an_account(visit: Visit) -> None:
    page = visit(PHONE, log_in=False, language="fr-FR")
    page.click("#register")
    page.fill("dialog [name=username]", "admin")
    page.fill("dialog [name=password]", "correct horse battery")
    page.keyboard.press("Enter")
    expect(page.locator("dialog .form-error")).to_have_text(
        "Ce nom est pris ; choisissez-en un autre."
    )
    page.fill("dialog [name=username]", "marie")
    page.keyboard.press("Enter")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#person")).to_have_attribute("aria-label", "marie, lecteur: Votre compte")


def test_one_changes_ones_own_password_on_the_page_and_stays_logged_in(
    visit: Visit, api: Api
) -> None:
    account = {"username": "marie", "password": "correct horse battery"}
    assert (
        httpx.post(f"{api.url}/api/auth/register", json=account, timeout=PATIENCE).status_code
        == 200
    )
    page, elsewhere = visit(**account), visit(**account)
    page.click("#person")
    page.click("[data-action=own-password]")
    page.fill("dialog [name=old]", "wrong")
    page.fill("dialog [name=new]", "another password")
    page.fill("dialog [name=repeated]", "another password")
    page.click("dialog .primary")
    expect(page.locator("dialog .form-error")).to_have_text("The current password is wrong.")
    page.fill("dialog [name=old]", account["password"])
    page.click("dialog .primary")
    expect(page.locator(".toast")).to_have_text("Your password has been changed.")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(elsewhere.locator("#login-error")).to_contain_text("session has ended")
    log_in_to(elsewhere, api, "marie", "another password")


def test_a_password_that_was_given_is_changed_before_anything_is_shown(
    visit: Visit, api: Api, token: str
) -> None:
    given, chosen = "given at the desk", "quiet words of my own"
    httpx.post(
        f"{api.url}/api/users",
        json={"username": "marie", "password": given, "must_change": True},
        headers={"Authorization": f"Bearer {token}"},
        timeout=PATIENCE,
    ).raise_for_status()
    page = visit(log_in=False)
    dialog = page.locator("[data-dialog=own-password]")
    log_in_to(page, api, "marie", given, wait=False)
    expect(dialog.locator("[name=old]")).to_have_value(given)
    expect(page.locator("#main")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    log_in_to(page, api, "marie", given, wait=False)
    dialog.locator("[name=new]").fill(chosen)
    dialog.locator("[name=repeated]").fill(chosen)
    dialog.locator(".primary").click()
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")


def test_ones_logins_and_tokens_are_listed_and_ended_on_the_page(visit: Visit, api: Api) -> None:
    elsewhere = api.login()
    page = visit()
    page.click("#person")
    logins = page.locator("[data-part=ownLogins] li")
    expect(logins).to_have_count(2)
    expect(logins.filter(has_text="this one")).to_have_count(1)
    page.click("[data-action=endLogin]")
    page.click("[data-dialog=sure] .primary")
    expect(logins).to_have_count(1)
    assert api.get("/api/auth/me", elsewhere).status_code == 401
    page.click("[data-action=new-token]")
    page.fill("[data-dialog=token] [name=name]", "robot")
    page.keyboard.press("Enter")
    shown = page.locator("[data-dialog=made-password] pre")
    expect(shown).to_contain_text("vigie_")
    token = shown.text_content()
    assert api.get("/api/auth/me", token).json()["role"] == "viewer"
    page.click("[data-dialog=made-password] .close")
    page.click("[data-action=revokeToken]")
    page.click("[data-dialog=sure] .primary")
    expect(page.locator("[data-part=ownTokens]")).to_contain_text("None.")
    assert api.get("/api/auth/me", token).status_code == 401


def test_a_second_factor_is_added_on_the_page_and_asked_for_at_the_next_login(
    visit: Visit, api: Api
) -> None:
    page = visit(language="fr-FR")
    page.click("#person")
    page.click("[data-action=begin-factor]")
    page.fill("dialog [name=password]", api.password)
    page.keyboard.press("Enter")
    secret = (page.locator("[data-dialog=confirm-factor] pre").text_content() or "").replace(
        " ", ""
    )
    page.fill("dialog [name=code]", pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    codes = page.locator("[data-dialog=recovery-codes] pre")
    expect(codes).to_contain_text("-")
    recovery = (codes.text_content() or "").split()
    assert len(recovery) == 10
    expect(page.locator("[data-part=second-factor]")).to_contain_text("10 codes de secours")
    other = visit(log_in=False)
    log_in_to(other, api, wait=False)
    expect(other.locator("#login-error")).to_contain_text("enter the code")
    other.fill("[name=code]", "nonsense")
    other.keyboard.press("Enter")
    expect(other.locator("#login-error")).to_contain_text("The code is wrong")
    other.fill("[name=code]", recovery[0])
    other.keyboard.press("Enter")
    expect(other.locator("#connection")).to_have_attribute("data-state", "live")


def test_the_mode_of_the_site_is_changed_and_others_see_it_at_once(visit: Visit) -> None:
    page, other = visit(), visit(PHONE, language="fr-FR")
    page.click("[data-mode=active]")
    expect(other.locator("[data-mode=active]")).to_have_attribute("aria-pressed", "true")
    expect(other.locator("[data-mode=active]")).to_have_text("Actif")


def test_every_view_fits_a_phone_and_speaks_french(visit: Visit, topics: Topics) -> None:
    now = time.time()
    topics.events(reading(1, 31.0, time=now), alarm(1, time=now, recorded=now))
    topics.events(seen(1), topic=events_of(topics))
    page = visit(PHONE, language="fr-FR")
    titles = {
        "overview": "Vue d’ensemble", "alarms": "Alarmes", "cameras": "Caméras",
        "events": "Événements", "flows": "Flux",
        "pages": "Mes pages", "dashboards": "Tableaux", "letters": "Rebuts", "accounts": "Comptes",
    }  # fmt: skip
    for view, title in titles.items():
        link = page.locator(f'#links [data-to="{view}"]')
        if not link.is_visible():
            page.click("#links .more button")
        link.click()
        expect(page.locator("#title")).to_have_text(title)
        if view != "overview":
            expect(page.locator("#title")).to_be_focused()
        expect(page.locator(".skeleton")).to_have_count(0)
        expect_to_fit(page)


def test_axe_finds_no_violation_in_any_view_in_light_and_dark(
    visit: Visit, api: Api, topics: Topics
) -> None:
    now = time.time()
    topics.events(reading(1, time=now), alarm(1, time=now, recorded=now))
    topics.events(seen(1), topic=events_of(topics))
    page = visit(log_in=False)
    expect(page.locator("#login")).to_be_visible()
    expect_no_violation(page, "light")
    log_in_to(page, api)
    views = ("alarms", "cameras", "events", "flows", "pages", "dashboards", "letters", "accounts")
    for view in views:
        page.click(f'#links [data-to="{view}"]')
        expect(page.locator(f"[data-view={view}]")).to_be_visible()
        expect(page.locator(".skeleton")).to_have_count(0)
        expect_no_violation(page, "light")
    expect_no_violation(page, "dark")
    page.click('#links [data-to="overview"]')
    page.click(".card [data-metric=temperature]")
    expect(page.locator("#history")).to_be_visible()
    expect_no_violation(page, "dark")
    expect_no_violation(page, "light")
    page.click("aside .alarm-open")
    expect(page.locator("dialog[data-dialog=alarm]")).to_be_visible()
    expect(page.locator(".past")).not_to_have_attribute("aria-busy", "true")
    expect_no_violation(page, "light")


def test_what_the_server_refuses_is_said_in_french_and_no_word_is_missing_in_either_language(
    visit: Visit,
) -> None:
    page = visit(language="fr-FR", view="#/cameras")
    page.click("[data-action=add]")
    page.fill("dialog [name=name]", "entrance")
    page.fill("dialog [name=url]", "rtsp://user:secret@10.0.0.2/stream")
    page.click("dialog .primary")
    expect(page.locator("dialog .form-error")).to_contain_text("un mot de passe en clair")
    words = page.evaluate(
        "Promise.all([import('/static/words/english.js'), import('/static/words/french.js')])"
        ".then(([{ENGLISH}, {FRENCH}]) =>"
        " [ENGLISH, FRENCH, ENGLISH.actions, FRENCH.actions].map((words) => Object.keys(words)))"
    )
    assert set(words[0]) == set(words[1])
    assert set(words[2]) == set(words[3])
    code = "".join(file.read_text() for file in STATIC.glob("*/*.js") if file.parent.name != "docs")
    said = set(re.findall(r"""\bsay\("(\w+)\"""", code)) | set(
        re.findall(r'data-say[a-z-]*="(\w+)"', (STATIC / "index.html").read_text())
    )
    assert said <= set(words[0])
    assert len(said) > 100


def test_a_session_that_is_ended_elsewhere_ends_here_and_a_token_is_renewed_before_it_ends(
    visit: Visit, api: Api
) -> None:
    page = visit()
    before = page.evaluate("JSON.parse(sessionStorage.getItem('vigie.session'))")
    assert page.evaluate("import('/static/shared/session.js').then(session => session.renew())"), (
        "there was no need to renew"
    )
    assert page.evaluate("JSON.parse(sessionStorage.getItem('vigie.session'))") == before
    headers = {"Authorization": f"Bearer {before['access']}"}
    assert (
        httpx.post(f"{api.url}/api/auth/logout", headers=headers, timeout=PATIENCE).status_code
        == 200
    )
    expect(page.locator("#login-error")).to_have_text(
        "Your session has ended. Please log in again."
    )
