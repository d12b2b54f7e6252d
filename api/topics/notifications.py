"""Notifications of the api itself on a channel.

They go over the push topic, so that cursors hold and every api process gets them.
"""

import logging
import time
import uuid
from collections.abc import Iterable
from typing import Any

import msgspec

from api.topics.writer import BrokerDown, TopicWriter
from connectors.kafka.push_record import PushRecord

_log = logging.getLogger("vigie.api")


class Notifications:
    """Notify the subscribers of channels."""

    def __init__(self, writer: TopicWriter, push_topic: str) -> None:
        self._writer = writer
        self._topic = push_topic

    def publish(
        self,
        channels: Iterable[str],
        kind: str,
        subject: str,
        data: dict[str, Any],
        first: str = "nothing",
        page: str | None = None,
        camera: str | None = None,
    ) -> None:
        """Push `data` with a `kind` to channels, for those who may see its `page`, or the `camera`.

        While the broker is down nothing is pushed: what it is about is in the database.
        """
        now, id = time.time(), uuid.uuid4().hex
        body = {"kind": kind, "time": now, **data}
        try:
            for channel in channels if self._writer.down is None else ():
                record = PushRecord(
                    channel=channel,
                    sink=kind,
                    flow="api",
                    id=id,
                    time=now,
                    subject=subject,
                    data=body,
                    shaped=True,
                    first=msgspec.UNSET if first == "snapshot" else first,
                    page=page or msgspec.UNSET,
                    camera=camera or msgspec.UNSET,
                )
                self._writer.send(self._topic, subject, msgspec.json.encode(record))
        except BrokerDown as error:
            _log.debug("no notification about %s: %s", subject, error)
