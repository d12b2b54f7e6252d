"""What a reader of the binary log tells people: its health, warnings, and dead letters."""

import logging
import threading

import msgspec

from connectors.base import ConnectorContext, ConnectorError
from connectors.mariadb.binlog.transactions import Problem
from operators.events import DeadLetter, Row

log = logging.getLogger(__name__)

MOST_WARNINGS = 1000
"""Different warnings logged; later ones are dead letters only."""


class MustStop(Exception):
    """The definition says that a row that cannot be processed stops the flow."""


class Problems:
    """Reports of one source. Each different problem is logged once."""

    def __init__(self, context: ConnectorContext, closed: threading.Event) -> None:
        self._context = context
        self._closed = closed
        self._warned: set[str] = set()

    def degraded(self, detail: str) -> None:
        """The server cannot be read for now; says nothing once the reader is closed."""
        if self._closed.is_set():
            return
        before = self._context.health.down.get(self._context.name)
        self._context.health.degraded(self._context.name, detail)
        if before is not None and before != detail:
            log.warning("%s: %s", self._context.name, detail)

    def unmapped(self, row: Row, why: str) -> None:
        """Count a row that does not fit its mapping, and make a dead letter of it."""
        self._context.count("unmapped", 1)
        self.report(Problem("unmapped", why, msgspec.json.encode(row.values), row.id, row.time))

    def warn(self, text: str) -> None:
        """Log it, once."""
        if text not in self._warned and len(self._warned) < MOST_WARNINGS:
            self._warned.add(text)
            log.warning("%s: %s", self._context.name, text)

    def report(self, problem: Problem) -> None:
        """Make a dead letter; raises `MustStop` where the definition has none."""
        self.warn(problem.detail)
        letter = DeadLetter(
            id=f"{self._context.name}/{problem.origin}/{problem.reason}",
            time=problem.time,
            flow=self._context.flow,
            step=self._context.name,
            reason=problem.reason,
            detail=problem.detail,
            origin=problem.origin,
            payload=problem.payload,
        )
        try:
            self._context.dead_letter(letter)
        except ConnectorError as error:  # not one to connect again for
            raise MustStop(str(error)) from error
