"""All services together, and the site file."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from infra.embedded.mosquitto import Mosquitto
from infra.embedded.service import ServiceError
from infra.embedded.stack import SERVICES, Stack, site_text
from tests.conftest import require
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def stack(session_folder: Path) -> Stack:
    for service in SERVICES.values():
        require(service)
    with Stack(session_folder / "stack") as stack:
        yield stack


def test_everything_starts_together(tmp: Path) -> None:
    with Stack(tmp / "stack") as stack:
        assert set(stack.services) | set(stack.left_out) == set(SERVICES)
        stack.check()


def test_the_broker_is_the_one_that_was_asked_for(
    tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER", "kafka")
    stack = Stack(tmp / "stack", ["redpanda"])
    assert "redpanda" in stack.left_out or stack["redpanda"].NAME == "kafka"
    monkeypatch.setenv("BROKER", "rabbit")
    with pytest.raises(ServiceError, match="BROKER is 'rabbit'; expected embedded or kafka"):
        Stack(tmp / "stack", ["redpanda"])


def test_the_site_file_names_every_service_and_only_we_can_read_it(stack: Stack) -> None:
    assert stack.site.stat().st_mode & 0o777 == 0o600
    site = YAML(typ="safe", pure=True).load(stack.site)
    assert (site["vigie"], site["timezone"]) == (1, "UTC")
    connections = site["connections"]
    assert set(connections) == set(SERVICES)
    assert connections["redpanda"] == {"brokers": [stack["redpanda"].address], "idempotence": False}
    assert connections["mqtt"]["password"] == stack["mqtt"].password("vigie")
    assert connections["clickhouse"]["url"].endswith(f":{stack['clickhouse'].port}/vigie")
    assert connections["influxdb"]["org"] == "vigie"


def test_the_database_of_the_site_file_is_there(stack: Stack) -> None:
    assert "vigie" in stack["clickhouse"].query("SHOW DATABASES").split()


def test_the_table_for_people_has_addresses_and_no_secret(stack: Stack) -> None:
    table = stack.table()
    assert all(service.address in table for service in stack.services.values())
    assert stack["clickhouse"].password not in table
    assert stack["mqtt"].password("vigie") not in table
    assert str(stack.site) in table


def test_a_service_that_is_not_installed_is_left_out_with_its_reason(
    tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Mosquitto, "missing", classmethod(lambda cls: "Debian's package mosquitto is not installed")
    )
    with Stack(tmp / "stack", ["redpanda", "mqtt"]) as stack:
        assert stack.left_out == {"mqtt": "Debian's package mosquitto is not installed"}
        assert "left out: Debian's package mosquitto" in stack.table()
        assert "mqtt" not in stack.connections()
        with pytest.raises(KeyError, match="package mosquitto is not installed"):
            stack["mqtt"]


def test_an_unknown_service_is_refused_with_those_there_are(tmp: Path) -> None:
    with pytest.raises(
        ServiceError, match="no service is called kafka; there are redpanda, clickhouse"
    ):
        Stack(tmp / "stack", ["kafka"])


def test_a_service_that_ended_by_itself_is_noticed(tmp: Path) -> None:
    with Stack(tmp / "stack", ["redpanda", "email"]) as stack:
        stack["email"].kill()
        with pytest.raises(ServiceError, match=r"email on 127\.0\.0\.1:.* has ended"):
            stack.check()


def test_when_one_cannot_start_none_stays(tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Mosquitto, "command", lambda self: [sys.executable, "-c", "raise SystemExit('no')"]
    )
    require(Mosquitto)
    stack = Stack(tmp / "stack", ["redpanda", "mqtt"])
    with pytest.raises(ServiceError, match=r"mqtt on .* ended instead of starting"):
        stack.start()
    assert all(service.pid is None for service in stack.services.values())


def test_a_folder_that_was_used_keeps_data_and_passwords(tmp: Path) -> None:
    with Stack(tmp / "stack", ["clickhouse"]) as stack:
        password = stack["clickhouse"].password
        stack["clickhouse"].query("CREATE TABLE vigie.t (n Int8) ENGINE = MergeTree ORDER BY n")
    with Stack(tmp / "stack", ["clickhouse"]) as stack:
        assert stack["clickhouse"].password == password
        assert stack["clickhouse"].query("SHOW TABLES FROM vigie") == "t\n"


def test_text_in_a_site_file_is_read_back_as_it_is() -> None:
    settings = {"url": 'a: "b" # é \\', "list": ["x:1"], "flag": False}
    assert YAML(typ="safe", pure=True).load(site_text({"c": settings}))["connections"] == {
        "c": settings
    }
    assert YAML(typ="safe", pure=True).load(site_text({}))["connections"] == {}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_command_runs_until_it_is_asked_to_end(tmp: Path, how: signal.Signals) -> None:
    command = [
        sys.executable,
        "-m",
        "infra.embedded",
        str(tmp / "data"),
        "--only",
        "redpanda",
        "email",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        assert "redpanda" in lines[0]
        assert "site file" in lines[2]
        process.send_signal(how)
        assert process.wait(PATIENCE) == 0


def test_the_command_ends_with_an_error_when_a_service_dies(tmp: Path) -> None:
    command = [sys.executable, "-m", "infra.embedded", str(tmp / "data"), "--only", "email"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        port = int(process.stdout.readline().split(":")[1])
        pid = wait_until(lambda: _listener(process.pid, port), what="the mail server's process")
        subprocess.run(["kill", "-9", str(pid)], check=True)
        assert process.wait(PATIENCE) == 1
        assert "email on 127.0.0.1" in process.stderr.read()


def _listener(parent: int, port: int) -> int | None:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            above = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
        except OSError:
            continue
        if int(above) == parent and str(port).encode() in words:
            return int(entry.name)
    return None
