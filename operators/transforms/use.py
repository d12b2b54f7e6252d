"""The step `use`: the steps of a recipe."""

from typing import ClassVar

from pydantic import Field

from operators.component import Operator


class Use(Operator):
    """Stands for the steps of a recipe, which are put in its place."""

    NAME: ClassVar[str] = "use"
    SHORT: ClassVar[str | None] = "recipe"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("use: clean_readings",)

    recipe: str = Field(
        min_length=1, description="Name of the recipe.", examples=["clean_readings"]
    )
