"""An S3 object store over a plain folder: rclone serve s3."""

import shutil
import sys
from pathlib import Path
from typing import ClassVar

from infra.embedded.ports import ask
from infra.embedded.service import Service, ServiceError


def _rclone() -> str | None:
    beside = Path(sys.executable).with_name("rclone")
    return str(beside) if beside.exists() else shutil.which("rclone")


class Objects(Service):
    """S3 put, get, list, multipart and presigned addresses.

    It has no tags, life cycle or versions: a call for tags destroys the object.
    """

    NAME: ClassVar[str] = "objects"

    @classmethod
    def missing(cls) -> str | None:
        """Why the service cannot run here; None if it can."""
        return (
            None if _rclone() else "the program rclone is not there (pip install vigie[embedded])"
        )

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

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket, unless it is there; once it runs, the server may not notice it."""
        (self.folder / "buckets" / name).mkdir(parents=True, exist_ok=True)

    def prepare(self) -> None:
        """Write the settings, and what must be there before the program starts."""
        (self.folder / "buckets").mkdir(exist_ok=True)

    def command(self) -> list[str]:
        """The command line of the program."""
        return [
            *(str(_rclone()), "serve", "s3", "--config", "", "--addr", self.address),
            *(
                "--vfs-cache-mode",
                "off",
                "--cache-dir",
                str(self.folder / "cache"),
                str(self.folder / "buckets"),
            ),
        ]

    def environment(self) -> dict[str, str]:
        # read as one line of CSV
        """Variables of the program, beside our own."""
        return {"RCLONE_AUTH_KEY": f'"{self.access_key},{self.secret_key}"'}

    def probe(self) -> None:
        """A request without keys must be refused: then the store listens and its keys are set."""
        status, _ = ask(self.port, "/", timeout=2)
        if not 400 <= status < 500:
            raise ServiceError(
                f"the object store answers a request without keys with status {status}"
            )
