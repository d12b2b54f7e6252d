"""Since when a webhook's server does not take what is sent, remembered over restarts."""

import contextlib
import threading
from pathlib import Path

from connectors.runtime.private_files import private_folder, write_private


class Outage:
    """The start of the present outage, kept in a file over restarts; thread-safe."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._since: float | None = None
        if path is not None and path.exists():
            try:
                self._since = float(path.read_text(encoding="ascii"))
            except ValueError:
                path.unlink()  # cut off by a power failure: the outage counts from its next refusal

    def age(self, now: float) -> float:
        """A request failed at `now` (epoch seconds): how long the outage has lasted, in seconds."""
        with self._lock:
            if self._since is None:
                self._since = now
                if self._path is not None:
                    with contextlib.suppress(OSError):  # a full disk: it counts from the next start
                        private_folder(self._path.parent)
                        write_private(self._path, repr(now).encode())
            return max(now - self._since, 0.0)

    def ended(self) -> None:
        """Everything was accepted."""
        with self._lock:
            if self._since is not None:
                self._since = None
                if self._path is not None:
                    with contextlib.suppress(OSError):
                        self._path.unlink(missing_ok=True)
