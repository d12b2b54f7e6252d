"""Axe on every place of the page: three widths, both schemes, both languages, forced colours.

`python -m tests.api.static.everywhere` prints what it finds, and ends with 1 if that is anything.
"""

import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.api.static.browsing import CHROMIUM, FLAGS
from tests.api.static.places import PLACES, faults, go_to, small_targets
from tests.api.static.showcase import Showcase

SIZES = [(1440, 900), (1024, 768), (390, 844)]
FINGER = 640


def main() -> int:
    wanted = sys.argv[1:]
    places = [place for place in PLACES if not wanted or place.name in wanted]
    problems: dict[str, list[str]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        Showcase(Path(folder)) as showcase,
        sync_playwright() as playwright,
    ):
        Path(folder).chmod(0o711)
        showcase.fill()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for (width, height), language in product(SIZES, ("en-GB", "fr-FR")):
            finger = width <= FINGER
            context = browser.new_context(
                viewport={"width": width, "height": height},
                locale=language,
                reduced_motion="reduce",
                has_touch=finger,
                is_mobile=finger,
            )
            page = context.new_page()
            page.set_default_timeout(10_000)
            page.goto(f"{showcase.api.url}/#/events")
            page.fill("[name=username]", "admin")
            page.fill("[name=password]", showcase.api.password)
            page.press("[name=password]", "Enter")
            page.wait_for_selector("#connection[data-state=live]")
            schemes: list[dict[str, Any]] = [{"color_scheme": "light"}, {"color_scheme": "dark"}]
            if language == "en-GB":
                schemes.append({"forced_colors": "active"})
            for place in places:
                print(place.name, width, language, len(problems), file=sys.stderr, flush=True)
                where = f"{place.name}, {width}, {language}"
                try:
                    go_to(page, place)
                except Exception as error:
                    problems.setdefault(f"NOT REACHED {error}"[:300], []).append(where)
                    continue
                for scheme in schemes:
                    page.emulate_media(**{"forced_colors": "none"} | scheme)
                    for fault in faults(page):
                        problems.setdefault(fault, []).append(f"{where}, {scheme}")
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    problems.setdefault("wider than the screen", []).append(where)
                if finger:
                    for target in small_targets(page):
                        problems.setdefault(f"too small for a finger: {target}", []).append(where)
            context.close()
        browser.close()
    for fault, places_of in problems.items():
        print(f"{fault}\n    {len(places_of)}: {'; '.join(places_of[:4])}")
    print(f"{len(places)} places, {len(problems)} kinds of faults")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
