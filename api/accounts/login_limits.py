"""Limits that slow down whoever guesses passwords."""

from collections.abc import Callable
from typing import NamedTuple

from api.accounts.errors import TooManyAttempts
from api.accounts.growing_delay import GrowingDelay
from api.accounts.rate_limit import RateLimit
from connectors.http.client_network import client_of


class Attempt(NamedTuple):
    """One login under way, counted as a failure until its outcome is known."""

    counted: tuple[tuple[RateLimit, str], ...]
    slowed: str | None = None


class LoginLimits:
    """Limit failed logins by address and name, and by address; slow them down by name.

    A device that has logged in to the account before is counted by itself, so that nobody else's
    failures concern it.
    """

    def __init__(
        self,
        by_user: RateLimit | None = None,
        by_address: RateLimit | None = None,
        by_name: GrowingDelay | None = None,
    ) -> None:
        self._by_user = by_user or RateLimit(5, 60)
        self._by_address = by_address or RateLimit(30, 60)
        self._by_name = by_name or GrowingDelay()
        self._by_device = RateLimit(5, 60)
        self._codes = RateLimit(10, 900)

    def begin_login(self, address: str, name: str, device: str | None = None) -> Attempt:
        """Count a login, of a known device if one is named. Raises `TooManyAttempts`."""
        if device is not None:
            return _begin(Attempt(((self._by_device, device),)))
        client = client_of(address)
        attempt = Attempt(
            ((self._by_user, f"{client} {name}"), (self._by_address, client)), slowed=name
        )
        return _begin(attempt, lambda: self._by_name.wait(name, client), self._by_name)

    def begin_password_check(self, address: str, name: str) -> Attempt:
        """Count a check of the password of somebody who is logged in.

        Raises `TooManyAttempts`.
        """
        return _begin(Attempt(((self._by_user, f"{client_of(address)} {name}"),)))

    def begin_code(self, name: str, device: str | None = None) -> Attempt:
        """Count a code of the second factor of whoever knows the password.

        Raises `TooManyAttempts`.
        """
        counted = (self._codes, name) if device is None else (self._by_device, f"{device} code")
        return _begin(Attempt((counted,)))

    def succeed(self, attempt: Attempt) -> None:
        """Take back what was counted: the password was right."""
        for limit, key in attempt.counted:
            limit.take_back(key)
        if attempt.slowed is not None:
            self._by_name.take_back(attempt.slowed)

    def forget(self, attempt: Attempt) -> None:
        """Forget the earlier failures of whoever has logged in."""
        limit, key = attempt.counted[0]
        limit.reset(key)


def _begin(
    attempt: Attempt,
    turn: Callable[[], int] = lambda: 0,
    slow: GrowingDelay | None = None,
) -> Attempt:
    if wait := max(limit.wait(key) for limit, key in attempt.counted) or turn():
        raise TooManyAttempts(wait)
    for limit, key in attempt.counted:
        limit.record_failure(key)  # at once: many guesses in parallel are as many failures
    if slow is not None and attempt.slowed is not None:
        slow.record_failure(attempt.slowed)
    return attempt
