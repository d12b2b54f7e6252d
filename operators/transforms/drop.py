"""The step `drop`: drops the events that match."""

from typing import ClassVar

from operators.component import Logic, Operator, StepContext
from operators.model.selector import Selector
from operators.transforms.only import SelectLogic


class Drop(Selector, Operator):
    """Drops the events that match, counted as `dropped`; the others pass.

    The keys are those of `only`.
    """

    NAME: ClassVar[str] = "drop"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("drop: {quality: bad}", "drop: {subject: test/**}")

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return SelectLogic(self.matcher(), keep=False)
