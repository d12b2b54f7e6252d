"""Schemas of a registry, by the REST interface of Confluent's, which Redpanda and Apicurio have."""

import base64
import http.client
import json
import ssl
import struct
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

from connectors.base import Refused
from connectors.kafka.foreign.settings import SchemaRegistry

MAGIC = b"\0"
HEADER = 5
TIMEOUT = 5.0
Decoder = Callable[[bytes], bytes]
"""Makes a JSON document of what stands behind the header of a record."""


class Undecodable(Exception):
    """A record is not what its schema says, or its schema is none; the message says why."""


class Schema(NamedTuple):
    """A schema with those it refers to, by the names under which it does."""

    kind: str
    text: str
    references: tuple[tuple[str, "Schema"], ...] = ()


def schema_id(value: bytes | None) -> int | None:
    """The id in a record's header: a zero byte and four bytes; None without such a header."""
    if value is None or len(value) < HEADER or value[:1] != MAGIC:
        return None
    return int(struct.unpack(">I", value[1:HEADER])[0])


class Registry:
    """Asks a registry.

    Raises `OSError` while it does not answer, `Refused` where it wants another user, and
    `Undecodable` for what it does not have.
    """

    def __init__(self, settings: SchemaRegistry) -> None:
        """Make ready to ask; nothing is asked yet."""
        self._url = settings.url.rstrip("/")
        self._headers = {"Accept": "application/vnd.schemaregistry.v1+json, application/json"}
        if settings.username is not None:
            word = settings.password.get_secret_value() if settings.password else ""
            basic = base64.b64encode(f"{settings.username}:{word}".encode()).decode()
            self._headers["Authorization"] = f"Basic {basic}"
        is_https = self._url.startswith("https:")
        self._tls = ssl.create_default_context(cafile=settings.ca) if is_https else None

    def schema(self, id: int) -> Schema:
        """A schema with all that it refers to."""
        return self._whole(f"/schemas/ids/{id}")

    def _whole(self, path: str, kind: str | None = None) -> Schema:
        found = self._get(path)
        kind = kind or str(found.get("schemaType") or "AVRO")
        if kind == "PROTOBUF":  # as a descriptor, which needs no compiler
            found = self._get(f"{path}?format=serialized")
        references = tuple(
            (
                str(one["name"]),
                self._whole(
                    f"/subjects/{quote(str(one['subject']), safe='')}/versions/{one['version']}",
                    kind,
                ),
            )
            for one in found.get("references") or ()
        )
        return Schema(kind, str(found["schema"]), references)

    def _get(self, path: str) -> dict[str, Any]:
        request = urllib.request.Request(self._url + path, headers=self._headers)  # noqa: S310
        options: dict[str, Any] = {"timeout": TIMEOUT, "context": self._tls}
        try:
            with urllib.request.urlopen(request, **options) as answer:  # noqa: S310
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                said = f"the schema registry answers {error.code} to {self._url}{path}"
            if error.code == 404:
                raise Undecodable(f"{said}: it has no such schema") from None
            if error.code in (401, 403):
                raise Refused(f"{said}; check `registry` of the connection") from None
            raise OSError(said) from None
        except (ValueError, http.client.HTTPException) as error:
            raise OSError(f"{self._url}{path} answers no JSON: {error}") from error
        if not isinstance(found, dict) or "schema" not in found:
            raise OSError(f"{self._url}{path}: expected a schema, got {str(found)[:100]}")
        return found
