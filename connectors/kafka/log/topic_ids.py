"""Fetching topics by their ids (KIP-516), so that none is read for another of the same name.

The client fetches by name: of a topic that was made anew it would bring records before it learns of
the other id.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from kafka.errors import (
    InconsistentTopicIdError,
    UnknownTopicIdError,
    UnknownTopicOrPartitionError,
)

BY_ID = 13
"""The first version of the fetch that names topics by their ids."""
GONE = {UnknownTopicIdError.errno, InconsistentTopicIdError.errno}


class FetchById:
    """Lets a `KafkaConsumer` name topics by the ids that `ids()` says; by name where one is None.

    A topic that is gone is told as one that is unknown, whereupon the client looks it up again.
    """

    def __init__(self, consumer: Any, ids: Callable[[], Mapping[str, str | None]]) -> None:
        self._fetcher = consumer._fetcher
        self._ids = ids
        self._create = self._fetcher._create_fetch_requests
        self._handle = self._fetcher._handle_fetch_response
        self._fetcher._create_fetch_requests = self._with_ids
        self._fetcher._handle_fetch_response = self._with_names

    def forget(self) -> None:
        """Some id is another one: what the brokers remember of earlier fetches does not count."""
        self._fetcher._session_handlers.clear()

    def _with_ids(self) -> dict[int, tuple[Any, Any]]:
        requests: dict[int, tuple[Any, Any]] = self._create()
        ids = self._ids()
        for request, _ in requests.values():
            topics = [*request.topics, *request.forgotten_topics_data]
            if all(ids.get(one.topic) for one in topics):
                for one in topics:
                    one.topic_id = uuid.UUID(hex=ids[one.topic])
                request._max_version = BY_ID
        return requests

    def _with_names(self, node: int, offsets: Any, sent: float, response: Any) -> None:
        if response.API_VERSION >= BY_ID:
            names = {uuid.UUID(hex=id): name for name, id in self._ids().items() if id}
            response.responses = [one for one in response.responses if one.topic_id in names]
            for topic in response.responses:
                topic.topic = names[topic.topic_id]
                for partition in topic.partitions:
                    if partition.error_code in GONE:
                        partition.error_code = UnknownTopicOrPartitionError.errno
        self._handle(node, offsets, sent, response)
