"""What a site file says of a topic, in its words and in Kafka's."""

from typing import Literal

from pydantic import Field

from operators.component import Spec
from operators.model.units import Duration

PACKED = "PACKED"
"""What a topic is needed for: records without a key."""


class DeclaredTopic(Spec):
    """How a topic is to be; what is not said stays as the broker has it."""

    keep: Duration | Literal["forever"] | None = Field(
        None, description="How long records are kept.", examples=["30d", "forever"]
    )
    keep_bytes: int | None = Field(
        None, ge=1, description="Bytes of each partition that are kept, the newest."
    )
    compact: bool | None = Field(
        None, description="Keep the latest record of each key, in place of all for a while."
    )
    in_sync: int | None = Field(
        None, ge=1, description="Copies that a record must have to count as written."
    )
    largest: int | None = Field(
        None, ge=1000, description="Largest batch of records, in bytes, as it is compressed."
    )

    def settings(self) -> dict[str, str]:
        """The settings of Kafka that this says something of."""
        keep = -1 if self.keep == "forever" else self.keep and round(1000 * float(self.keep))
        policy = None if self.compact is None else "compact" if self.compact else "delete"
        said = {
            "retention.ms": keep,
            "retention.bytes": self.keep_bytes,
            "cleanup.policy": policy,
            "min.insync.replicas": self.in_sync,
            "max.message.bytes": self.largest,
        }
        return {name: str(value) for name, value in said.items() if value is not None}
