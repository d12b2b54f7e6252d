"""moto's S3 server: what rclone lacks, such as life-cycle rules and S3's own error answers."""

import socket
import sys
from pathlib import Path
from typing import ClassVar

from infra.embedded.ports import HOST
from infra.embedded.service import Service
from tests.connectors.certificate import Certificate


class Moto(Service):
    """S3 in memory at `url`; with a certificate, encrypted."""

    NAME: ClassVar[str] = "moto"

    def __init__(self, folder: Path, certificate: Certificate | None = None) -> None:
        super().__init__(folder)
        self._certificate = certificate

    @property
    def url(self) -> str:
        return f"{'https' if self._certificate else 'http'}://{self.address}"

    def command(self) -> list[str]:
        host, _, port = self.address.partition(":")
        made = self._certificate
        tls = ["-s", "-c", str(made.cert), "-k", str(made.key)] if made else []
        return [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", host, "-p", port, *tls]

    def probe(self) -> None:
        socket.create_connection((HOST, self.port), timeout=2).close()
