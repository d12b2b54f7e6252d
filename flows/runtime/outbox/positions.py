"""How far a sink has written what is in its outbox: a small file for each partition."""

from pathlib import Path
from typing import Any

from connectors.base import ConnectorError
from connectors.runtime.private_files import private_folder, write_private
from flows.runtime.saved_state.envelope import unwrap_position, wrap_position


class Positions:
    """The positions of one sink, in a folder that all processes of the flow share.

    Each partition belongs to one process, so none writes another's file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._saved: dict[str, object] = {}

    def load(self, part: str) -> Any:
        """The position saved last, None if there is none; raises `ConnectorError` if damaged."""
        path = self._folder / part
        try:
            return unwrap_position(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise ConnectorError(
                f"the file {path} should say how far the sink {self._folder.name!r} has written,"
                f" but cannot be read ({error}). Restore it from a copy; without it, everything"
                " that is in the sink's outbox is written again"
            ) from error

    def save(self, part: str, position: object) -> None:
        """Keep a position; it is durable on return. Raises `OSError`."""
        if self._saved.get(part, self) != position:
            private_folder(self._folder)
            write_private(self._folder / part, wrap_position(position))
            self._saved[part] = position
