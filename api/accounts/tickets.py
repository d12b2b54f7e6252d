"""Tickets: what stands in an address in a token's place, for clients that can set no header."""

import collections
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

from api.accounts.principal import Principal
from api.accounts.tokens import TokenError

LIFETIME = 30.0
MOST = 10_000
MOST_EACH = 100
"""Tickets of one account that wait to be used; beyond, its oldest goes."""


class _Ticket(NamedTuple):
    principal: Principal
    until: float


class Tickets:
    """Valid once, for half a minute, in this process. Whoever finds one in a log has nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: collections.OrderedDict[str, _Ticket] = collections.OrderedDict()

    def issue(self, principal: Principal) -> str:
        """A ticket for whoever is logged in, good for what this login may do."""
        now = self._clock()
        while self._open and next(iter(self._open.values())).until <= now:
            self._open.popitem(last=False)
        own = [key for key, one in self._open.items() if one.principal.id == principal.id]
        for key in own[: len(own) - MOST_EACH + 1] if len(own) >= MOST_EACH else ():
            del self._open[key]
        while len(self._open) >= MOST:
            self._open.popitem(last=False)
        ticket = secrets.token_urlsafe(24)
        self._open[ticket] = _Ticket(principal, now + LIFETIME)
        return ticket

    def redeem(self, ticket: str) -> Principal:
        """Whose it is, once. Raises `TokenError`."""
        found = self._open.pop(ticket, None)
        if found is None or found.until <= self._clock():
            raise TokenError("the ticket is not valid, was used, or is older than 30 s")
        return found.principal
