"""Where a reader of the binary log began, kept in a file until the flow has saved a position of
its own.
"""

import json
import os
from pathlib import Path
from typing import Any

SURELY_SAVED = 10
"""The flow saves a position every epoch; after so many, one of them is durable."""


class StartFile:
    """The starting position of a flow that has no saved one: one that is killed before it saved
    begins there again.

    `settings` is what the position depends on; a file written under others does not count. Without
    a folder nothing is kept.
    """

    def __init__(self, folder: Path | None, name: str, settings: list[Any]) -> None:
        self._path = folder / f"{name}.start.json" if folder else None
        self._settings = settings

    def load(self) -> dict[str, Any] | None:
        """The position kept, or None."""
        if self._path is None or not self._path.exists():
            return None
        kept = json.loads(self._path.read_text(encoding="utf-8"))
        position: dict[str, Any] | None = (
            kept["position"] if kept["settings"] == self._settings else None
        )
        return position

    def save(self, position: dict[str, Any]) -> None:
        """Keep a position; it is durable on return."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump({"settings": self._settings, "position": position}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def forget(self) -> None:
        """The flow has a saved position, or this one leads nowhere."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
