"""What a browser loads when it opens the page for the first time."""

import gzip
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from api.app import STATIC
from api.web.page_shell import first_files
from tests.api.running import Api
from tests.api.static.browsing import log_in_to, missing
from tests.waiting import PATIENCE

MOST = 300_000
"""Bytes of the first view's files."""
MOST_SENT = 150_000
"""Bytes that a first visit brings over the wire, all that is kept for later included."""


def test_the_first_view_weighs_little_and_the_others_are_loaded_when_they_are_opened() -> None:
    first = first_files(STATIC)
    names = {path.name for path in first}
    assert {"app.js", "overview.js", "words.js", "style.css", "manifest.json"} <= names
    assert not {"accounts_view.js", "cameras_view.js", "dashboards_view.js", "uplot.js"} & names
    assert sum(path.stat().st_size for path in first) < MOST


@pytest.mark.skipif(missing(), reason="Debian's package chromium is not installed")
def test_a_first_visit_brings_little_over_the_wire(browser: Browser, api: Api) -> None:
    context = browser.new_context()
    page = context.new_page()
    sent: list[tuple[str, int]] = []

    def finished(request: Any) -> None:
        if "/static/" in request.url or request.url.endswith("/"):
            sent.append((request.url, request.sizes()["responseBodySize"]))

    context.on("requestfinished", finished)
    page.goto(api.url)
    log_in_to(page, api)
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    expect(page.locator("#no-cards")).to_be_visible()
    kept = page.evaluate(
        "async () => (await (await caches.open((await caches.keys())[0])).keys()).map(({url}) => url)"
    )
    context.close()
    assert {url.rpartition("/")[2] for url, _ in sent} >= {"app.js", "english.js", "style.css"}
    assert not [url for url in kept if "uplot" in url or "accounts" in url]
    assert sum(size for _, size in sent) < MOST_SENT


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, timeout=PATIENCE) as client:
        yield client


def test_files_are_compressed_for_those_who_take_it_and_asked_for_once(
    client: httpx.Client,
) -> None:
    path, plain = "/static/app.js", (STATIC / "app.js").read_bytes()
    for taken, encoding in (
        ("gzip, deflate, br", "gzip"),
        ("identity", None),
        ("gzip;q=0, br", None),
        ("br;q=1.0, gzip;q=0.8", "gzip"),
        ("", None),
    ):
        answer = client.get(path, headers={"Accept-Encoding": taken})
        assert answer.headers.get("content-encoding") == encoding, taken
        assert answer.content == plain
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-type"].startswith("text/javascript")
        again = {"Accept-Encoding": taken, "If-None-Match": answer.headers["etag"]}
        assert client.get(path, headers=again).status_code == 304
    assert int(client.get(path).headers["content-length"]) == len(gzip.compress(plain, mtime=0))
    head = client.head(path, headers={"Accept-Encoding": "gzip"})
    assert head.status_code == 200 and head.content == b""
    icon = client.get("/static/icons/icon-180.png")
    assert "content-encoding" not in icon.headers
