"""Holding a lease: waiting for it, renewing it, and noticing that it is another's."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from connectors.base import ConnectorError, Health, Stopped
from connectors.kafka.admin import explain
from connectors.kafka.connection import TopicConnection
from connectors.kafka.fencing.fence import LeaseLost
from connectors.kafka.leases.entries import Entries
from connectors.kafka.leases.ledger import Claim, Entry, Kin, Ledger
from connectors.runtime.backoff import Backoff

_log = logging.getLogger("vigie")
HEALTH, STANDBY = "lease", "standby"
SAFE = 0.6
"""Share of its time for which a lease may be used since it was renewed; another waits for all."""


class Lease:
    """One lease of one owner, whose `owner` is a name that no other process has.

    While it is held a thread renews it; `lost` is called from that thread when it is no more. A
    process that was stopped or cut off for too long finds that out before it writes: `check`.
    `silence` says for how long nothing was said under a key before the topic is read here.
    """

    def __init__(
        self,
        connection: TopicConnection,
        name: str,
        owner: str,
        lasts: float,
        health: Health,
        stopping: threading.Event,
        kin: Kin = lambda lease: None,
        silence: Callable[[str], float] = lambda key: 0.0,
    ) -> None:
        self._connection, self.name, self._owner = connection, name, owner
        self._lasts, self._health, self._stopping = lasts, health, stopping
        self._kin, self._silence = kin, silence
        self._ledger = Ledger(name, lasts, kin)
        self._entries = Entries(connection)
        self._renewed = 0.0
        self._ended = threading.Event()
        self.epoch = 0
        self.term = 0
        self.before: list[Claim] = []
        """The last claims of it and of those that exclude it, the newest first."""

    @contextmanager
    def held(self, lost: Callable[[str], None]) -> Iterator[None]:
        """Wait until it is ours, and hold it meanwhile; raises `Stopped`."""
        self._until_ours()
        thread = threading.Thread(target=self._keep, args=(lost,), name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join(self._lasts)

    def check(self) -> None:
        """Raise `LeaseLost` unless nobody else can hold it now."""
        if not self._ledger.is_of(self.epoch, self._owner):
            raise LeaseLost(self._who(self._ledger.mine))
        if time.monotonic() - self._renewed > SAFE * self._lasts:
            raise LeaseLost(
                f"the lease {self.name} could not be renewed for {SAFE * self._lasts:g} s, so that"
                " another process may run the flow by now; it is started again and waits for it"
            )

    def confirm(self) -> None:
        """Read the topic to its end; raises `LeaseLost` unless it is still ours there."""
        ledger = Ledger(self.name, self._lasts, self._kin)
        with self._entries.reading() as consumer:
            self._take(consumer, ledger)
        later = ledger.rival(time.monotonic(), first=ledger.mine.term + 1)
        if later is not None or not ledger.is_of(self.epoch, self._owner):
            raise LeaseLost(self._who(later or ledger.mine))

    def _who(self, claim: Claim) -> str:
        return (
            f"{claim.owner} runs the flow now (lease {claim.lease}, epoch {claim.epoch}); this"
            " process writes nothing more"
        )

    def _until_ours(self) -> None:
        backoff = Backoff(0.5, 10.0)
        while True:
            try:
                self._claim()
                self._health.up(HEALTH)
                return
            except (ConnectorError, KafkaError, OSError) as error:
                words = explain(error, self._connection) if isinstance(error, KafkaError) else error
                self._health.degraded(HEALTH, f"the lease {self.name} cannot be had: {words}")
                if self._stopping.wait(backoff.pause()):
                    raise Stopped(self._health.down[HEALTH]) from None

    def _claim(self) -> None:
        self._entries.make()
        self._ledger = ledger = Ledger(self.name, self._lasts, self._kin)
        with self._entries.reading() as consumer:
            self._take(consumer, ledger, self._silence)
            while not self._stopping.is_set():
                self._take(consumer, ledger)
                if holder := self._holder(ledger):
                    self._health.degraded(
                        STANDBY,
                        f"{holder.owner} runs the flow (lease {holder.lease}, epoch"
                        f" {holder.epoch})",
                    )
                    continue
                known = [*ledger.others(), *([ledger.mine] if ledger.mine.epoch else [])]
                self.before = sorted(known, key=lambda claim: -claim.term)
                epoch = ledger.mine.epoch + 1
                claim = Entry(self.name, epoch, self._owner, "claim")
                with self._entries.writing() as client:
                    sent = time.monotonic()
                    self._say(client, claim)
                    while ledger.mine.epoch < epoch and not self._stopping.is_set():
                        self._take(consumer, ledger)
                    if not ledger.is_of(epoch, self._owner):
                        continue
                    if ledger.rival(time.monotonic(), last=ledger.mine.term):
                        # it claimed a moment before; of two the later one withdraws
                        self._say(client, msgspec.structs.replace(claim, says="free"))
                        continue
                self.epoch, self.term, self._renewed = epoch, ledger.mine.term, sent
                return
        raise Stopped("asked to stop while it stood by")

    def _holder(self, ledger: Ledger) -> Claim | None:
        """Who holds it, or what excludes it; not this owner, from an earlier start."""
        now = time.monotonic()
        is_mine = ledger.mine.owner == self._owner and self._owner != ""
        if ledger.is_held(now) and not is_mine:
            return ledger.mine
        return ledger.rival(now)

    def _keep(self, lost: Callable[[str], None]) -> None:
        while not self._ended.is_set():
            try:
                self._renew()
            except LeaseLost as error:
                lost(str(error))
                return
            except (ConnectorError, KafkaError, OSError) as error:
                _log.debug("the lease is not renewed: %s", error)
            try:
                self.check()
            except LeaseLost as error:
                lost(str(error))
                return
            self._ended.wait(self._lasts / 20)

    def _renew(self) -> None:
        """Say that it is held, again and again; raises what the broker does not take."""
        mine = Entry(self.name, self.epoch, self._owner, "alive")
        with self._entries.reading() as consumer, self._entries.writing() as client:
            while True:
                self._take(consumer, self._ledger)
                if not self._ledger.is_of(self.epoch, self._owner):
                    raise LeaseLost(self._who(self._ledger.mine))
                sent = time.monotonic()
                self._say(client, mine)
                self._renewed = sent
                if self._ended.wait(self._lasts / 10):
                    self._say(client, msgspec.structs.replace(mine, says="free"))
                    return
                self.check()

    def _say(self, client: KafkaProducer, entry: Entry) -> None:
        self._entries.say(client, entry.key, msgspec.json.encode(entry), SAFE * self._lasts)

    def _take(
        self,
        consumer: KafkaConsumer,
        ledger: Ledger,
        silence: Callable[[str], float] = lambda key: 0.0,
    ) -> None:
        """Read what there is, to the end of the topic as it was when reading began."""

        def take(key: str, value: bytes | None, now: float) -> None:
            with suppress(msgspec.MsgspecError):  # of another release, or of the members
                ledger.take(msgspec.json.decode(value or b"", type=Entry), now - silence(key))

        self._entries.take(consumer, take)
