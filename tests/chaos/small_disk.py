"""A disk of a few megabytes that can be filled to the last byte: a tmpfs, which only root may
mount.
"""

import os
import subprocess
from pathlib import Path

SIZE = "16m"
FIRST_PIECE = 1 << 20


def missing() -> str | None:
    """Why there can be no such disk, or None."""
    return None if os.geteuid() == 0 else "only root may mount a small disk"


class SmallDisk:
    """Mounted on an empty folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._filler = folder / "filler"
        folder.mkdir(parents=True)
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0711", "tmpfs", str(folder)],
            check=True,
        )

    def fill(self) -> None:
        """Take all that is left."""
        piece = FIRST_PIECE
        with self._filler.open("wb", buffering=0) as file:
            while piece:
                try:
                    file.write(b"x" * piece)
                except OSError:
                    piece //= 2

    def make_room(self) -> None:
        self._filler.unlink(missing_ok=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self._folder)], check=True)
