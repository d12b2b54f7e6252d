"""The page in headless Chromium: how soon it shows something, how long it is deaf, what it costs.

Each case has a server of its own. A task is the processor time of the page's main thread between
two moments at which it answers, so that other work of the machine does not count; on a machine of a
quarter of the speed it takes four times that.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from api.settings import Bounds
from infra.embedded.broker import Broker
from operators.events import AlarmTransition, Reading, encode_lines
from tests.api.events import alarm
from tests.api.running import Api, Topics, settings_for
from tests.api.static.browsing import CHROMIUM, FLAGS, log_in_to
from tests.bench.report import Figure
from tests.waiting import wait_until

SIZE: Any = {"width": 1440, "height": 900}
SLOWER = 4
RATE = 1000
SECONDS = 10
LONGEST = "≤ 200 ms"
OURS = "vigie bench"
"""A mark in the trace, by which the page's own thread is known: the browser has pages, too."""
WATCH = """
window.firstShown = 0;
new MutationObserver((_, watcher) => {
  if (!document.querySelector(window.SOUGHT)) return;
  window.firstShown = performance.now();
  watcher.disconnect();
}).observe(document, {childList: true, subtree: true});
"""


class Case(NamedTuple):
    """So many subjects and alarms, and the view that shows them."""

    subjects: int
    alarms: int
    view: str
    shown: str

    @property
    def name(self) -> str:
        what = f"{self.alarms:,} alarms" if self.alarms else f"{self.subjects:,} subjects"
        return f"page, {what}"


CASES = [
    *(Case(subjects, 0, "overview", ".card") for subjects in (200, 2_000, 20_000)),
    *(Case(200, alarms, "alarms", ".alarm-table .alarm") for alarms in (500, 10_000)),
]


def page(folder: Path) -> list[Figure]:
    """Time to the first card or row, longest task, memory, and the idle share under load."""
    figures: list[Figure] = []
    with (
        Broker(folder / "broker") as broker,
        sync_playwright() as playwright,
        contextlib.closing(
            playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        ) as browser,
    ):
        for number, case in enumerate(CASES):
            topics = Topics(broker.address, f"case{number}.")
            topics.create()
            try:
                with _server(folder / f"case{number}", broker, topics, case) as api:
                    figures += _measure(browser, api, topics, case)
            finally:
                topics.close()
    return figures


@contextlib.contextmanager
def _server(folder: Path, broker: Broker, topics: Topics, case: Case) -> Iterator[Api]:
    """A server that knows all subjects and alarms of a case."""
    api = Api(settings_for(folder, broker.address, topics, bounds=Bounds()))
    api.start()
    try:
        api.wait_for_topics(topics.readings, topics.alarms, topics.push)
        _send(topics, topics.readings, _readings(case.subjects))
        _send(topics, topics.alarms, _alarms(case.alarms))
        token = api.login()
        wait_until(
            lambda: (
                len(api.get("/api/latest", token, course=0).json()["readings"]) >= case.subjects
            ),
            what="the readings",
        )
        wait_until(
            lambda: len(api.get("/api/alarms", token).json()["alarms"]) >= case.alarms,
            what="the alarms",
        )
        yield api
    finally:
        api.stop()


def _send(topics: Topics, topic: str, events: list[Any]) -> None:
    for start in range(0, len(events), 200):
        part = events[start : start + 200]
        topics.send(topic, encode_lines(part), part[0].subject)
    topics.flush()


def _readings(subjects: int) -> list[Reading]:
    now = time.time()
    return [
        Reading(
            id=f"{now}/{n}",
            time=now,
            subject=f"hall {n % 40} sensor {n}",
            metric=("temperature", "humidity")[n % 2],
            unit="°C",
            value=20 + n % 10,
        )
        for n in range(subjects)
    ]


def _alarms(count: int) -> list[AlarmTransition]:
    now = time.time()
    return [
        alarm(
            n + 1,
            "BDC"[n % 3],
            rule=f"plant/r{n % 25}",
            alarm=f"r{n % 25}",
            subject=f"hall {n % 40} sensor {n}",
            priority=("low", "medium", "high", "critical")[n % 4],
            labels={"area": f"hall {n % 40}"},
            time=now - n,
            recorded=now - n,
        )
        for n in range(count)
    ]


