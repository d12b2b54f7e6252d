"""How many changes an account may make in a while."""

import collections
import math
import time
from collections.abc import Callable

from api.web.budget import Budget

MOST_ACCOUNTS = 10_000


class TooManyChanges(Exception):
    """The account has to wait `wait` seconds for its next change."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"too many changes by this account; try again in {wait} s")
        self.wait = wait


class ChangeBudget:
    """So many changes a minute for each account, over whatever connections."""

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._a_minute = a_minute
        self._clock = clock
        self._budgets: collections.OrderedDict[str, Budget] = collections.OrderedDict()

    def spend(self, account: str) -> None:
        """Count a change. Raises `TooManyChanges`."""
        budget = self._budgets.get(account)
        if budget is None:
            budget = Budget(self._a_minute, self._a_minute / 60, self._clock)
            self._budgets[account] = budget
        self._budgets.move_to_end(account)
        while len(self._budgets) > MOST_ACCOUNTS:
            self._budgets.popitem(last=False)
        if wait := budget.pause(reserve=1.0):
            raise TooManyChanges(math.ceil(wait))
        budget.spend(1.0)
