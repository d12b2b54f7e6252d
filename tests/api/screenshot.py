"""Take the picture of the page that the docs show: `python screenshot.py URL USER PASSWORD OUT.png [--open SUBJECT METRIC]`."""

import argparse

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def take(arguments: argparse.Namespace) -> None:
    """Log in, wait for cards, open a history if one is named, and write the picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(
            viewport={"width": arguments.width, "height": arguments.height},
            device_scale_factor=arguments.scale,
            color_scheme=arguments.scheme,
            locale=arguments.language,
        )
        page.goto(arguments.url)
        page.fill("[name=username]", arguments.user)
        page.fill("[name=password]", arguments.password)
        page.click("#login-form button")
        page.wait_for_selector("#connection[data-state=live]")
        page.wait_for_selector(".card .spark-line[d^=M]", state="attached")
        if arguments.open:
            subject, metric = arguments.open
            page.click(f'[data-subject="{subject}"] [data-metric="{metric}"]')
            page.wait_for_selector("#chart .chart-line")
            page.mouse.move(0, 0)
        page.evaluate("document.fonts.ready.then(() => true)")
        page.wait_for_timeout(arguments.settle * 1000)
        page.screenshot(path=arguments.out)
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("user")
    parser.add_argument("password")
    parser.add_argument("out")
    parser.add_argument("--open", nargs=2, metavar=("SUBJECT", "METRIC"), help="history to show")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--scale", type=float, default=1.5)
    parser.add_argument("--scheme", choices=["dark", "light"], default="dark")
    parser.add_argument("--language", default="en")
    parser.add_argument("--settle", type=float, default=2.0, help="seconds to let readings arrive before the picture")
    take(parser.parse_args())
