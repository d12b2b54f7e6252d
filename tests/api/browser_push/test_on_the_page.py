"""Notifications on the page: asked for in one's account, shown by its service worker, acted upon."""

import json
import re
import time

import pytest
from playwright.sync_api import Page, Worker, expect

from tests.api.browser_push.push_service import PushService
from tests.api.events import alarm
from tests.api.running import Topics
from tests.api.static.browsing import expect_no_violation, missing
from tests.api.static.test_page_views import Visit
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(missing(), reason="Debian's package chromium is not installed")
SHOW = """text => new Promise((done) => {
  self.shown = [];
  registration.showNotification = async (title, options) => { self.shown.push([title, options]); };
  const event = new PushEvent("push", {data: text});
  self.dispatchEvent(event);
  setTimeout(() => done(self.shown), 0);
})"""
CLICK = """async ([go, action]) => {
  const event = new ExtendableEvent("notificationclick");
  Object.assign(event, {notification: {close() {}, data: {go}}, action});
  event.waitUntil = () => null;
  self.dispatchEvent(event);
}"""
GIVEN = """subscription => {
  Object.defineProperty(Notification, "permission", {get: () => "granted"});
  Notification.requestPermission = async () => "granted";
  PushManager.prototype.getSubscription = async () => null;
  PushManager.prototype.subscribe = async () => ({toJSON: () => subscription});
}"""


def worker_of(page: Page) -> Worker:
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")

    def worker() -> Worker | None:
        page.evaluate("0")  # lets Playwright hear of it
        return next(iter(page.context.service_workers), None)

    return wait_until(worker, what="the worker")


def test_a_browser_asks_to_be_told_and_a_message_arrives(
    visit: Visit, service: PushService
) -> None:
    browser = service.browser()
    page = visit(keeps=True)
    page.evaluate(GIVEN, browser.subscription())
    page.click("#person")
    part = page.locator("[data-part=notifications]")
    expect(part.get_by_label("Critical")).to_be_checked()
    part.get_by_label("Medium").check()
    part.locator("[data-action=notify]").click()
    expect(part.locator("li")).to_contain_text("(this browser)")
    expect(part.locator("li")).to_contain_text("Critical, High, Medium")
    expect_no_violation(page, "light")
    part.locator("[data-action=test-notification]").click()
    wait_until(lambda: browser.told, what="the message")
    assert browser.told[0]["test"]
    (shown,) = worker_of(page).evaluate(SHOW, json.dumps(browser.told[0]))
    assert shown[1]["body"] == "Notifications arrive here."
    part.locator("[data-action=endNotifications]").click()
    page.click("dialog[data-dialog=sure] .primary")
    expect(part.locator("li")).to_have_count(0)


def test_a_notification_names_the_alarm_and_leads_to_its_acknowledgement(
    visit: Visit, topics: Topics
) -> None:
    page = visit(keeps=True)
    topics.events(alarm(1, time=time.time(), recorded=time.time()))
    expect(page.locator(".alarm")).to_have_count(1)
    worker = worker_of(page)
    message = {
        "site": "plant", "language": "fr", "key": "server_room/too_hot|rack", "alarm": "too_hot",
        "subject": "sensor.rack", "priority": "high", "change": "start", "value": "31 °C",
        "text": "Call the guard.", "time": time.time(),
    }  # fmt: skip
    (shown,) = worker.evaluate(SHOW, json.dumps(message))
    title, options = shown
    assert title == "▲ Haute: Too hot, Rack"
    assert options["body"] == "31 °C · Call the guard. · plant"
    assert [one["title"] for one in options["actions"]] == ["Acquitter"]
    (over,) = worker.evaluate(SHOW, json.dumps(message | {"change": "end"}))
    assert over[0] == "✓ Terminée: Too hot, Rack"
    assert (over[1]["tag"], "actions" in over[1]) == (options["tag"], False)

    worker.evaluate(CLICK, [options["data"]["go"], "ack"])
    sure = page.locator("dialog[data-dialog=ack]")
    expect(sure).to_contain_text("Too hot, Rack")
    expect(page.locator("dialog[data-dialog=alarm]")).to_be_visible()
    expect(page).to_have_url(re.compile(r"#/alarms/[^?]*$"))
    with page.expect_request("**/ack") as sent:
        sure.locator(".primary").click()
    assert sent.value.url.endswith("/api/alarms/server_room%2Ftoo_hot/rack/ack")
