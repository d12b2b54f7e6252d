"""How far a flow has read, where the ecosystem looks for it: in a consumer group."""

import collections
import logging
import threading
from collections.abc import Callable

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError, RetriableError
from kafka.structs import OffsetAndMetadata

from connectors.kafka.connection import TopicConnection

log = logging.getLogger("vigie")

CHECKPOINTS = 3
"""A position is that of a checkpoint that holds once two more were saved."""
EVERY = 5.0
AFTER_FAILURE = 60.0


class GroupPositions:
    """Commits positions to a group, for information only: nothing here ever reads them.

    A thread of its own does it, for nobody waits for it and nobody misses it.
    """

    def __init__(self, connection: TopicConnection, group: str, failed: Callable[[], None]) -> None:
        """`failed` is called when a commit did not succeed, from the thread."""
        self._connection = connection
        self._group = group
        self._failed = failed
        self._saved: dict[TopicPartition, collections.deque[int]] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def saved(self, tp: TopicPartition, offset: int) -> None:
        """A position became part of a checkpoint."""
        self._saved.setdefault(tp, collections.deque(maxlen=CHECKPOINTS)).append(offset)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="positions", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Commit no more."""
        self._closed.set()

    def _run(self) -> None:
        admin: KafkaAdminClient | None = None
        pause = EVERY
        while not self._closed.wait(pause):
            changed = self._changed()
            if not changed:
                continue
            pause = EVERY
            try:
                admin = admin or KafkaAdminClient(**self._connection.client_options())
                self._commit(admin, changed)
            except Exception as error:  # whatever it is, the flow goes on without it
                log.debug("positions are not committed to the group %s: %r", self._group, error)
                self._failed()
                pause = EVERY if isinstance(error, RetriableError) else AFTER_FAILURE
        if admin is not None:
            admin.close()

    def _changed(self) -> dict[TopicPartition, int]:
        """The positions of the newest checkpoint that holds, where they are not committed."""
        return {
            tp: offsets[0]
            for tp, offsets in list(self._saved.items())
            if len(offsets) == CHECKPOINTS and self._committed.get(tp) != offsets[0]
        }

    def _commit(self, admin: KafkaAdminClient, positions: dict[TopicPartition, int]) -> None:
        offsets = {tp: OffsetAndMetadata(at, "", -1) for tp, at in positions.items()}
        for tp, error in admin.alter_group_offsets(self._group, offsets).items():
            if error.errno:
                raise KafkaError(f"{tp.topic}/{tp.partition}: {error.__name__}")
            self._committed[tp] = positions[tp]
