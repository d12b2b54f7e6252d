"""What selectors above a step let pass of a signal of which only its name is known."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from operators.events import Event
from operators.model.selector import Selector

KNOWN = frozenset({"subject", "metric", "label", "unit"})
"""Fields of a signal that are the same from one event to the next."""
OF_ALARMS = frozenset({"alarm", "priority"})
"""Fields by which an alarm is told to one who hears of it, or is not."""


class Selection(NamedTuple):
    """A step `only`, or with `drops` a step `drop`.

    `fields` are those that an event has there as it has them where it arrives.
    """

    selector: Selector
    drops: bool
    fields: frozenset[str]

    def may_pass(self, event: Event, known: Collection[str]) -> bool:
        """Whether an event may pass of which these fields are known."""
        known = self.fields & set(known)
        given = {name for name in self.selector.model_fields_set if _is_given(self.selector, name)}
        if self.drops:
            return not given <= known or not self.selector.matcher()(event)
        if not given & known:
            return True
        left = dict.fromkeys(set(type(self.selector).model_fields) - known)
        return self.selector.model_copy(update=left).matcher()(event)

    def text(self) -> str:
        """All of it; equal texts let the same events pass."""
        selector = self.selector.model_dump_json(exclude_none=True)
        fields = sorted(self.fields - OF_ALARMS)  # as saved states of alarms have it
        return f"{'drop' if self.drops else 'only'} {fields} {selector}"


def _is_given(selector: Selector, name: str) -> bool:
    return getattr(selector, name) is not None


class Selections:
    """The selectors on each of the ways on which events come."""

    def __init__(self, ways: Sequence[Sequence[Selection]]) -> None:
        self._ways = ways
        self.text = "\n".join(
            sorted(" | ".join(selection.text() for selection in way) for way in ways)
        )

    def may_pass(self, event: Event, known: Collection[str]) -> bool:
        """Whether an event of which these fields are known may come on one of the ways."""
        return any(all(one.may_pass(event, known) for one in way) for way in self._ways)
