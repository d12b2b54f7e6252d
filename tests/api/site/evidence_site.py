"""An api whose events have pictures and clips in a real object store."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from api.settings import Settings
from connectors.clickhouse.columns import EVENTS
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from connectors.s3.evidence import signature
from infra.embedded.objects import Objects
from operators.events import Detection, Event, Occurrence
from tests.bucket import Bucket, connection_to

T0 = 1_795_000_000.0


def seen(camera: str, number: int = 0) -> Detection:
    """A person that a camera saw."""
    return Detection(
        id=f"{camera}/{number}", time=T0 + number, subject=camera, class_="person", score=0.9,
        box=(0.1, 0.1, 0.2, 0.2), phase="entered",
    )  # fmt: skip


def agreed(camera: str, number: int = 0) -> Occurrence:
    """Two signs in an area, of which one came from a camera."""
    data = {"signs": ["pir", "person"], "camera": camera}
    return Occurrence(
        id=f"a+{camera}/{number}/correlate", time=T0 + number, subject="yard", type="correlation",
        data=data,
    )  # fmt: skip


class Shelf:
    """Puts events into ClickHouse, and their evidence into the store and beside them."""

    def __init__(self, client: Any, objects: Objects, bucket: str) -> None:
        self._client = client
        self._objects = objects
        self.name = bucket
        self.bucket = Bucket(connection_to(objects), bucket)
        self.bucket.client.make_bucket(bucket)
        Schema(client, "").migrate(Declared("events", "events"))

    def add(self, *events: Event) -> None:
        self._client.insert_arrow("events", EVENTS.arrow(list(events)))

    def put(
        self, event: Event, kind: str, camera: str, key: str, content: bytes, **more: Any
    ) -> None:
        import io

        type_ = "video/mp4" if kind == "clip" else "image/jpeg"
        self.bucket.client.put_object(self.name, key, io.BytesIO(content), len(content))
        data = {
            "event": event.id, "kind": kind, "camera": camera, "state": "stored",
            "bucket": self.name, "key": key, "type": type_, "bytes": len(content), **more,
        }  # fmt: skip
        data.setdefault("signature", signature(data, self._objects.secret_key))
        self.tell(event, kind, data)

    def tell(self, event: Event, kind: str, data: dict[str, Any]) -> None:
        self.add(
            Occurrence(
                id=f"{event.id}/{kind}/evidence", time=event.time, subject=event.subject,
                type="evidence", data=data,
            )
        )  # fmt: skip


def with_evidence(settings: Settings, database: Callable[[], Any], objects: Objects) -> Settings:
    return replace(settings, clickhouse=database, objects=connection_to(objects))
