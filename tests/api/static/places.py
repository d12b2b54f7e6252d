"""Every place of the page: its views, and the dialogs that open over them."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from playwright.sync_api import Page, expect

from tests.api.static.browsing import AXE

SMALLEST = 43.5
"""Pixels of what a finger touches: 44, less what rounding takes."""
TOO_SMALL = """least => [...document.querySelectorAll(
  ':is(dialog[open], body:not(:has(dialog[open]))) :is(button, a, input, select, summary, label:has(input))')]
  .filter(place => place.checkVisibility() && !place.closest('.hidden, .skip, .alarm-open'))
  .filter(place => !(place.matches('input') && place.closest('label')))
  .filter(place => !(place.matches('a') && getComputedStyle(place).display === 'inline'))
  .map(place => [place, place.getBoundingClientRect()])
  .filter(([, {width, height}]) => width > 1 && (height < least || width < least))
  .map(([place, {width, height}]) =>
    `${Math.round(width)} x ${Math.round(height)}: ${place.outerHTML.slice(0, 160)}`)"""


LIMITS = {
    "version": "abc", "text": "new text",
    "limits": [
        {"place": "when.above", "value": "30", "unit": "°C"},
        {"place": "when.for", "value": "2min", "unit": None},
    ],
    "before": 3, "after": 2, "more": 0, "unknown": None, "refused": None,
    "differs": [
        {"alarm": "too_hot", "subject": "rack", "after": None,
         "before": {"raised": 1.7e9, "cleared": 1.7e9 + 600, "priority": "high"}},
    ],
}  # fmt: skip
"""What `vigie up` says of an alarm's limits, and of others."""


class Place(NamedTuple):
    """A view, and what leads from it to the place."""

    name: str
    view: str
    act: Callable[[Page], object] = lambda page: None


def clicks(*wanted: str) -> Callable[[Page], object]:
    """Click one after the other."""

    def act(page: Page) -> None:
        for one in wanted:
            page.locator(one).first.click()

    return act


def _history(page: Page) -> None:
    clicks(".card [data-metric=temperature]")(page)
    expect(page.locator("#history")).to_be_visible()


def _details(page: Page) -> None:
    clicks(".alarm-table .alarm-open")(page)
    expect(page.locator(".past")).not_to_have_attribute("aria-busy", "true")


def _new_account(page: Page) -> None:
    clicks("[data-action=new-account]")(page)


def _dashboard(
    name: str = "Energy desk", wall: bool = False, then: Sequence[str] = ()
) -> Callable[[Page], object]:
    """Open a dashboard, on a wall, or and click what bears these actions."""

    def act(page: Page) -> None:
        page.locator(".board-link a", has_text=name).click()
        expect(page.locator(".board-bar h2")).to_have_text(name)
        for action in then:
            button = page.locator(f"[data-view=dashboards] [data-action={action}]")
            if action != "edit" or button.is_visible():  # it may be edited already
                button.click()
        if wall:
            page.evaluate("location.hash += '?wall=1'")
            expect(page.locator("#nav")).to_be_hidden()

    return act


def _limits(page: Page) -> None:
    """The supervisor is not there: its answer is given in its place."""
    page.route(re.compile("/api/flows/[^/]+/limits/"), lambda route: route.fulfill(json=LIMITS))
    _history(page)
    page.locator("#history-limits button").first.click()
    expect(page.locator("[name='when.above']")).to_be_visible()
    page.fill("[name='when.above']", "31")
    page.locator("[data-action=compare]").click()
    expect(page.locator(".limit-result")).not_to_be_empty()


PLACES = [
    Place("overview", "overview"),
    Place("history", "overview", _history),
    Place("limits on the chart", "overview", _limits),
    Place("wall", "overview?wall=1"),
    Place("alarms", "alarms"),
    Place("alarms in groups", "alarms?group=area"),
    Place("details of an alarm", "alarms", _details),
    Place("shelve", "alarms", clicks(".alarm-table .alarm-open", "dialog [data-action=shelve]")),
    Place("comment", "alarms", clicks(".alarm-table .alarm-open", "dialog [data-action=comment]")),
    Place("keys", "alarms", lambda page: page.keyboard.press("?")),
    Place("cameras", "cameras"),
    Place("add a camera", "cameras", clicks("[data-action=add]")),
    Place("edit a camera", "cameras", clicks("[data-action=edit]")),
    Place("zones", "cameras", clicks("[data-action=places]")),
    Place("events of a camera", "cameras", clicks(".camera-events summary")),
    Place("events", "events"),
    Place("picture of an event", "events?type=parcel", clicks("[data-action=picture]")),
    Place("flows", "flows"),
    Place("pages", "pages"),
    Place("dashboards", "dashboards"),
    Place("new dashboard", "dashboards", clicks("[data-action=new-dashboard]")),
    Place("dashboard", "dashboards", _dashboard()),
    Place("dashboard on a wall", "dashboards", _dashboard(wall=True)),
    Place("empty dashboard", "dashboards", _dashboard("Cold chain")),
    Place("dashboard being edited", "dashboards", _dashboard(then=["edit"])),
    Place("panel", "dashboards", _dashboard(then=["edit", "add-panel"])),
    Place("new page", "pages", clicks("[data-action=new-page]")),
    Place("alarm of a page", "pages", clicks(".own-page [data-action=add]")),
    Place("share a page", "pages", clicks(".own-page [data-action=share]")),
    Place("dead letters", "letters", clicks(".letter summary")),
    Place("accounts", "accounts"),
    Place("new account", "accounts", _new_account),
    Place("role", "accounts", clicks("[data-action=role]")),
    Place("password", "accounts", clicks("[data-action=password]")),
    Place("groups", "accounts/groups"),
    Place("new group", "accounts/groups", clicks("[data-view=accounts] [data-action=new-group]")),
    Place("audit log", "accounts/log"),
    Place("own account", "overview", clicks("#person")),
    Place("own password", "overview", clicks("#person", "[data-action=own-password]")),
    Place("new token", "overview", clicks("#person", "[data-action=new-token]")),
    Place("second factor", "overview", clicks("#person", "[data-action=begin-factor]")),
]


def go_to(page: Page, place: Place) -> None:
    """Open a place from wherever the page is."""
    page.evaluate("document.querySelectorAll('dialog[open]').forEach(one => one.close())")
    page.evaluate("view => { location.hash = ''; location.hash = `#/${view}`; }", place.view)
    view = place.view.partition("?")[0].partition("/")[0]
    expect(page.locator(f"[data-view={view}]")).to_be_visible()
    expect(page.locator(".skeleton:visible")).to_have_count(0)
    place.act(page)


def faults(page: Page) -> list[str]:
    """What axe finds wrong with what is shown; its rule for targets, too."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations'],"
        " rules: {'target-size': {enabled: true}}})).violations"
        ".map(({id, nodes}) => `${id}: ${nodes.slice(0, 4).map(({html, any}) => `${html.slice(0, 180)}"
        " (${any[0]?.message ?? ''})`).join(' ')}`)"
    )
    return found


def small_targets(page: Page) -> list[str]:
    """What is too small for a finger; links in a line of text may be."""
    small: list[str] = page.evaluate(TOO_SMALL, SMALLEST)
    return small
