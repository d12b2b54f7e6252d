"""What a bucket of an object store holds, as a reader of the archive sees it."""

import gzip
import json
from typing import Any

import zstandard
from minio import Minio

from connectors.s3.connection import ObjectStoreConnection
from infra.embedded.objects import Objects


def connection_to(objects: Objects, **more: Any) -> ObjectStoreConnection:
    """The connection to an embedded store."""
    settings = {
        "url": objects.url,
        "access_key": objects.access_key,
        "secret_key": objects.secret_key,
        **more,
    }
    return ObjectStoreConnection.model_validate(settings)


class Bucket:
    """`names()`, `content(name)`, and `events()` of a bucket."""

    def __init__(self, connection: ObjectStoreConnection, name: str) -> None:
        address = connection.url.partition("://")[2].rstrip("/")
        self._name = name
        self.client = Minio(
            address,
            access_key=connection.access_key.get_secret_value(),
            secret_key=connection.secret_key.get_secret_value(),
            secure=connection.url.startswith("https"),
            region="us-east-1",
        )

    def names(self) -> list[str]:
        found = self.client.list_objects(self._name, recursive=True)
        return sorted(str(item.object_name) for item in found)

    def tags(self, prefix: str) -> dict[str, str]:
        """What tells one content of an object from another, by the names below a prefix."""
        found = self.client.list_objects(self._name, prefix, recursive=True)
        return {str(item.object_name): str(item.etag) for item in found}

    def content(self, name: str) -> bytes:
        response = self.client.get_object(self._name, name)
        try:
            return bytes(response.data)
        finally:
            response.close()
            response.release_conn()

    def type(self, name: str) -> str:
        return str(self.client.stat_object(self._name, name).content_type)

    def lines(self, name: str) -> list[dict[str, Any]]:
        content = self.content(name)
        if name.endswith(".gz"):
            content = gzip.decompress(content)
        elif name.endswith(".zst"):
            content = zstandard.ZstdDecompressor().decompress(content, max_output_size=1 << 30)
        return [json.loads(line) for line in content.splitlines()]

    def events(self) -> list[dict[str, Any]]:
        """The lines of all objects, in the order of their keys."""
        return [line for name in self.names() for line in self.lines(name)]

    def ids(self) -> list[str]:
        return [event["id"] for event in self.events()]
