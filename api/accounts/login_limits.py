"""Limits that slow down whoever guesses passwords."""

from typing import NamedTuple

from api.accounts.errors import TooManyAttempts
from api.accounts.rate_limit import RateLimit

KNOWN_ADDRESSES = 10_000


class Attempt(NamedTuple):
    """One login under way, counted as a failure until its outcome is known."""

    address: str
    name: str
    counted: list[tuple[RateLimit, str]]


class LoginLimits:
    """Limit failed logins by address and name, by address, and by name from everywhere.

    The last locks the name only for addresses from which nobody has logged in to it.
    """

    def __init__(
        self,
        by_user: RateLimit | None = None,
        by_address: RateLimit | None = None,
        by_name: RateLimit | None = None,
    ) -> None:
        self._by_user = by_user or RateLimit(5, 60)
        self._by_address = by_address or RateLimit(30, 60)
        self._by_name = by_name or RateLimit(50, 900)
        self._known: dict[tuple[str, str], None] = {}

    def begin_login(self, address: str, name: str) -> Attempt:
        """Count a login. Raises `TooManyAttempts`."""
        limits = [(self._by_user, f"{address} {name}"), (self._by_address, address)]
        if (address, name) not in self._known:
            limits.append((self._by_name, name))
        return self._begin(Attempt(address, name, limits))

    def begin_password_check(self, address: str, name: str) -> Attempt:
        """Count a check of the password of somebody who is logged in.

        Raises `TooManyAttempts`.
        """
        return self._begin(Attempt(address, name, [(self._by_user, f"{address} {name}")]))

    def succeed(self, attempt: Attempt) -> None:
        """Take back what was counted: the password was right."""
        for limit, key in attempt.counted:
            limit.take_back(key)

    def remember(self, attempt: Attempt) -> None:
        """Know the address of a successful login, and forget its earlier failures."""
        self._by_user.reset(attempt.counted[0][1])
        self._known[attempt.address, attempt.name] = None
        if len(self._known) > KNOWN_ADDRESSES:
            del self._known[next(iter(self._known))]

    def _begin(self, attempt: Attempt) -> Attempt:
        if wait := max(limit.wait(key) for limit, key in attempt.counted):
            raise TooManyAttempts(wait)
        for limit, key in attempt.counted:
            limit.record_failure(key)  # at once: many guesses in parallel are as many failures
        return attempt
