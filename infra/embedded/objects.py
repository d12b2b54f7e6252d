"""An S3 object store over a plain folder (rclone serve s3): what MinIO's successors are in
production.
"""

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
    """S3 put, get, list, multipart and presigned addresses. No tags, lifecycle or versions: a
    tag call destroys the object.
    """

    NAME: ClassVar[str] = "objects"

    @classmethod
    def missing(cls) -> str | None:
        return (
            None if _rclone() else "the program rclone is not there (pip install vigie[embedded])"
        )

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def access_key(self) -> str:
        return self.secret("access_key").replace("-", "x").replace("_", "y")

    @property
    def secret_key(self) -> str:
        return self.secret("secret_key").replace("-", "x").replace("_", "y")

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket, unless it is there."""
        (self.folder / "buckets" / name).mkdir(parents=True, exist_ok=True)

    def prepare(self) -> None:
        (self.folder / "buckets").mkdir(exist_ok=True)

    def command(self) -> list[str]:
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
        return {"RCLONE_AUTH_KEY": f'"{self.access_key},{self.secret_key}"'}

    def probe(self) -> None:
        """A request without keys must be refused: then the store listens and its keys are set."""
        status, _ = ask(self.port, "/", timeout=2)
        if not 400 <= status < 500:
            raise ServiceError(
                f"the object store answers a request without keys with status {status}"
            )
