"""Having the broker itself refuse what a process writes that is no longer the owner."""

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.errors import KafkaTimeoutError, ProducerFencedError

from connectors.base import ConnectorError
from connectors.runtime.backoff import Backoff

log = logging.getLogger("vigie")

MARK_SECONDS = 10.0
TRIES = 20
RENEW_SECONDS = 12 * 3600.0
"""Well below the seven days after which a broker forgets an id (`transactional.id.expiration.ms`),
and the one after which a partition forgets an epoch (`producer.id.expiration.ms`).
"""


class LeaseLost(ConnectorError):
    """Another process holds the lease, or may hold it by now."""


class Fence:
    """The transactional ids of an owner's producers, under which a broker counts epochs.

    Who opens a producer under an id gets the next epoch, then asks `confirm` whether it is still
    the owner, which raises `LeaseLost` or ends the process if not: so whoever took over since has a
    later epoch. The broker refuses records of earlier ones. A partition knows of an epoch by what
    was written there, so an aborted transaction over all partitions of `topics` comes first, of
    which readers see nothing. The records themselves are written outside of transactions.
    """

    def __init__(
        self,
        owner: str,
        topics: Iterable[str],
        confirm: Callable[[], None],
        former: Iterable[str] = (),
    ) -> None:
        self._owner, self._topics, self._confirm = owner, sorted(set(topics)), confirm
        self._former = tuple(former)
        self._shut_out: set[str] = set()

    def of(self, word: str) -> "Fence":
        """One whose ids differ from all of this one's."""
        former = (f"{owner}/{word}" for owner in self._former)
        return Fence(f"{self._owner}/{word}", self._topics, self._confirm, former)

    def id_of(self, name: str) -> str:
        """The transactional id of the producer of that name."""
        return f"{self._owner}/{name}"

    def take(self, client: KafkaProducer, options: dict[str, Any]) -> Callable[[bool], None]:
        """Have a new transactional client shut out those before it.

        After that it writes as an idempotent one does. What is returned is to be called now and
        then, with whether it has something under way: it keeps the broker from forgetting.
        `options` are those of clients. Raises `KafkaError`.
        """
        manager = client._transaction_manager
        name = manager.transactional_id
        client.init_transactions()
        self._confirm()
        places = self._places(options)
        self._mark(client, places)
        for owner in self._former:
            self._shut(f"{owner}{name.removeprefix(self._owner)}", places, options)
        manager.transactional_id = None
        # the client would go on under another id, of which the broker does not know whose it is
        manager.bump_producer_id_and_epoch = partial(_end, manager)
        manager.reset_producer_id = partial(_end, manager)
        due = time.monotonic() + RENEW_SECONDS

        def renew(is_busy: bool) -> None:
            nonlocal due
            if not is_busy and time.monotonic() >= due:
                manager.transactional_id = name
                self._mark(client, self._places(options))
                manager.transactional_id = None
                due = time.monotonic() + RENEW_SECONDS

        return renew

    def _shut(self, name: str, places: list[TopicPartition], options: dict[str, Any]) -> None:
        """Shut out who writes under a transactional id."""
        backoff = Backoff(0.2, 1.0)
        while name not in self._shut_out:
            client = KafkaProducer(
                **options, transactional_id=name, bootstrap_timeout_ms=3_000, max_block_ms=5_000,
                metrics_enabled=False,
            )  # fmt: skip
            try:
                client.init_transactions()
                self._mark(client, places)
                self._shut_out.add(name)
            except ProducerFencedError:  # another one that follows it shuts it out, too
                if backoff.failures >= TRIES:
                    raise
                time.sleep(backoff.pause())
            finally:
                client.close(timeout=1)

    def _mark(self, client: KafkaProducer, places: list[TopicPartition]) -> None:
        added = self._add(client, places)
        if added:
            # the end of a transaction is answered before it stands in the partitions; the next one
            # begins only then
            self._add(client, added[:1])

    def _add(self, client: KafkaProducer, places: list[TopicPartition]) -> list[TopicPartition]:
        """Begin a transaction in partitions and abort it; those in which it was."""
        if not places:
            return []
        manager = client._transaction_manager
        client.begin_transaction()
        for place in places:
            manager.maybe_add_partition_to_transaction(place)
        client._sender.wakeup()
        _wait(lambda: all(map(manager.is_partition_added, places)) or manager.has_error(), manager)
        if manager.has_abortable_error():
            log.warning(
                "%s: not every topic can be closed to an earlier owner at once: %s",
                self._owner, manager.last_error,
            )  # fmt: skip
        added = [place for place in places if manager.is_partition_added(place)]
        result = manager.begin_abort()
        client._sender.wakeup()
        _wait(lambda: result.is_done, manager)  # the client's own wait has no end once it is fenced
        result.wait(0)
        return added

    def _places(self, options: dict[str, Any]) -> list[TopicPartition]:
        """The partitions that there are."""
        admin = KafkaAdminClient(**options, bootstrap_timeout_ms=5_000)
        try:
            found = admin.describe_topics(self._topics) if self._topics else []
        finally:
            admin.close()
        return [
            TopicPartition(topic["name"], part["partition_index"])
            for topic in found
            if not topic["error_code"]
            for part in topic["partitions"]
        ]


def _wait(is_done: Callable[[], bool], manager: Any) -> None:
    """Wait for an answer to a transaction; raises `KafkaError`."""
    until = time.monotonic() + MARK_SECONDS
    while not is_done() and not manager.has_fatal_error():
        if time.monotonic() > until:
            raise KafkaTimeoutError(f"no answer to a transaction within {MARK_SECONDS:g} s")
        time.sleep(0.005)
    if manager.has_fatal_error():
        raise manager.last_error


def _end(manager: Any) -> None:
    manager.transition_to_fatal_error(ProducerFencedError())
