"""The MQTT broker Mosquitto from Debian, with persistence."""

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from infra.embedded.ports import HOST, connect
from infra.embedded.service import Service, ServiceError, write_private

PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=PLACES)


class Mosquitto(Service):
    """Queues are unlimited and saved every second: a kill loses at most the last second."""

    NAME: ClassVar[str] = "mqtt"
    USER: ClassVar[str] = "mosquitto"

    def __init__(
        self, folder: Path | str, port: int | None = None, users: Sequence[str] = ()
    ) -> None:
        """With `users`, only they may connect, with random passwords; without, everybody may."""
        super().__init__(folder, port)
        self.users = tuple(users)

    @classmethod
    def missing(cls) -> str | None:
        """Why the service cannot run here; None if it can."""
        return None if _program("mosquitto") else "Debian's package mosquitto is not installed"

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"mqtt://{self.address}"

    def password(self, user: str) -> str:
        """The password of a user; raises `KeyError`."""
        if user not in self.users:
            raise KeyError(
                f"{user!r} is not a user of this broker; users: {', '.join(self.users) or 'none'}"
            )
        return self.secret(user)

    def prepare(self) -> None:
        """Write the settings, and what must be there before the program starts."""
        settings = [
            f"listener {self.port} {HOST}",
            f"allow_anonymous {'false' if self.users else 'true'}",
            "persistence true",
            f"persistence_location {self.folder}/",
            "autosave_interval 1",
            "max_queued_messages 0",
            "max_inflight_messages 0",
            "set_tcp_nodelay true",
            "log_type error",
            "log_type warning",
            "log_type notice",
            "log_type subscribe",
            "connection_messages false",
        ]
        if not self.run_as():
            settings.append("user root")
        if self.users:
            passwords = self.folder / "passwords"
            write_private(
                passwords, "".join(f"{user}:{self.password(user)}\n" for user in self.users)
            )
            tool = _program("mosquitto_passwd")
            if tool is None:
                raise ServiceError(
                    "mosquitto_passwd is not there; install Debian's package mosquitto"
                )
            subprocess.run([tool, "-U", str(passwords)], check=True)
            settings.append(f"password_file {passwords}")
        (self.folder / "mosquitto.conf").write_text("\n".join(settings) + "\n")
        self.log.touch()
        self.give_folder()

    def command(self) -> list[str]:
        """The command line of the program."""
        return [str(_program("mosquitto")), "-c", str(self.folder / "mosquitto.conf")]

    def probe(self) -> None:
        """Knock with an MQTT 3.1.1 CONNECT; any CONNACK (even 'not authorised') is an answer."""
        with connect(self.port) as link:
            link.sendall(b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x0a\x00\x02up")
            if link.recv(2) != b"\x20\x02":
                raise ServiceError(f"{HOST}:{self.port} does not answer as an MQTT broker does")

    def wait_subscribed(self, pattern: str, timeout: float = 60.0) -> None:
        """Wait until somebody has subscribed to the pattern; raises `ServiceError`."""
        deadline = time.monotonic() + timeout
        while not any(line.endswith(f" {pattern}") for line in self.lines()):
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"nobody subscribed to {pattern} at {self.address} within {timeout:g} s"
                )
            time.sleep(0.05)