def _measure(browser: Browser, api: Api, topics: Topics, case: Case) -> list[Figure]:
    with _logged_in(browser, api) as tab:
        debugger = tab.context.new_cdp_session(tab)
        debugger.send("Performance.enable")
        tab.add_init_script(f"window.SOUGHT = {case.shown!r};{WATCH}")
        with _tasks(tab, debugger) as tasks:
            tab.goto(f"{api.url}/#/{case.view}")
            wait_until(lambda: tab.evaluate("firstShown"), what="the first card or row")
            tab.wait_for_timeout(5000)
            if case.alarms:
                _walk(tab)
        first = float(tab.evaluate("firstShown"))
        debugger.send("HeapProfiler.collectGarbage")
        memory = _metric(debugger, "JSHeapUsedSize")
        with _load(topics, case.subjects):
            tab.wait_for_timeout(1000)
            busy, begun = _metric(debugger, "ThreadTime"), _metric(debugger, "Timestamp")
            tab.wait_for_timeout(SECONDS * 1000)
            busy = _metric(debugger, "ThreadTime") - busy
            idle = 1 - busy / (_metric(debugger, "Timestamp") - begun)
    shown = "row" if case.alarms else "card"
    return [
        Figure(f"{case.name}, first {shown}", first / 1000, "s", bound="≤ 2 s"),
        Figure(
            f"{case.name}, longest task at a quarter of the speed",
            SLOWER * max(tasks),
            "ms",
            bound=LONGEST,
        ),
        Figure(f"{case.name}, memory of scripts", memory / 1e6, "MB"),
        Figure(f"{case.name}, main thread idle at {RATE:,} readings/s", 100 * idle, "%"),
    ]


@contextlib.contextmanager
def _logged_in(browser: Browser, api: Api) -> Iterator[Page]:
    """An empty tab of somebody who is logged in already."""
    context = browser.new_context(viewport=SIZE, locale="en-GB")
    try:
        tab = context.new_page()
        tab.goto(f"{api.url}/#/events")
        tab.check("[name=stay]")
        log_in_to(tab, api)
        tab.close()
        yield context.new_page()
    finally:
        context.close()


@contextlib.contextmanager
def _tasks(tab: Page, debugger: CDPSession) -> Iterator[list[float]]:
    """The processor time of each task of the page's main thread meanwhile, in ms."""
    traced: list[dict[str, Any]] = []
    tasks: list[float] = []
    complete: list[bool] = []
    debugger.on("Tracing.dataCollected", lambda part: traced.extend(part["value"]))
    debugger.on("Tracing.tracingComplete", lambda _: complete.append(True))
    wanted = {"includedCategories": ["toplevel", "blink.user_timing"]}
    debugger.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": wanted})
    yield tasks
    tab.evaluate("name => performance.mark(name)", OURS)
    debugger.send("Tracing.end")
    while not complete:
        tab.wait_for_timeout(50)
    main = {(one["pid"], one["tid"]) for one in traced if one["name"] == OURS}
    tasks += [
        one["tdur"] / 1000
        for one in traced
        if one["name"].endswith("RunTask") and "tdur" in one and (one["pid"], one["tid"]) in main
    ]


def _walk(tab: Page) -> None:
    """Sort, group, filter and scroll a table, as somebody does who looks for an alarm."""
    tab.click("[data-sort=where]")
    tab.wait_for_timeout(500)
    tab.select_option("[name=group]", "area")
    tab.wait_for_timeout(500)
    tab.fill("[name=q]", "sensor 7")
    tab.wait_for_timeout(500)
    tab.fill("[name=q]", "")
    tab.mouse.wheel(0, 20_000)
    tab.wait_for_timeout(500)


def _metric(debugger: CDPSession, name: str) -> float:
    metrics = debugger.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == name))


@contextlib.contextmanager
def _load(topics: Topics, subjects: int) -> Iterator[None]:
    """1,000 readings a second, spread over all subjects."""
    ended = threading.Event()

    def send() -> None:
        due, at = time.monotonic(), 0
        while not ended.is_set():
            events = _readings(subjects)
            for start in range(0, len(events), RATE // 10):
                if ended.is_set():
                    return
                part = events[start : start + RATE // 10]
                at += 1
                fresh = [
                    Reading(
                        id=f"l{at}/{one.subject}",
                        time=time.time(),
                        subject=one.subject,
                        metric=one.metric,
                        unit=one.unit,
                        value=20 + (at + n) % 10,
                    )
                    for n, one in enumerate(part)
                ]
                _send(topics, topics.readings, fresh)
                due += len(part) / RATE
                ended.wait(max(0.0, due - time.monotonic()))

    thread = threading.Thread(target=send, name="load of the page")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
