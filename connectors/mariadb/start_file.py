"""The first position of a reader, in a file until the flow has saved a position of its own."""

import json
from pathlib import Path
from typing import Any

from connectors.runtime.private_files import private_folder, write_private

SURELY_SAVED = 10
"""The flow saves a position every epoch; after so many, one of them is durable."""


class StartFile:
    """The starting position of a flow that has no saved one.

    A flow that is killed before it saved one begins there again. `settings` is what the position
    depends on; a file written under others does not count. Without a folder nothing is kept.
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
        private_folder(self._path.parent)
        kept = {"settings": self._settings, "position": position}
        write_private(self._path, json.dumps(kept).encode())

    def forget(self) -> None:
        """The flow has a saved position, or this one leads nowhere."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
