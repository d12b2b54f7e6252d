"""The keys that sign access tokens.

The newest signs; older ones still check what they signed until it has expired.
"""

import itertools
import os
import re
import secrets
import time
from pathlib import Path

from connectors.runtime.private_files import check_private, open_private, private_folder

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
        numbers = self._numbers()
        new = numbers[-1] + 1
        for number, successor in itertools.pairwise(numbers):
            if (self._folder / f"{successor}.key").stat().st_mtime < time.time() - lifetime:
                (self._folder / f"{number}.key").unlink()
        self._make(new)
        self._read()
        return str(new)

    def revoke_all(self) -> str:
        """Make a new key and remove all others, so that no token given out so far is accepted."""
        numbers = self._numbers()
        self._make(numbers[-1] + 1)
        for number in numbers:
            (self._folder / f"{number}.key").unlink()
        self._read()
        return self._newest

    def _numbers(self) -> list[int]:
        return sorted(
            int(match[1]) for name in os.listdir(self._folder) if (match := _FILE.fullmatch(name))
        )

    def _make(self, number: int) -> None:
        path = self._folder / f"{number}.key"
        unfinished = path.with_suffix(f".{os.getpid()}")
        with open_private(unfinished, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        try:
            os.link(unfinished, path)
        except FileExistsError:
            return  # another process made it at the same moment
        finally:
            unfinished.unlink()

    def _read(self) -> None:
        changed = self._folder.stat().st_mtime_ns
        keys: dict[str, bytes] = {}
        for number in self._numbers():
            path = self._folder / f"{number}.key"
            check_private(path)
            key = path.read_bytes()
            if len(key) < KEY_BYTES:
                raise KeyFileError(
                    f"{path} holds {len(key)} bytes, a key has {KEY_BYTES}; remove it to have a"
                    " new one"
                )
            keys[str(number)] = key
            self._newest = str(number)
        self._keys, self._read_at = keys, changed
