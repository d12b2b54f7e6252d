"""The outbox: rows of compacted topics, kept in the database until the broker has them.

A row is written in the same transaction as what it comes from (transactional outbox).
"""

import asyncio
import logging

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from api.database.database import Database
from api.database.models import OutboxRow
from api.topics.writer import BrokerDown, TopicWriter

RETRY = 5.0
WAIT = 10.0
_log = logging.getLogger("vigie.api")


class Outbox:
    """Write rows to their topics, each as often as needed; only the newest of a key."""

    def __init__(self, database: Database, writer: TopicWriter) -> None:
        self._database = database
        self._writer = writer
        self._changed = asyncio.Event()

    def put(self, session: Session, topic: str, key: str, value: bytes) -> None:
        """Have the topic hold `value` under `key` once this session commits. Call `wake` then."""
        text = value.decode()
        row = session.get(OutboxRow, (topic, key))
        if row is None:
            session.add(OutboxRow(topic=topic, key=key, value=text))
        else:
            row.value, row.version = text, row.version + 1

    def wake(self) -> None:
        """Note that something was put. From the event loop."""
        self._changed.set()

    async def run(self) -> None:
        """Write what waits, for ever.

        All rows are written once at the start, for a broker that lost its topics.
        """
        await asyncio.to_thread(self._forget)
        while True:
            self._changed.clear()
            down = False
            for topic, key, value, version in await asyncio.to_thread(self._waiting):
                try:
                    await self._writer.ensure(topic, compact=True)
                    await self._writer.deliver(topic, key, value.encode(), WAIT)
                except BrokerDown as error:
                    _log.debug("%s waits for the broker: %s", topic, error)
                    down = True
                    break
                if not await asyncio.to_thread(self._sent, topic, key, version):
                    self.wake()
            try:
                await asyncio.wait_for(self._changed.wait(), RETRY if down else None)
            except TimeoutError:
                continue

    def _waiting(self) -> list[tuple[str, str, str, int]]:
        with self._database.read() as session:
            rows = session.scalars(select(OutboxRow).where(OutboxRow.sent < OutboxRow.version))
            return [(row.topic, row.key, row.value, row.version) for row in rows]

    def _sent(self, topic: str, key: str, version: int) -> bool:
        """Note what the topic has now; False if there is a newer row.

        Another process may have sent that before.
        """
        with self._database.write() as session:
            row = session.get(OutboxRow, (topic, key))
            if row is not None:
                row.sent = version
            return row is None or row.version == version

    def _forget(self) -> None:
        with self._database.write() as session:
            session.execute(update(OutboxRow).values(sent=0))
