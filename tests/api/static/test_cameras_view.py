"""The cameras on the page: live pictures, their events, and cameras that are tried and added."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from api.settings import Settings
from connectors.base import Health
from connectors.config.api_section import ApiSection
from flows.runtime.status import Metrics, StatusServer
from flows.vision.recordings import Recordings
from infra.embedded.objects import Objects
from infra.embedded.rtsp import Mount, Rtsp
from operators.events import Detection, Occurrence
from tests.api.conftest import Start
from tests.api.running import Api, Topics
from tests.api.site.evidence_site import Shelf, with_evidence
from tests.api.static.browsing import PHONE, expect_to_fit, log_in_to, missing
from tests.connectors.camera.recorded import record
from tests.flows.vision.capturing import capturing
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.skipif(missing(), reason="Debian's package chromium is not installed")
Visit = Callable[..., Page]
Own = Callable[[Any], Any]
BEGAN = time.time()
HELD = """
window.said = []; window.held = [];
window.Worker = class extends Worker {
  postMessage(message) { if (message.send) said.push(JSON.parse(message.send)); super.postMessage(message); }
  set onmessage(take) {
    super.onmessage = (event) => event.data.text?.startsWith('{"type":"subscribed"') ? held.push(event) : take(event);
  }
};
"""
"""The page's connection, which keeps what confirms a subscription to itself."""


@pytest.fixture
def shelf(database: Callable[[], Any], objects: Objects, unique: str) -> Shelf:
    return Shelf(database(), objects, unique)


@pytest.fixture
def health() -> Health:
    """What a flow tells of itself and of its cameras."""
    return Health()


@pytest.fixture
def api(
    start: Start,
    settings: Settings,
    topics: Topics,
    database: Callable[[], Any],
    objects: Objects,
    shelf: Shelf,
    health: Health,
    tmp: Path,
) -> Iterator[Api]:
    """A server whose operators may look for cameras, also on this machine.

    It has evidence, and a flow that has recordings in `tmp`.
    """
    topic = f"{topics.prefix}events"
    topics.events(detection(0), topic=topic)
    recordings = Recordings(tmp, objects.secret_key)
    flow = StatusServer("plant", 0, Metrics("plant"), health, recordings=recordings)
    flows = [f"http://127.0.0.1:{flow.port}"]
    section = ApiSection(discovery=True, cameras_here=True, flows=flows)
    settings = with_evidence(settings, database, objects)
    server = start(replace(settings, section=section, event_topics=(topic,)))
    server.wait_for_topics(topics.push, topic)
    token = server.login()
    wait_until(
        lambda: server.get("/api/events", token).json()["events"], what="the event to be read"
    )
    yield server
    flow.close()


def detection(number: int) -> Detection:
    return Detection(
        id=f"d{number}",
        time=BEGAN - 60 + number,
        subject="yard",
        class_="person",
        score=0.9,
        box=(0.25, 0.25, 0.5, 0.5),
    )


def test_live_pictures_are_shown_and_made_only_while_the_view_is_open(
    visit: Visit, api: Api, topics: Topics, tmp: Path
) -> None:
    with capturing(
        topics.address, "plant", tmp, "simulate:walk", [{"name": "yard"}], prefix=topics.prefix
    ):
        page = visit(view="#/cameras")
        canvas = page.locator('[data-camera="yard"] .picture canvas')
        expect(canvas).to_be_visible()
        pushed = "vigie_api_pushed_total"

        def count() -> float:
            lines = api.get("/metrics").text.splitlines()
            return sum(float(line.split()[-1]) for line in lines if line.startswith(pushed))

        page.click('#links [data-to="events"]')
        expect(page.locator("#title")).to_have_text("Events")
        steady = [count()]

        def at_rest() -> bool:
            steady.append(count())
            return steady[-1] == steady[-2]

        wait_until(at_rest, what="the pictures to end", every=1.0)
        page.click('#links [data-to="cameras"]')
        wait_until(lambda: count() > steady[-1], what="pictures to come again")


def test_why_a_camera_sends_no_picture_is_said_on_its_card(visit: Visit, health: Health) -> None:
    health.camera("video", "dock", {"online": False, "why": "dock does not have this stream"})
    page = visit(view="#/cameras")
    card = page.locator('[data-camera="dock"]')
    expect(card.locator(".camera-trouble")).to_have_text("dock does not have this stream")
    expect(card).to_have_attribute("data-state", "cameraDown")
    health.camera("video", "dock", {"online": True, "troubles": {}})
    expect(card).to_have_attribute("data-state", "running")
    expect(card.locator(".camera-trouble")).to_have_count(0)


