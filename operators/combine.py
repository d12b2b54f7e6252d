"""The step `combine`: adds and subtracts signals."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from operators.component import Operator
from operators.quantity import Duration


class Combine(Operator):
    """Makes a new signal: the sum of the roles under `plus` minus those under `minus`.

    The stream's `from` names the roles. With each reading of a role the new value is emitted, in the unit of the first role
    under `plus`, as soon as every role has a value that is not older than `max_age`; until then readings are counted as
    `incomplete`. A role with several signals counts with the sum of them. Readings without a number, of bad or stale
    quality are counted as `not_data`, those of a unit of another kind as `unit`.
    """

    NAME: ClassVar[str] = "combine"
    STATEFUL: ClassVar[bool] = True
    CROSS_SUBJECT: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "combine: {subject: house, metric: surplus, plus: [made], minus: [bought], max_age: 1min}",
    )

    subject: str = Field(min_length=1, description="Subject of the new signal.", examples=["house"])
    metric: str = Field(min_length=1, description="Metric of the new signal.", examples=["surplus"])
    plus: list[str] = Field(min_length=1, description="Roles that are added.", examples=[["made"]])
    minus: list[str] = Field([], description="Roles that are subtracted.", examples=[["bought"]])
    max_age: Duration = Field(gt=0, description="How old a role's value may be.", examples=["1min"])

    @model_validator(mode="after")
    def _once(self) -> Self:
        roles = [*self.plus, *self.minus]
        if twice := sorted({role for role in roles if roles.count(role) > 1}):
            raise ValueError(f"the role {twice[0]!r} is named twice")
        return self

    def roles(self) -> list[str]:
        """The roles that the stream's `from` must name."""
        return [*self.plus, *self.minus]
