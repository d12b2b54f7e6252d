"""The object store of evidence, as the api reads it."""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from api.web.errors import Unavailable
from connectors.s3.connection import ObjectStoreConnection

if TYPE_CHECKING:
    from connectors.s3.store import Store

ADDRESS_LASTS = 300
"""Seconds."""


class EvidenceStore:
    """Reads objects. Blocking: call it in a thread. Its methods raise `Unavailable`."""

    def __init__(self, connection: ObjectStoreConnection | None) -> None:
        self._connection = connection
        self._stores: dict[str, Store] = {}
        self._lock = threading.Lock()

    @property
    def secret(self) -> str:
        """What evidence is signed with; empty where no store is configured."""
        connection = self._connection
        return "" if connection is None else connection.secret_key.get_secret_value()

    def size(self, bucket: str, key: str) -> int | None:
        """Bytes of an object; None where there is none."""
        from connectors.runtime.threaded_writer import Retry

        try:
            return self._store(bucket).size(key)
        except Retry as error:
            raise Unavailable(str(error)) from None

    def stream(self, bucket: str, key: str, start: int, length: int) -> Iterator[bytes]:
        """The bytes of a part of an object."""
        return self._store(bucket).stream(key, start, length)

    def address(self, bucket: str, key: str) -> str:
        """An address of one object that lasts `ADDRESS_LASTS` seconds."""
        from connectors.runtime.threaded_writer import Retry

        try:
            return self._store(bucket).address(key, ADDRESS_LASTS)
        except Retry as error:
            raise Unavailable(str(error)) from None

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            for store in self._stores.values():
                store.close()
            self._stores.clear()

    def _store(self, bucket: str) -> "Store":
        if self._connection is None:
            raise Unavailable(
                "no object store is configured; add connections.minio to the site file"
            )
        from connectors.s3.settings import Settings
        from connectors.s3.store import Store

        with self._lock:
            if bucket not in self._stores:
                self._stores[bucket] = Store(self._connection, Settings("minio", bucket, False, 8))
            return self._stores[bucket]
