"""Waiting for a condition, with a deadline and a clear failure."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 120.0
"""Seconds to wait for what must come. Only a test that fails waits so long, so it is long enough
for a machine that has other work to do.
"""


def wait_until(
    condition: Callable[[], T],
    timeout: float = PATIENCE,
    what: str = "the condition",
    every: float = 0.02,
) -> T:
    """Return the first true value of `condition()`; fails after `timeout` seconds, saying `what`
    did not come and the last value seen."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s for {what}; last seen: {value!r}")
        time.sleep(every)
