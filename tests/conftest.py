"""Real services for the tests: each starts when a test first asks for it and serves the whole
session.

`broker`, `clickhouse`, `mosquitto`, `mariadb`, `victoria`, `objects`, `mail` are the running
services of `infra.embedded`; a test that kills or reconfigures a service starts one of its own in
`tmp`. `unique` keeps tests on a shared service apart.
"""

import collections
import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings

from infra.embedded import ports
from infra.embedded.broker import Broker
from infra.embedded.clickhouse import ClickHouse
from infra.embedded.kafka.server import Kafka
from infra.embedded.mail import Mail
from infra.embedded.mariadb import MariaDB
from infra.embedded.mosquitto import Mosquitto
from infra.embedded.objects import Objects
from infra.embedded.rtsp import Rtsp
from infra.embedded.service import Service
from infra.embedded.victoria import Victoria

SERVICES = {
    "broker", "clickhouse", "mosquitto", "mariadb", "victoria", "objects", "mail", "own",
    "rtsp",
    "postgresql", "receiver", "stack", "start", "browser", "kafka", "secured", "cluster",
}  # fmt: skip
"""Fixtures that start a server or a browser."""

ON_KAFKA = "VIGIE_KAFKA" in os.environ
"""Whether `broker` is Apache Kafka instead of the embedded one: `make test-kafka`."""

LONGEST = (
    "infra/demo/test_demo.py", "chaos/test_killed_services_and_flows.py",
    "flows/vision/test_cameras_end_to_end.py", "flows/vision/test_capture_faults.py",
    "flows/runtime/test_outbox.py", "api/web/test_fuzz_websocket.py", "flows/site/test_up.py",
    "api/permissions/test_cameras_of_pages.py", "flows/runtime/test_run_rescale.py",
    "flows/site/test_deploy.py", "flows/site/test_put.py", "flows/site/test_reload.py",
    "api/static/test_page_views.py", "infra/demo/test_endings.py",
    "flows/runtime/test_run_alarms.py", "api/push/test_feed.py",
    "flows/vision/test_capture_table.py", "flows/replay/test_replay_of_pictures.py",
    "flows/vision/test_detection_process.py", "flows/runtime/test_run.py",
    "flows/vision/test_evidence.py", "api/static/test_cameras_view.py",
    "api/push/test_resume.py", "connectors/mqtt/test_kill.py", "api/static/test_page.py",
    "flows/runtime/saved_state/test_versions.py", "flows/replay/test_replay.py",
    "flows/admin/test_dead_letters.py", "connectors/mariadb/test_flow.py",
)  # fmt: skip
"""Files in the order of the time that they take, from twenty seconds on."""

settings.load_profile("ci")  # the same inputs in every run, however long one of them takes

AnyService = TypeVar("AnyService", bound=Service)
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C reach the programs that tests start, also where these tests run in the background:
    a shell lets its background jobs, and all their children, ignore it. The order of files is ours:
    xdist puts those with few tests last, which are the long ones.
    """
    config.option.loadscopereorder = False
    _take_own_ports()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _take_own_ports() -> None:
    """Choose ports from a share of the worker's own: one where nobody listens yet, or for a while,
    is then no other worker's meanwhile.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    share = (ports.HIGHEST - ports.LOWEST) // workers
    ports.LOWEST += worker * share
    ports.HIGHEST = ports.LOWEST + share


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a service, so that `make check` can leave them out, and those in a
    browser, which `make test` leaves to `make test-browser`.

    The files that take longest come first, so that no worker is alone with one at the end; then
    those with the most tests.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if SERVICES & fixtures:
            item.add_marker("service")
        if "browser" in fixtures:
            item.add_marker("browser")
    tests = Path(__file__).parent
    places = {tests / name: place for place, name in enumerate(LONGEST)}
    count = collections.Counter(item.path for item in items)
    items.sort(key=lambda item: (places.get(item.path, len(places)), -count[item.path]))


def require(service: type[Service]) -> None:
    """Skip where the service cannot run; as root that is a failure, because `make setup`
    installs everything then.
    """
    reason = service.missing()
    if reason and os.geteuid() == 0:
        pytest.fail(f"{service.NAME} cannot run here: {reason}; run make setup", pytrace=False)
    if reason:
        pytest.skip(f"{service.NAME} cannot run here: {reason}")


def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="vigie-"))
    folder.chmod(0o711)  # services that run as a user of their own must get through
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def session_folder() -> Iterator[Path]:
    """Folder of the services of the session; short, so that sockets in it have short enough
    names.
    """
    yield from _folder()


@pytest.fixture
def tmp() -> Iterator[Path]:
    """An empty folder for one test, which a service of the test's own can use even if it runs as
    another user.
    """
    yield from _folder()


@pytest.fixture
def unique() -> str:
    """A word no other test of this session gets, for topics, databases and buckets: `test7`."""
    return f"test{next(_numbers)}"


@pytest.fixture
def own(tmp: Path) -> Iterator[Callable[[AnyService], AnyService]]:
    """Start services for one test: `broker = own(Broker(tmp / "broker"))`; they are killed after
    the test.
    """
    services: list[Service] = []

    def start(service: AnyService) -> AnyService:
        require(type(service))
        services.append(service)
        return service.start().wait_ready()

    yield start
    for service in services:
        service.kill()


def _run(service: AnyService) -> Iterator[AnyService]:
    require(type(service))
    with service:
        yield service


@pytest.fixture(scope="session")
def broker(session_folder: Path) -> Iterator[Service]:
    """A Kafka-protocol broker at `broker.address`."""
    yield from _run((Kafka if ON_KAFKA else Broker)(session_folder / "broker"))


@pytest.fixture(scope="session")
def clickhouse(session_folder: Path) -> Iterator[ClickHouse]:
    """ClickHouse at `clickhouse.url`, user default, `clickhouse.password`."""
    yield from _run(ClickHouse(session_folder / "clickhouse"))


@pytest.fixture(scope="session")
def mosquitto(session_folder: Path) -> Iterator[Mosquitto]:
    """An MQTT broker at `mosquitto.url` without users."""
    yield from _run(Mosquitto(session_folder / "mosquitto"))


@pytest.fixture(scope="session")
def mariadb(session_folder: Path) -> Iterator[MariaDB]:
    """MariaDB with a full row binlog and the recorder's tables; `mariadb.url` is the replication
    user's address.
    """
    yield from _run(MariaDB(session_folder / "mariadb"))


@pytest.fixture(scope="session")
def victoria(session_folder: Path) -> Iterator[Victoria]:
    """InfluxDB's write protocol at `victoria.url`."""
    yield from _run(Victoria(session_folder / "victoria"))


@pytest.fixture(scope="session")
def objects(session_folder: Path) -> Iterator[Objects]:
    """An S3 store at `objects.url`."""
    yield from _run(Objects(session_folder / "objects"))


@pytest.fixture(scope="session")
def mail(session_folder: Path) -> Iterator[Mail]:
    """A mail server at `mail.url`; `mail.messages()` is what came."""
    yield from _run(Mail(session_folder / "mail"))


@pytest.fixture(scope="session")
def rtsp(session_folder: Path) -> Iterator[Rtsp]:
    """An RTSP server with a generated stream at `rtsp.url("/camera")`."""
    yield from _run(Rtsp(session_folder / "rtsp"))
