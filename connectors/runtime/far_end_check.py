"""Asking a service to which nothing is written whether it still answers."""

import time
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from connectors.runtime.error_text import encryption_fault
from connectors.runtime.threaded_writer import Retry

EVERY = 10.0
"""Seconds; with `PATIENCE` it is said within half a minute that a service hangs."""
PATIENCE = 5.0


class FarEndCheck:
    """Calls `ask` while a sink is idle, every so often; after an error at the next call.

    `ask` raises `Retry` where the service does not answer; `again`, if given, is the pause after
    that, in place of one that grows: what is to be written meanwhile waits for its end.
    """

    def __init__(
        self, ask: Callable[[], None], every: float = EVERY, again: float | None = None
    ) -> None:
        self._ask, self._every, self._again = ask, every, again
        self._due = 0.0

    def __call__(self) -> None:
        """Ask if it is time to."""
        if time.monotonic() >= self._due:
            try:
                self._ask()
            except Retry as retry:
                raise Retry(retry.detail, after=self._again) from retry
            self._due = time.monotonic() + self._every


def any_answer(url: str, ca: str | None, path: str, name: str) -> Callable[[], None]:
    """Asks a server for `path`; whatever it answers will do. `name` is the service's."""
    import urllib3  # a package of the sinks that ask by HTTP, which others need not have

    parts = urlsplit(url)
    address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", ""))
    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(total=PATIENCE), retries=False, ca_certs=ca, maxsize=1
    )

    def ask() -> None:
        try:
            pool.request("GET", address, redirect=False).close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if fault := encryption_fault(error):
                raise Retry(f"{name} at {url}: {fault}") from error
            what = type(getattr(error, "reason", None) or error).__name__
            raise Retry(f"no {name} answers at {url} ({what}); is it running there?") from error

    return ask
