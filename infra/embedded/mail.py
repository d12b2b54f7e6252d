"""A mail server that keeps every mail as a file and delivers none.

`python -m infra.embedded.mail FOLDER PORT`.
"""

import argparse
import asyncio
import email
import email.message
import email.policy
import importlib.util
import signal
import sys
from pathlib import Path
from typing import Any, ClassVar

from infra.embedded.ports import HOST, connect
from infra.embedded.service import Service, ServiceError


class Mail(Service):
    """SMTP without authentication. Mails are numbered in order of arrival: `mails/000001.eml`."""

    NAME: ClassVar[str] = "email"

    @classmethod
    def missing(cls) -> str | None:
        """Why the service cannot run here; None if it can."""
        found = importlib.util.find_spec("aiosmtpd")
        return (
            None
            if found
            else "the Python package aiosmtpd is not installed (pip install vigie[embedded])"
        )

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"smtp://{self.address}"

    def command(self) -> list[str]:
        """The command line of the program."""
        return [
            sys.executable,
            "-m",
            "infra.embedded.mail",
            str(self.folder / "mails"),
            str(self.port),
        ]

    def environment(self) -> dict[str, str]:
        """Variables of the program, beside our own."""
        return {"PYTHONPATH": str(Path(__file__).parents[2])}

    def probe(self) -> None:
        """Raise `OSError` or `ServiceError` until the service answers."""
        with connect(self.port) as link:
            if link.recv(4) != b"220 ":
                raise ServiceError(f"{HOST}:{self.port} does not greet as a mail server does")

    def count(self) -> int:
        """How many mails have come."""
        return len(self._files())

    def messages(self) -> list[email.message.EmailMessage]:
        """All mails, the oldest first."""
        return [
            email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            for path in self._files()
        ]

    def _files(self) -> list[Path]:
        return sorted((self.folder / "mails").glob("*.eml"))


class _Keeper:
    """aiosmtpd's handler: one file a mail, named only once it is whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = 1 + max((int(path.stem) for path in folder.glob("*.eml")), default=0)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        part = self._folder / f"{self._next:06}.part"
        part.write_bytes(envelope.original_content)
        part.rename(part.with_suffix(".eml"))
        self._next += 1
        return "250 kept"


async def _serve(folder: Path, port: int) -> None:
    from aiosmtpd.smtp import SMTP

    keeper = _Keeper(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(keeper, hostname="localhost", enable_SMTPUTF8=True), HOST, port
    )
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    async with server:
        await stopping.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_serve(options.folder, options.port))
