"""Object stores with the S3 protocol: the sinks for pictures and clips."""

from typing import ClassVar

from pydantic import Field, SecretStr

from connectors.base import Sink
from operators.component import Spec
from operators.quantity import Duration


class ObjectStoreConnection(Spec):
    """Where the object store (S3 protocol) is, and the keys to it."""

    url: str = Field(
        description="Address of the object store.", pattern=r"^https?://[^/@]+/?$", examples=["http://minio:9000"]
    )
    access_key: SecretStr = Field(description="Access key.")
    secret_key: SecretStr = Field(description="Secret key.")
    region: str | None = Field(None, description="Region, where the store has several.")


class Snapshot(Sink):
    """Stores the picture an event was seen on.

    Delivery: at least once; the key is made from the event, so a second delivery replaces the object by itself.
    Back pressure: the flow waits while the object store is down.
    """

    NAME: ClassVar[str] = "snapshot"
    RUNS: ClassVar[bool] = False
    CONNECTION: ClassVar[type[ObjectStoreConnection]] = ObjectStoreConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        'snapshot: {bucket: sentinel-media, key: "frames/evt_{time:%Y%m%d_%H%M%S}_{camera}.jpg"}',
    )

    bucket: str = Field(description="Bucket to write to.", examples=["sentinel-media"])
    key: str = Field(description="Key of the object; may hold `{field}`.")
    connection: str = Field("minio", description="Connection of the site file.")


class Clip(Sink):
    """Stores a short video from before to after an event.

    Delivery: at least once; the key is made from the event, so a second delivery replaces the object by itself.
    Back pressure: the flow waits while the object store is down.
    """

    NAME: ClassVar[str] = "clip"
    RUNS: ClassVar[bool] = False
    CONNECTION: ClassVar[type[ObjectStoreConnection]] = ObjectStoreConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        'clip: {bucket: sentinel-media, key: "videos/evt_{time:%Y%m%d_%H%M%S}_{camera}.mp4", before: 5s, after: 10s}',
    )

    bucket: str = Field(description="Bucket to write to.", examples=["sentinel-media"])
    key: str = Field(description="Key of the object; may hold `{field}`.")
    before: Duration = Field(5.0, description="How much video from before the event.", examples=["5s"])
    after: Duration = Field(10.0, description="How much video from after the event.", examples=["10s"])
    connection: str = Field("minio", description="Connection of the site file.")
