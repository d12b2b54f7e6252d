"""Object stores: the sink for short videos."""

from typing import ClassVar

from pydantic import Field, field_validator

from connectors.base import Sink
from connectors.s3.components import BUCKET
from connectors.s3.connection import ObjectStoreConnection
from connectors.s3.keys import check_key
from operators.model.units import Duration


class Clip(Sink):
    """Stores a short video from before to after an event. It needs the pictures of a camera source
    of the same flow.

    Delivery: at least once; the key is made from the event, so a second delivery replaces the
    object by itself.
    Back pressure: the flow waits while the object store is down.
    """

    NAME: ClassVar[str] = "clip"
    RUNS: ClassVar[bool] = False
    CONNECTION: ClassVar[type[ObjectStoreConnection]] = ObjectStoreConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        (
            'clip: {bucket: sentinel-media, key: "videos/evt_{time:%Y%m%d_%H%M%S}_{camera}.mp4",'
            " before: 5s, after: 10s}"
        ),
    )

    bucket: str = Field(
        description="Bucket to write to.", pattern=BUCKET, examples=["sentinel-media"]
    )
    key: str = Field(description="Key of the object; may hold `{field}`. Times are in UTC.")
    before: Duration = Field(
        5.0, description="How much video from before the event.", examples=["5s"]
    )
    after: Duration = Field(
        10.0, description="How much video from after the event.", examples=["10s"]
    )
    connection: str = Field("minio", description="Connection of the site file.")

    @field_validator("key")
    @classmethod
    def _a_key(cls, value: str) -> str:
        return check_key(value)
