"""Vigie's own processes, run like the embedded services: a log each, and an end with the demo."""

import re
import signal
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from infra.demo.log_in import choose_password, log_in
from infra.embedded.ports import ask
from infra.embedded.service import Service, ServiceError

ROOT = Path(__file__).parents[2]


class Program(Service):
    """A Python module of Vigie with a health page."""

    GOOD_ENDS: ClassVar[tuple[int, ...]] = (0,)

    def environment(self) -> dict[str, str]:
        """The variables of the process."""
        return {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

    def probe(self) -> None:
        """Ask the status port; raises `ServiceError` unless it is healthy."""
        status, body = ask(self.port, "/health", timeout=2)
        if status != 200:
            raise ServiceError(
                f"its health page says {status}: {body.decode('utf-8', 'replace')[:300]}"
            )


class FlowProgram(Program):
    """`vigie run DEFINITION`."""

    def __init__(
        self,
        folder: Path,
        definition: Path,
        site: Path,
        profile: str | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder)
        self.NAME = f"flow {definition.stem}"  # type: ignore[misc]
        self._variables = variables or {}
        self._arguments = [str(definition), "--site", str(site), "--data", str(folder / "state")]
        self._arguments += ["--profile", profile] if profile else []

    def environment(self) -> dict[str, str]:
        """The variables of the process."""
        return {**super().environment(), **self._variables}

    def command(self) -> list[str]:
        """The command line of `vigie run`."""
        return [
            sys.executable,
            "-m",
            "flows.cli",
            "run",
            *self._arguments,
            "--status-port",
            str(self.port),
        ]


class ApiProgram(Program):
    """`python -m api`; its first start prints the password of `admin` into its private log.

    Only the change of that password gives an account that can do anything.
    """

    NAME: ClassVar[str] = "api"
    GOOD_ENDS: ClassVar[tuple[int, ...]] = (
        0,
        -signal.SIGTERM,
    )  # uvicorn ends by the signal it was sent, after draining
    USERNAME: ClassVar[str] = "admin"

    def __init__(self, folder: Path, site: Path, port: int | None = None) -> None:
        super().__init__(folder, port)
        self._site = site

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{self.address}"

    @cached_property
    def password(self) -> str:
        """The password of `admin`, as it has been changed since its first start."""
        return choose_password(self.port, self.USERNAME, self.printed_password)

    def log_in(self) -> str:
        """An access token of `admin`."""
        return log_in(self.port, self.USERNAME, self.password)

    @property
    def printed_password(self) -> str:
        """The one in the log; raises `ServiceError` if it is not there."""
        found = re.search(r"^admin password: (\S+)$", self.log.read_text(), re.MULTILINE)
        if found is None:
            raise ServiceError(
                f"the api did not print the password of its account; its log:\n{self.tail()}"
            )
        return found[1]

    def command(self) -> list[str]:
        """The command line of the api."""
        place = [
            "--site",
            str(self._site),
            "--data",
            str(self.folder / "data"),
            "--port",
            str(self.port),
        ]
        return [sys.executable, "-m", "api", *place]