def test_a_camera_that_is_learnt_of_before_the_first_subscription_is_confirmed_is_followed(
    visit: Visit, api: Api
) -> None:
    page = visit(log_in=False)
    page.add_init_script(HELD)
    events: list[Route] = []
    page.route(re.compile("/api/events"), lambda route: events.append(route))
    page.goto(f"{api.url}/#/cameras")
    page.reload()
    log_in_to(page, api, wait=False)

    def comes(what: str, is_there: Callable[[], object]) -> None:
        def looked() -> object:
            page.wait_for_timeout(50)  # lets the page and the routes above run
            return is_there()

        wait_until(looked, what=what)

    comes("the answer to the first subscription", lambda: page.evaluate("held.length"))
    comes("the page to ask for events", lambda: events)
    for route in events:
        route.continue_()
    comes(
        "the camera to be subscribed to",
        lambda: page.evaluate("said.some(({channels}) => channels?.includes('camera_yard'))"),
    )


def test_a_picture_that_the_browser_never_decodes_does_not_keep_the_next_ones_away(
    visit: Visit, api: Api, topics: Topics, tmp: Path
) -> None:
    page = visit(log_in=False)
    page.add_init_script(
        "const decode = createImageBitmap; let asked = 0;"
        "window.createImageBitmap = (blob) => asked++ ? decode(blob) : new Promise(() => {});"
    )
    page.goto(f"{api.url}/#/cameras")
    page.reload()
    log_in_to(page, api)
    with capturing(
        topics.address, "plant", tmp, "simulate:walk", [{"name": "yard"}], prefix=topics.prefix
    ):
        expect(page.locator('[data-camera="yard"] .picture canvas')).to_be_visible()


def test_an_event_without_pictures_has_a_place_and_says_that_there_is_no_clip(
    visit: Visit,
) -> None:
    page = visit(PHONE, view="#/cameras")
    camera = page.locator('[data-camera="yard"]')
    camera.locator("summary").click()
    thumbnail = camera.locator(".strip .thumbnail")
    expect(thumbnail.locator(".no-thumbnail")).to_be_visible()
    thumbnail.click()
    expect(camera.locator(".no-clip")).to_have_text("There is no clip of it.")
    expect_to_fit(page)


def test_an_address_is_tried_with_a_picture_and_the_camera_is_added_without_the_password(
    visit: Visit, api: Api, tmp: Path, own: Own
) -> None:
    server = own(Rtsp(tmp / "rtsp", [Mount("/camera")], user="ann", password="p@s/s"))
    page = visit(view="#/cameras")
    page.click("[data-action=add]")
    page.fill("dialog [name=name]", "entrance")
    address = server.url().replace("://", "://${RTSP_USER}:${RTSP_PASSWORD}@")
    page.fill("dialog [name=url]", address)
    page.click("dialog .trial summary")
    page.fill("dialog [data-part=user]", "ann")
    page.fill("dialog [data-part=password]", "wrong")
    page.click("dialog [data-action=test]")
    expect(page.locator("dialog .trial-result [role=alert]")).to_contain_text(
        "does not take this user and password"
    )
    page.fill("dialog [data-part=password]", "p@s/s")
    page.click("dialog [data-action=test]")
    expect(page.locator("dialog .trial-result canvas")).to_be_visible()
    page.click("dialog .primary")
    expect(page.locator('[data-camera="entrance"]')).to_be_visible()
    (camera,) = api.get("/api/cameras", api.login()).json()["cameras"]
    assert (camera["url"], camera["record_url"]) == (address, None)


def added(api: Api, name: str = "yard") -> str:
    """Add a camera as an operator does; a token of his."""
    token = api.login()
    body = {"name": name, "url": "rtsp://10.0.0.21/stream2"}
    headers = {"Authorization": f"Bearer {token}"}
    httpx.post(f"{api.url}/api/cameras", json=body, headers=headers, timeout=PATIENCE)
    return token


def test_a_zone_is_drawn_with_the_mouse_over_the_live_picture_and_a_line_with_the_keyboard(
    visit: Visit, api: Api, topics: Topics, tmp: Path
) -> None:
    token = added(api)
    page = visit(view="#/cameras")
    with capturing(
        topics.address, "plant", tmp, "simulate:walk", [{"name": "yard"}], prefix=topics.prefix
    ):
        page.click('[data-camera="yard"] [data-action=places]')
        expect(page.locator("dialog canvas")).to_be_visible()
    page.click("dialog [data-action=new-zone]")
    box = page.locator("dialog .sheet").bounding_box()
    assert box is not None

    def at(x: float, y: float) -> tuple[float, float]:
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    for corner in ((0.2, 0.3), (0.8, 0.3), (0.8, 0.9), (0.2, 0.3)):
        page.mouse.click(*at(*corner))
    page.mouse.move(*at(0.8, 0.9))
    page.mouse.down()
    page.mouse.move(*at(0.6, 0.7))
    page.mouse.up()
    page.fill("dialog [data-place]", "hall")
    page.click("dialog [data-action=new-line]")
    for key in ("Enter", *["Shift+ArrowRight"] * 4, "Shift+ArrowUp", "Enter"):
        page.keyboard.press(key)
    page.click("dialog .primary")
    expect(page.locator('[data-camera="yard"] .place')).to_have_count(2)
    (camera,) = api.get("/api/cameras", token).json()["cameras"]
    assert camera["zones"]["hall"]["points"] == [
        pytest.approx(corner, abs=0.01) for corner in ((0.2, 0.3), (0.8, 0.3), (0.6, 0.7))
    ]
    assert camera["lines"] == {"line_1": {"from": [0.5, 0.5], "to": [0.7, 0.45]}}


