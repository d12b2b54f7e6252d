"""When each camera was last looked at, kept for the process that comes after this one."""

import json
import logging
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path

from connectors.base import ConnectorError
from connectors.runtime.private_files import open_private, private_folder
from operators.vision.missed import LONG, Span

log = logging.getLogger("vigie")

SAVED_EVERY = 1.0
BOOT = Path("/proc/sys/kernel/random/boot_id")
"""Another one with each start of the machine: monotonic clocks of one start can be compared."""


class LastLooks:
    """The last picture of each camera that was looked at; thread-safe.

    With a `file`, what an earlier process saw counts, too: within a second, whatever killed it.
    """

    def __init__(
        self, file: Path | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._file = file
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._boot = BOOT.read_text().strip() if BOOT.exists() else ""
        self._saved = -math.inf
        self._warned = False
        self._earlier: dict[str, float] = {}
        """Of cameras that were seen before the machine started: the pictures' own times."""
        self._looks: dict[str, tuple[float, float]] = {}
        """The time of the picture, and of the look by the monotonic clock."""
        self._load()

    def looked(self, camera: str, at: float) -> None:
        """Somebody looked at a picture of this time."""
        now = self._monotonic()
        with self._lock:
            self._looks[camera] = at, now
            self._earlier.pop(camera, None)
            if now - self._saved >= SAVED_EVERY:
                self._save(now)

    def gap(self, camera: str, at: float, usual: float = 0.0) -> Span | None:
        """The time before a picture in which nobody looked; None if that is no longer than usual.

        The wall clock may have been set meanwhile: the length is by the clock that never is.
        """
        with self._lock:
            last, earlier = self._looks.get(camera), self._earlier.get(camera)
        if last is not None:
            seconds = self._monotonic() - last[1]
        elif earlier is not None:
            seconds = at - earlier
        else:
            return None
        return Span(at - seconds, at) if seconds > max(LONG, 1.5 * usual) else None

    def known(self) -> set[str]:
        """The cameras that were looked at, by earlier processes, too."""
        with self._lock:
            return {*self._looks, *self._earlier}

    def forget(self, camera: str) -> None:
        """Nobody is to look at a camera any more."""
        with self._lock:
            if self._looks.pop(camera, None) or self._earlier.pop(camera, None):
                self._save(self._monotonic())

    def _load(self) -> None:
        if self._file is None or not self._file.exists():
            return
        try:
            kept = json.loads(self._file.read_bytes())
            looks = {str(name): (float(at), float(by)) for name, (at, by) in kept["looks"].items()}
            self._earlier = {str(name): float(at) for name, at in kept["earlier"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s does not say when cameras were looked at (%s)", self._file, error)
            return
        if self._boot and kept.get("boot") == self._boot:
            self._looks = looks
        else:
            self._earlier |= {name: at for name, (at, _) in looks.items()}

    def _save(self, now: float) -> None:
        self._saved = now
        if self._file is None:
            return
        fresh = self._file.with_name(f"{self._file.name}.new")
        kept = {"boot": self._boot, "looks": self._looks, "earlier": self._earlier}
        try:
            private_folder(self._file.parent)
            with open_private(fresh, "wb") as file:
                file.write(json.dumps(kept).encode())
            fresh.replace(self._file)
            self._warned = False
        except (OSError, ConnectorError) as error:
            if not self._warned:
                log.warning("%s cannot be written: %s", self._file, error)
            self._warned = True
