"""The part `recovery` of the site file: saved state that outlives the machine."""

from typing import Self

from pydantic import Field, model_validator

from operators.component import Spec
from operators.model.units import Duration


class RecoverySection(Spec):
    """With `objects`, a flow's saved state is copied to an object store, and one process runs it.

    Another machine with the same definitions stands by, and goes on from the last copy when the
    first one is gone. So it is for each share of a flow in several processes.
    """

    objects: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        description="Bucket for the copies; made if it is missing.",
        examples=["vigie-recovery"],
    )
    connection: str = Field("minio", description="Connection to the object store.")
    every: Duration = Field(
        10.0, ge=1, le=3600, description="Time from one copy to the next.", examples=["10s"]
    )
    lease: Duration = Field(
        15.0,
        ge=2,
        le=300,
        description="How long nothing is heard of the process that runs before another goes on.",
    )
    shared: bool = Field(
        False,
        description="Whether those that run a flow share it out among them, each its fair part,"
        " where it can be cut; else one runs it and the others stand by.",
    )

    @model_validator(mode="after")
    def _check_that_states_travel(self) -> Self:
        if self.shared and self.objects is None:
            raise ValueError(
                "shared needs  objects: BUCKET,  for shares move between processes as copies in an"
                " object store"
            )
        return self
