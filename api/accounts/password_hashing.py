"""Password hashing with argon2id, off the event loop.

One hash takes about 100 ms and 64 MiB, so all of them run in a single thread with a bounded queue;
those for whoever is known have a thread and a queue of their own, which strangers cannot fill.
"""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.accounts.credentials import LONGEST_PASSWORD
from api.accounts.errors import TooManyAttempts

MOST_WAITING = 32
Result = TypeVar("Result")


class PasswordHashing:
    """Hash and verify passwords."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._threads = {known: ThreadPoolExecutor(1, "password") for known in (False, True)}
        self._waiting = {False: 0, True: 0}
        self._no_password = self._hasher.hash(secrets.token_urlsafe(16))

    def close(self) -> None:
        """Drop what waits."""
        for thread in self._threads.values():
            thread.shutdown(wait=False, cancel_futures=True)

    def hash(self, password: str) -> str:
        """The encoded form of a password. Blocking."""
        return self._hasher.hash(password)

    def verify(self, encoded: str | None, password: str) -> bool:
        """Whether the password is the one that was hashed. Blocking.

        Without an `encoded` hash it takes as long as with one, so that the time does not tell
        which names have an account.
        """
        try:
            self._hasher.verify(encoded or self._no_password, password[:LONGEST_PASSWORD])
        except (VerificationError, InvalidHashError):
            return False
        return encoded is not None

    async def run(self, work: Callable[[], Result], known: bool = False) -> Result:
        """Run work that hashes in the thread; `known`: for a login, or a device that is known.

        Raises:
            TooManyAttempts: too much waits there already.
        """
        if self._waiting[known] >= MOST_WAITING:
            raise TooManyAttempts(1)
        self._waiting[known] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads[known], work)
        finally:
            self._waiting[known] -= 1
