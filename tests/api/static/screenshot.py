"""Takes the docs' pictures of the showcase.

`python -m tests.api.static.screenshot DOCS [NAME ...]`.
"""

import argparse
import base64
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Page, sync_playwright

from tests.api.static.browsing import CHROMIUM, FLAGS
from tests.api.static.showcase import Showcase

SLOW = 60_000
MOST = 80_000
"""Bytes of a picture: its quality gives way."""
TO_WEBP = """async ([png, MOST]) => {
  const picture = new Image();
  picture.src = `data:image/png;base64,${png}`;
  await picture.decode();
  const canvas = Object.assign(document.createElement('canvas'),
    {width: picture.width, height: picture.height});
  canvas.getContext('2d').drawImage(picture, 0, 0);
  for (let quality = 0.85; ; quality -= 0.1) {
    const url = canvas.toDataURL('image/webp', quality);
    if (url.length < MOST * 4 / 3 || quality < 0.3) return url;
  }
}"""


class Shot(NamedTuple):
    """One picture of one view; `act` makes ready what it shows."""

    name: str
    view: str
    size: tuple[int, int] = (1280, 800)
    scheme: Any = "light"
    language: str = "en-GB"
    act: Callable[[Page], object] = lambda page: None


def history(page: Page) -> None:
    page.click('[data-subject="sensor.server_room_rack"] [data-metric=temperature]')
    page.wait_for_selector("#chart canvas")
    page.mouse.move(700, 20)


def alarms(page: Page) -> None:
    """One acknowledged, one shelved, and one in full."""
    page.locator("[data-view=alarms] [data-alarm=overload] [data-action=ack]").click()
    page.wait_for_selector("[data-view=alarms] [data-alarm=overload][data-isa=C]")
    page.locator("[data-view=alarms] [data-alarm=stale_air] .alarm-open").focus()
    page.keyboard.press("s")
    page.fill("[name=comment]", "The filter is being changed")
    page.click("dialog .primary")
    page.wait_for_selector("[data-view=alarms] [data-alarm=stale_air][data-isa=E]")
    page.locator("[data-view=alarms] [data-alarm=overload] .alarm-open").click()
    page.wait_for_selector(".past-list")


def cameras(page: Page) -> None:
    """One with its time line and list of events."""
    page.wait_for_selector(".box")
    page.locator('[data-camera="dock"] summary').click()
    page.locator('[data-camera="dock"] .time-line').press("End")


def edited(page: Page) -> None:
    page.locator(".board-link a").last.click()
    page.click("[data-view=dashboards] [data-action=edit]")


SHOTS = [
    Shot("page", "overview", (1280, 800), "dark", act=history),
    Shot("page-overview", "overview", (1440, 900)),
    Shot("page-overview-phone", "overview", (390, 844), "dark"),
    Shot(
        "page-dashboard",
        "dashboards",
        (1280, 760),
        act=lambda page: page.locator(".board-link a").last.click(),
    ),
    Shot("page-dashboard-edit", "dashboards", (390, 844), "dark", act=edited),
    Shot("page-wall", "overview?wall=1", (1600, 900), "dark"),
    Shot("page-alarms", "alarms", act=alarms),
    Shot("page-cameras", "cameras", scheme="dark", act=cameras),
    Shot("page-events", "events", act=lambda page: page.wait_for_selector(".hours")),
    Shot(
        "page-flows",
        "flows",
        (1280, 760),
        "dark",
        act=lambda page: page.wait_for_selector(".node-fact:text('/s')"),
    ),
    Shot("page-pages", "pages", (1280, 700), act=lambda page: page.wait_for_selector(".rule")),
    Shot(
        "page-dead-letters",
        "letters",
        (1280, 560),
        "dark",
        act=lambda page: page.locator(".letter").nth(1).click(),
    ),
    Shot(
        "page-accounts",
        "accounts",
        (1280, 620),
        act=lambda page: page.wait_for_selector("[data-account=marie]"),
    ),
    Shot(
        "page-phone",
        "overview",
        (375, 760),
        language="fr-FR",
        act=lambda page: page.wait_for_selector(".alarm"),
    ),
]


def take(shot: Shot, page: Page, showcase: Showcase, folder: Path) -> None:
    page.set_default_timeout(SLOW)
    page.goto(f"{showcase.api.url}/#/{shot.view}")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", showcase.api.password)
    page.click("#login-form button")
    page.wait_for_selector("#connection[data-state=live]")
    page.wait_for_selector(".skeleton", state="detached")
    shot.act(page)
    page.wait_for_timeout(2500)
    (folder / f"{shot.name}.webp").write_bytes(smaller(page, page.screenshot()))


def smaller(page: Page, picture: bytes) -> bytes:
    """A PNG as WebP, which the browser makes on a page of its own."""
    blank = page.context.new_page()
    made: str = blank.evaluate(TO_WEBP, [base64.b64encode(picture).decode(), MOST])
    return base64.b64decode(made.partition(",")[2])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.api.static.screenshot", description=__doc__
    )
    parser.add_argument("docs", type=Path, help="folder for the pictures")
    parser.add_argument(
        "names", nargs="*", metavar="name", help="pictures to take; all if none is named"
    )
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Showcase(Path(folder)) as showcase,
        sync_playwright() as playwright,
    ):
        Path(folder).chmod(0o711)
        showcase.fill()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for shot in [shot for shot in SHOTS if not options.names or shot.name in options.names]:
            width, height = shot.size
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=shot.scheme,
                locale=shot.language,
            )
            take(shot, context.new_page(), showcase, options.docs)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
