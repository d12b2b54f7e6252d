"""The step `only`: keeps the events that match."""

from typing import ClassVar

from operators.component import Logic, Now, Operator, StepContext
from operators.events import Event
from operators.model.changes import admitted
from operators.model.selector import Matcher, Selector


class Only(Selector, Operator):
    """Keeps the events that match; the others are dropped and counted as `dropped`.

    Every key must match; a list means any of. In names, `*` stands for any characters but `/` and
    `.`, `**` for any characters. A limit with a unit is compared after conversion to the unit of
    the event.
    """

    NAME: ClassVar[str] = "only"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        'only: {subject: "*.server_room_*", metric: [temperature, humidity]}',
        "only: {value: {above: -40, below: 85}}",
        "only: {metric: door, value: open, label: {area: yard}}",
    )

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return SelectLogic(self.matcher(), keep=True)


class SelectLogic(Logic):
    """Passes the events that match, or with `keep` False those that do not."""

    def __init__(self, matcher: Matcher, keep: bool) -> None:
        super().__init__()
        self._passes = matcher if keep else lambda event: not matcher(event)

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        """Pass some of the events; count the others as `dropped`."""
        kept = admitted(events, self._passes)
        if len(kept) != len(events):
            self.count("dropped", len(events) - len(kept))
        return kept
