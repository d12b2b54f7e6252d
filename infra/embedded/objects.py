"""An S3 object store: SeaweedFS in one process, the server that production runs too."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from infra.embedded.ports import HOST, ask, free_port
from infra.embedded.service import Service, ServiceError

PARTS = ("master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc", "s3.grpc")
"""What listens beside S3, each on a port of its own; the administration adds one of its choice."""
SOCKETS = Path("/tmp")  # noqa: S108
"""Where the program puts its sockets, whatever it is told."""


def _weed() -> str | None:
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


class Objects(Service):
    """S3 with tags, life cycle and versions; a bucket must be made before it is written to."""

    NAME: ClassVar[str] = "objects"
    _inner: Mapping[str, int] = {}

    @classmethod
    def missing(cls) -> str | None:
        """Why the service cannot run here; None if it can."""
        return None if _weed() else "the program weed is not there (pip install vigie[embedded])"

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"http://{self.address}"

    @property
    def access_key(self) -> str:
        """The access key of the one user."""
        return self.secret("access_key").replace("-", "x").replace("_", "y")

    @property
    def secret_key(self) -> str:
        """The secret key of the one user."""
        return self.secret("secret_key").replace("-", "x").replace("_", "y")

    def prepare(self) -> None:
        """Choose the inner ports anew: nobody outside knows them."""
        (self.folder / "data").mkdir(exist_ok=True)
        (self.folder / "data" / "mini.options").unlink(missing_ok=True)  # the last start's ports
        self._inner = {part: free_port() for part in (*PARTS, "admin")}

    def command(self) -> list[str]:
        """The command line of the program."""
        inner = [
            f"-{part.removesuffix('.grpc')}.port{'.grpc' * part.endswith('.grpc')}={port}"
            for part, port in self._inner.items()
        ]
        return [
            *(str(_weed()), "mini", f"-dir={self.folder / 'data'}", f"-s3.port={self.port}"),
            *(f"-ip={HOST}", f"-ip.bind={HOST}", "-master.telemetry=false"),
            *("-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            *("-s3.autoCreateBucket=false", "-s3.allowDeleteBucketNotEmpty=false"),
            "-volume.max=10000",  # a bucket takes one, which need not have its GiB of disk
            *inner,
        ]

    def environment(self) -> dict[str, str]:
        """The keys of the one user."""
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}

    def stop(self, timeout: float = 60.0) -> None:
        """Kill it, which costs nothing that it confirmed; SIGTERM waits for who is connected."""
        self.kill()

    def kill(self) -> None:
        """Kill it, and remove the sockets that it leaves behind."""
        super().kill()
        self._sweep()

    def _sweep(self) -> None:
        for port in (self.port, *self._inner.values()):
            for path in SOCKETS.glob(f"seaweedfs-*-{port}.sock"):
                path.unlink(missing_ok=True)

    def probe(self) -> None:
        """A request without keys must be refused: then the store listens and its keys are set."""
        status, _ = ask(self.port, "/", timeout=2)
        if not 400 <= status < 500:
            raise ServiceError(
                f"the object store answers a request without keys with status {status}"
            )
