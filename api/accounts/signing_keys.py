"""The keys that sign access tokens.

The newest signs; older ones still check what they signed until it has expired.
"""

import fcntl
import itertools
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.runtime.private_files import check_private, private_folder, write_private

KEY_BYTES = 32
FOLDER = "api.keys"
FORMER = "api.key"
_FILE = re.compile(r"(\d{1,9})\.key")


class KeyFileError(ValueError):
    """A key file cannot be used; the message says which, and the remedy."""


class SigningKeys:
    """Numbered keys in one folder, readable by its owner only; the number is the token's `kid`.

    The folder is read again when a token names a key that is not known, and when it has changed
    since a token was signed, so that a rotation by another process takes effect without a restart.
    """

    def __init__(self, data: Path) -> None:
        """Open the keys in a data folder, and make the first one."""
        self._folder = data / FOLDER
        self._keys: dict[str, bytes] = {}
        self._newest = ""
        self._read_at = -1
        private_folder(self._folder)
        former = data / FORMER
        with self._alone():
            if former.exists():
                former.rename(self._folder / "1.key")
            if not self._numbers():
                self._make(1)
        self._read()

    def __repr__(self) -> str:
        return f"Keys({str(self._folder)!r})"

    @property
    def newest(self) -> tuple[str, bytes]:
        """Name and bytes of the key that signs."""
        if self._folder.stat().st_mtime_ns != self._read_at:
            self._read()
        return self._newest, self._keys[self._newest]

    def find(self, name: str) -> bytes | None:
        """The key of a name; None if there is none, or none any longer."""
        if self._folder.stat().st_mtime_ns != self._read_at:
            self._read()
        return self._keys.get(name)

    def rotate(self, lifetime: float) -> str:
        """Make a new key, which signs from now on, and return its name.

        Removes the keys whose last token, valid for `lifetime` seconds, has expired.
        """
        with self._alone():
            numbers = self._numbers()
            for number, successor in itertools.pairwise(numbers):
                if self._path(successor).stat().st_mtime < time.time() - lifetime:
                    self._path(number).unlink()
            self._make(numbers[-1] + 1)
        self._read()
        return self._newest

    def revoke_all(self) -> str:
        """Make a new key and remove all others, so that no token given out so far is accepted."""
        with self._alone():
            numbers = self._numbers()
            self._make(numbers[-1] + 1)
            for number in numbers:
                self._path(number).unlink()
        self._read()
        return self._newest

    def _numbers(self) -> list[int]:
        return sorted(
            int(match[1]) for name in os.listdir(self._folder) if (match := _FILE.fullmatch(name))
        )

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.key"

    def _make(self, number: int) -> None:
        write_private(self._path(number), secrets.token_bytes(KEY_BYTES))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait until no other process reads or changes the keys, and keep the others waiting."""
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _read(self) -> None:
        with self._alone():
            changed = self._folder.stat().st_mtime_ns
            keys = {number: self._key(self._path(number)) for number in self._numbers()}
        self._newest = str(max(keys))
        self._keys = {str(number): key for number, key in keys.items()}
        self._read_at = changed

    def _key(self, path: Path) -> bytes:
        check_private(path)
        key = path.read_bytes()
        if len(key) < KEY_BYTES:
            raise KeyFileError(
                f"{path} holds {len(key)} bytes, a key has {KEY_BYTES}; remove it to have a new one"
            )
        return key
