import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import clickhouse_connect
import pytest
from argon2 import PasswordHasher
from kafka import KafkaConsumer, TopicPartition

from api.settings import Settings
from infra.embedded.broker import Broker
from infra.embedded.clickhouse import ClickHouse
from tests.api.postgresql import BINARIES, new_database, running
from tests.api.running import Api, Topics, settings_for
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Start = Callable[[Settings], Api]


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hash passwords with little work, so that servers start at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "api.accounts.password_hashing.PasswordHasher",
            partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1),
        )
        yield


@pytest.fixture(scope="session", autouse=True)
def patient_servers() -> Iterator[None]:
    """Take no client, flow or camera for gone because the machine has other work to do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.web.uvicorn_server.PING_INTERVAL", PATIENCE)
        patch.setattr("api.site.flow_status.DEADLINE", PATIENCE)
        patch.setattr("api.site.camera_test.WAIT", PATIENCE)
        yield


@pytest.fixture
def start() -> Iterator[Start]:
    """Start servers that are stopped after the test."""
    servers: list[Api] = []

    def start_one(settings: Settings) -> Api:
        servers.append(Api(settings))
        return servers[-1].start()

    yield start_one
    for server in servers:
        server.stop()


@pytest.fixture
def topics(broker: Broker, unique: str) -> Iterator[Topics]:
    """The topics of one test, which exist."""
    topics = Topics(broker.address, f"{unique}.")
    topics.create()
    yield topics
    topics.close()


@pytest.fixture
def settings(tmp: Path, broker: Broker, topics: Topics) -> Settings:
    """A server with the shared broker and no ClickHouse."""
    return settings_for(tmp / "data", broker.address, topics)


@pytest.fixture
def api(start: Start, settings: Settings, topics: Topics) -> Api:
    """A running server that has found its topics."""
    server = start(settings)
    server.wait_for_topics(topics.readings, topics.alarms, topics.push)
    return server


@pytest.fixture
def token(api: Api) -> str:
    """A token of the account `admin`."""
    return api.login()


@pytest.fixture
def database(clickhouse: ClickHouse, unique: str) -> Iterator[Callable[[], Any]]:
    """Opens clients of an empty ClickHouse database."""
    name = f"api_{unique}"
    clickhouse.query(f"CREATE DATABASE {name}")
    clients: list[Any] = []

    def connect() -> Any:
        options = clickhouse.client_options(name) | {
            "autogenerate_session_id": False,
            "query_retries": 0,
        }
        clients.append(clickhouse_connect.get_client(**options))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def rules(broker: Broker, topics: Topics) -> Iterator[Callable[[], dict[str, Any]]]:
    """The rows of the topic of rules, the newest of each key."""
    consumer = KafkaConsumer(bootstrap_servers=broker.address, auto_offset_reset="earliest")
    part = TopicPartition(topics.names.rules, 0)
    rows: dict[str, Any] = {}

    def newest() -> dict[str, Any]:
        if not consumer.assignment() and part.topic in consumer.topics():
            consumer.assign([part])
        for record in consumer.poll(50).get(part, []) if consumer.assignment() else []:
            rows[record.key.decode()] = json.loads(record.value)
        return rows

    yield newest
    consumer.close()


@pytest.fixture(scope="session")
def postgresql_folder() -> Iterator[Path]:
    """The socket of a running PostgreSQL."""
    if BINARIES is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    with running() as folder:
        yield folder


@pytest.fixture
def postgresql(postgresql_folder: Path) -> str:
    """The address of an empty PostgreSQL database."""
    return new_database(postgresql_folder)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A headless Chromium for all tests of the page."""
    from playwright.sync_api import sync_playwright

    from tests.api.static.browsing import CHROMIUM, FLAGS, WAIT, missing

    if missing():
        pytest.skip("Debian's package chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=WAIT)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: "Browser", api: Api) -> "Iterator[Callable[..., Page]]":
    """Open the page in a fresh profile and log in; nothing may go wrong in the page.

    With `keeps`, the browser keeps the page's files for when the server is out of reach.
    """
    from tests.api.static.browsing import DESK, WAIT, log_in_to

    problems: list[str] = []
    contexts = []

    def open_page(
        size: dict[str, int] = DESK,
        language: str = "en-GB",
        log_in: bool = True,
        view: str = "",
        keeps: bool = False,
        **who: str,
    ) -> "Page":
        context = browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            locale=language,
            service_workers="allow" if keeps else "block",
        )
        contexts.append(context)
        context.set_default_timeout(WAIT)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda line: (
                problems.append(line.text) if "Content Security Policy" in line.text else None
            ),
        )
        page.on(
            "request",
            lambda request: None if api.address in request.url else problems.append(request.url),
        )
        page.goto(f"{api.url}/{view}")
        if log_in:
            log_in_to(page, api, **who)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
