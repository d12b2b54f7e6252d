"""What holds for every embedded service, shown on the small ones."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from infra.embedded.broker import Broker
from infra.embedded.mail import Mail
from infra.embedded.ports import HOST, LOWEST, ask, free_port, is_free
from infra.embedded.service import Service, ServiceError, Unavailable, write_private
from tests.waiting import wait_until

pytestmark = pytest.mark.service


class Sleeper(Service):
    """A program that never listens."""

    NAME: ClassVar[str] = "sleeper"
    SCRIPT: ClassVar[str] = "import time; print('I am awake', flush=True); time.sleep(60)"

    def command(self) -> list[str]:
        return [sys.executable, "-c", self.SCRIPT]

    def probe(self) -> None:
        raise OSError("nobody there")


class Crasher(Sleeper):
    """A program that ends at once."""

    SCRIPT: ClassVar[str] = "import sys; sys.exit('the disk is on fire')"


class Stubborn(Sleeper):
    """A program that does not end when asked."""

    SCRIPT: ClassVar[str] = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True);"
        " time.sleep(60)"
    )

    def probe(self) -> None:
        if "up" not in self.tail():
            raise OSError("not yet")


class Absent(Sleeper):
    """A program that is not installed."""

    @classmethod
    def missing(cls) -> str | None:
        return "Debian's package sleeper is not installed"


@pytest.fixture
def other_listener() -> socket.socket:
    with socket.socket() as listener:
        listener.bind((HOST, free_port()))
        listener.listen()
        yield listener


def test_ports_lie_below_those_of_outgoing_connections() -> None:
    ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(LOWEST <= free_port() < ephemeral for _ in range(50))


def test_a_port_somebody_listens_on_is_not_free(other_listener: socket.socket) -> None:
    assert not is_free(other_listener.getsockname()[1])


def test_a_taken_port_is_said_plainly_with_the_remedy(
    tmp: Path, other_listener: socket.socket
) -> None:
    port = other_listener.getsockname()[1]
    with pytest.raises(
        ServiceError, match=f"port {port} on 127.0.0.1 is taken .* choose another port"
    ):
        Broker(tmp / "broker", port).start()


def test_a_chosen_port_that_was_taken_meanwhile_is_replaced(
    tmp: Path, other_listener: socket.socket
) -> None:
    broker = Broker(tmp / "broker")
    taken = broker._port = other_listener.getsockname()[1]
    with broker:
        assert broker.port != taken
        broker.probe()


def test_a_program_that_ends_at_once_shows_the_end_of_its_log_and_a_remedy(tmp: Path) -> None:
    with pytest.raises(ServiceError) as caught, Crasher(tmp / "crasher"):
        pass
    for part in (
        "crasher",
        "ended instead of starting (exit status 1)",
        "the disk is on fire",
        "log.txt",
        "Mend what",
    ):
        assert part in str(caught.value)


def test_a_program_that_does_not_answer_in_time_is_an_error_with_its_log(tmp: Path) -> None:
    sleeper = Sleeper(tmp / "sleeper").start()
    try:
        wait_until(lambda: "awake" in sleeper.tail(), what="the program's first line")
        expected = r"did not answer within 0.5 s \(last try: nobody there\)[\s\S]*I am awake"
        with pytest.raises(ServiceError, match=expected):
            sleeper.wait_ready(0.5)
    finally:
        sleeper.kill()
    assert sleeper.pid is None


def test_a_service_that_fails_to_start_leaves_no_process_behind(
    tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sleeper, "STARTUP", 0.2)
    sleeper = Sleeper(tmp / "sleeper")
    with pytest.raises(ServiceError), sleeper:
        pass
    assert sleeper.pid is None


def test_a_program_that_ignores_the_request_to_end_is_killed_and_that_is_an_error(
    tmp: Path,
) -> None:
    stubborn = Stubborn(tmp / "stubborn").start().wait_ready()
    with pytest.raises(
        ServiceError, match=r"did not end within 0.3 s after SIGTERM and was killed"
    ):
        stubborn.stop(0.3)
    assert stubborn.pid is None


def test_a_program_that_is_not_installed_says_what_to_install(tmp: Path) -> None:
    with pytest.raises(
        Unavailable, match="sleeper cannot run here: Debian's package sleeper is not installed"
    ):
        Absent(tmp / "absent").start()


def test_starting_twice_is_starting_once(tmp: Path, own: Callable[[Service], Service]) -> None:
    mail = own(Mail(tmp / "mail"))
    pid = mail.pid
    assert mail.start().pid == pid


def test_secrets_are_random_kept_and_private(tmp: Path) -> None:
    first, second = Broker(tmp / "one"), Broker(tmp / "two")
    assert first.secret("x") == Broker(tmp / "one").secret("x") != second.secret("x")
    assert len(first.secret("x")) >= 24
    assert (tmp / "one" / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_private_file_is_never_open_to_others_even_if_it_was_before(tmp: Path) -> None:
    path = tmp / "site.yaml"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600


PARENT = """
import sys, time
from infra.embedded.mail import Mail
service = Mail(sys.argv[1]).start().wait_ready()
print(service.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_service_dies_with_the_program_that_started_it(tmp: Path, how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp / "mail")], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(how)
        parent.wait()
    wait_until(lambda: not _alive(pid), what=f"the end of process {pid}")


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_what_is_not_a_web_server_is_an_os_error(mail: Mail) -> None:
    with pytest.raises(OSError, match="does not answer as a web server does"):
        ask(mail.port, "/")


def test_the_command_line_of_no_service_holds_a_secret(tmp: Path) -> None:
    from infra.embedded.stack import SERVICES, Stack

    stack = Stack(
        tmp / "stack", [name for name, service in SERVICES.items() if not service.missing()]
    )
    for service in stack.services.values():
        kept = {service.secret("probe")}
        if os.path.exists(service.folder / "secrets.json"):
            import json

            kept |= set(json.loads((service.folder / "secrets.json").read_text()).values())
        assert not any(secret in part for secret in kept for part in service.command())
