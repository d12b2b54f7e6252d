"""Turns: spans for which this process has one share of a flow, which others may run beside it."""

import gc
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.base import Health
from connectors.config.site import Site
from connectors.kafka.connection import TopicConnection
from connectors.kafka.leases.members import Members
from connectors.kafka.leases.roll import Part
from flows.runtime.shards import WHOLE, Share

log = logging.getLogger("vigie")


class Turn:
    """One share of a flow in this process, from waiting for it until it was let go.

    `data` is the folder of saved states. `ended` is set where the turn is over before it ran.
    `stands_by` is told who runs the share where this process waits for it.
    """

    def __init__(self, share: Share, data: Path) -> None:
        self.share, self.data = share, data
        self.ended = threading.Event()
        self.is_owner = False
        self.stands_by: Callable[[str], None] = lambda owner: None
        self._stop: Callable[[], None] = lambda: None

    def owns(self) -> None:
        """This process has the share."""
        self.is_owner = True

    def silence(self, key: str) -> float:
        """For how long nothing was said under a key of the topic of leases (seconds)."""
        return 0.0

    def can_be(self, most: int) -> None:
        """Note into how many shares the flow can be cut."""

    def runs(self, stop: Callable[[], None]) -> None:
        """From now on `stop` ends it."""
        self._stop = stop
        if self.ended.is_set():
            stop()

    def end(self) -> None:
        """Have it end as on a signal."""
        self.ended.set()
        self._stop()


class _SharedTurn(Turn):
    """One that the others are told of."""

    def __init__(self, share: Share, data: Path, members: Members) -> None:
        super().__init__(share, data)
        self._members = members

    def owns(self) -> None:
        super().owns()
        self._members.holds((self.share.number, self.share.count))

    def silence(self, key: str) -> float:
        return self._members.silence.of(key)

    def can_be(self, most: int) -> None:
        self._members.knows(most)


class Turns:
    """The shares that are this process's part of a flow, one after another.

    They change while members come and go: a turn is ended, and the next one waits until those who
    had some of its partitions let go of them.
    """

    def __init__(self, flow: str, data: Path) -> None:
        self._flow, self._data = flow, data
        self._wanted = WHOLE
        self._is_decided = threading.Event()
        self._turn: Turn | None = None
        self.is_stopping = False

    @contextmanager
    def shared(self, site: Site, name: str) -> Iterator[Iterator[Turn]]:
        """Be a member called `name`, and take turns."""
        connection = site.connection("redpanda", TopicConnection)
        health = Health(self._say)
        members = Members(connection, self._flow, name, site.recovery.lease, health, self._decided)
        with members.present():
            yield self._take(members)

    def stop(self) -> None:
        """End the present turn, and begin no other."""
        self.is_stopping = True
        self._is_decided.set()
        if (turn := self._turn) is not None:
            turn.end()

    def _take(self, members: Members) -> Iterator[Turn]:
        self._is_decided.wait()
        while not self.is_stopping:
            self._turn = turn = _SharedTurn(self._wanted, self._data, members)
            if self._wanted != turn.share or self.is_stopping:
                turn.end()  # it was decided while the turn was made
            yield turn
            members.holds(None)
            if not turn.ended.is_set():
                return  # its sources ended
            gc.unfreeze()  # what the turn froze is garbage now

    def _decided(self, part: Part, members: int) -> None:
        share = Share(*part)
        runs = "1 process runs" if members == 1 else f"{members} processes run"
        log.info("%s: %s it; this one's part is %s", self._flow, runs, share)
        self._wanted = share
        self._is_decided.set()
        if (turn := self._turn) is not None and turn.share != share:
            turn.end()

    def _say(self, name: str, is_up: bool, detail: str) -> None:
        log.info("%s: %s %s", self._flow, name, detail)
