"""What an object store allows, looked at from outside."""

from collections.abc import Iterator

from connectors.base import NoAnswer
from connectors.runtime.finding import Finding
from connectors.runtime.threaded_writer import Retry
from connectors.s3.connection import ObjectStoreConnection
from connectors.s3.settings import Settings
from connectors.s3.store import ObjectRejected, Store


def inspect(connection: ObjectStoreConnection, name: str, buckets: list[str]) -> Iterator[Finding]:
    """Ask for the buckets of flows; raises `NoAnswer`. None is made."""
    for bucket in buckets or ["vigie"]:
        store = Store(connection, Settings(bucket=bucket, connection=name, create=False))
        try:
            store.make_ready()
        except (Retry, ObjectRejected) as error:
            if "has no bucket" not in str(error):
                raise NoAnswer(str(error)) from error
            yield Finding(f"bucket {bucket}", "ok", "not there yet; a flow makes it")
        else:
            yield Finding(f"bucket {bucket}", "ok", "is there")
        finally:
            store.close()
