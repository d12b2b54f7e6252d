"""moto's S3 server: what rclone lacks, such as life-cycle rules and S3's own error answers."""

import socket
import sys
from typing import ClassVar

from infra.embedded.ports import HOST
from infra.embedded.service import Service


class Moto(Service):
    """S3 in memory at `url`; any keys will do."""

    NAME: ClassVar[str] = "moto"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def command(self) -> list[str]:
        host, _, port = self.address.partition(":")
        return [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", host, "-p", port]

    def probe(self) -> None:
        socket.create_connection((HOST, self.port), timeout=2).close()