def test_what_is_changed_of_a_zone_leaves_the_rest_of_it_and_its_modes_are_chosen_there(
    visit: Visit, api: Api
) -> None:
    token = added(api)
    (camera,) = api.get("/api/cameras", token).json()["cameras"]
    hall = {
        "points": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]],
        "exclude": [[[0.8, 0.2], [0.85, 0.2], [0.85, 0.3]]],
        "hours": "20:00-06:00",
        "modes": ["away"],
    }
    line = {"from": [0.0, 0.5], "to": [1.0, 0.5]}
    httpx.patch(
        f"{api.url}/api/cameras/{camera['id']}",
        json={"zones": {"hall": hall}, "lines": {"gate": line}},
        headers={"Authorization": f"Bearer {token}"},
        timeout=PATIENCE,
    ).raise_for_status()
    page = visit(PHONE, view="#/cameras")
    page.click('[data-camera="yard"] [data-action=places]')
    page.fill("dialog [data-place=hall]", "gate")
    page.click("dialog .primary")
    expect(page.locator("dialog .form-error")).to_contain_text("Two are called gate")
    page.fill("dialog [data-place=hall]", "entrance")
    expect(page.locator("dialog [value=away]")).to_be_checked()
    page.check("dialog [value=surveillance]")
    expect_to_fit(page)
    page.click("dialog .primary")
    expect(page.locator("dialog")).to_have_count(0)
    (camera,) = api.get("/api/cameras", token).json()["cameras"]
    assert camera["zones"] == {"entrance": {**hall, "modes": ["surveillance", "away"]}}
    assert camera["lines"] == {"gate": line}


def test_the_row_of_a_camera_is_changed_on_the_page(visit: Visit, api: Api) -> None:
    token = added(api)
    page = visit(PHONE, view="#/cameras")
    page.click('[data-camera="yard"] [data-action=edit]')
    page.fill("dialog [name=area]", "Loading dock")
    page.fill("dialog [name=fps]", "2.5")
    expect_to_fit(page)
    page.click("dialog .primary")
    expect(page.locator('[data-camera="yard"] .camera-facts')).to_contain_text("Loading dock")
    (camera,) = api.get("/api/cameras", token).json()["cameras"]
    assert (camera["url"], camera["fps"]) == ("rtsp://10.0.0.21/stream2", 2.5)


def test_the_time_line_leads_to_what_a_camera_saw(visit: Visit, topics: Topics) -> None:
    page = visit(view="#/cameras")
    camera = page.locator('[data-camera="yard"]')
    camera.locator("summary").click()
    line = camera.locator(".time-line")
    expect(line.locator(".time-line-mark")).to_have_count(1)
    topics.events(detection(30), topic=f"{topics.prefix}events")
    expect(line.locator(".time-line-mark")).to_have_count(2)
    line.press("End")
    expect(camera.locator(".time-line-shown [data-id=d30]")).to_be_visible()
    line.press("ArrowLeft")
    expect(camera.locator(".time-line-shown [data-id=d0]")).to_be_visible()


def test_what_was_recorded_stands_on_the_time_line_and_plays_there(visit: Visit, tmp: Path) -> None:
    hour = 3600
    record(tmp / "ring" / "video" / "yard", time.time() - 6 * hour, 6000, gops=20)
    page = visit(view="#/cameras")
    camera = page.locator('[data-camera="yard"]')
    camera.locator("summary").click()
    line = camera.locator(".time-line")
    expect(line.locator(".time-line-recorded")).to_have_count(1)
    box = line.bounding_box()
    assert box is not None
    line.click(position={"x": box["width"] * (1 - (6 * hour - 300) / 86400), "y": 20})
    expect(camera.locator(".time-line-shown video")).to_have_attribute("src", re.compile("^blob:"))


def test_the_picture_of_an_event_appears_as_soon_as_there_is_one(
    visit: Visit, shelf: Shelf, topics: Topics
) -> None:
    event = detection(0)
    shelf.add(event)
    page = visit(view="#/cameras")
    thumbnail = page.locator('[data-camera="yard"] .strip .thumbnail').first
    expect(thumbnail.locator(".no-thumbnail")).to_be_visible()
    picture = cv2.imencode(".jpg", np.zeros((36, 64, 3), np.uint8))[1].tobytes()
    shelf.put(event, "snapshot", "yard", "frames/1.jpg", picture)
    data = {"event": event.id, "kind": "snapshot", "state": "stored", "camera": "yard"}
    told = Occurrence(id="e", time=event.time, subject="yard", type="evidence", data=data)
    topics.events(told, topic=topics.names.evidence)
    expect(thumbnail.locator("canvas")).to_be_visible()
    page.click('#links [data-to="events"]')
    pin = page.locator(f'[data-view=events] [data-id="{event.id}"] [data-action=pin]')
    pin.click()
    expect(pin).to_have_attribute("aria-pressed", "true")
