"""What selectors above a step let pass of a signal of which only its name is known."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from operators.events import Event
from operators.model.fields import ATTRIBUTES, with_labels
from operators.model.labelling import Labelling
from operators.model.selector import Selector

KNOWN = frozenset({"subject", "metric", "label", "unit"})
"""Fields of a signal that are the same from one event to the next."""
OF_ALARMS = frozenset({"alarm", "priority"})
"""Fields by which an alarm is told to one who hears of it, or is not."""


class Selection(NamedTuple):
    """A step `only`, or with `drops` a step `drop`.

    `fields` are those that an event has there as it has them where it arrives; of its labels, but
    for those that steps behind this one set.
    """

    selector: Selector
    drops: bool
    fields: frozenset[str]

    def may_pass(
        self,
        event: Event,
        known: Collection[str],
        given: Collection[str] = (),
        unknown: Collection[str] = (),
    ) -> bool:
        """Whether an event may pass of which these fields are known.

        Steps before have `given` it labels, which are known; labels of these `unknown` names are
        not.
        """
        fields = self.fields & set(known)
        asked = {
            name
            for name in self.selector.model_fields_set
            if name != "label" and getattr(self.selector, name) is not None
        }
        labels = self.selector.label or {}
        told = {
            name: wanted
            for name, wanted in labels.items()
            if name in given or ("label" in fields and name not in unknown)
        }
        if self.drops:
            is_known = asked <= fields and told.keys() == labels.keys()
            return not is_known or not self.selector.matcher()(event)
        if not asked & fields and not told:
            return True
        left = dict.fromkeys(set(type(self.selector).model_fields) - fields)
        return self.selector.model_copy(update={**left, "label": told or None}).matcher()(event)

    def text(self) -> str:
        """All of it; equal texts let the same events pass."""
        selector = self.selector.model_dump_json(exclude_none=True)
        fields = sorted(self.fields - OF_ALARMS)  # as saved states of alarms have it
        return f"{'drop' if self.drops else 'only'} {fields} {selector}"


class Labelled(NamedTuple):
    """A step that sets labels; `fields` as for a selection."""

    labelling: Labelling
    fields: frozenset[str]

    def text(self) -> str:
        """All of it; equal texts set the same labels."""
        return self.labelling.text


Way = Sequence[Selection | Labelled]
"""The steps on one way on which events come, the last one first."""


class Selections:
    """The selectors, and the steps that set labels, on each of the ways on which events come."""

    def __init__(self, ways: Sequence[Way]) -> None:
        self._ways = ways
        self.text = "\n".join(sorted(" | ".join(step.text() for step in way) for way in ways))
        self.names = frozenset(name for way in ways for name in _names(way))

    def then(self, last: Selector) -> "Selections":
        """The same ways, with a selector at their end."""
        return Selections([(Selection(last, False, KNOWN), *way) for way in self._ways])

    def may_pass(self, event: Event, known: Collection[str]) -> bool:
        """Whether an event of which these fields are known may come on one of the ways."""
        return any(_walk(way, event, known)[0] for way in self._ways)

    def arriving(self, event: Event, known: Collection[str], had: Collection[str]) -> Event | None:
        """The event with the labels that steps on its way set, without those that it `had` of them.

        A label of which that cannot be said stays. Of several ways one that changes nothing counts,
        else the first; None where none lets it pass.
        """
        old: Mapping[str, str] = getattr(event, "labels", {})
        own = {name: value for name, value in old.items() if name not in had}
        base = event if own == old else msgspec.structs.replace(event, labels=own)
        found = []
        for way in self._ways:
            passes, now = _walk(way, base, known, sets_out=True)
            if passes:
                unsaid = {name: old[name] for name in now.keys() & old.keys() if now[name] is None}
                found.append(with_labels(base, _sure(now) | unsaid))
        return event if event in found else next(iter(found), None)

    def given(self, event: Event) -> frozenset[str]:
        """The names of labels that steps on its ways gave an event which came here."""
        names = self.names & getattr(event, "labels", {}).keys()
        return names and names & {
            name for way in self._ways for name in _walk(way, event, KNOWN)[1]
        }


def _names(way: Way) -> frozenset[str]:
    return frozenset(
        name for step in way if isinstance(step, Labelled) for name in step.labelling.names
    )


def _walk(
    way: Way, event: Event, known: Collection[str], sets_out: bool = False
) -> tuple[bool, dict[str, str | None]]:
    """Whether an event may pass, and the labels that steps give it; None for those not known.

    It has the labels with which it arrived, or `sets_out` with its own.
    """
    given: dict[str, str | None] = {}
    for number in reversed(range(len(way))):
        step = way[number]
        sure = _sure(given)
        there = with_labels(event, sure)
        hidden = frozenset[str]() if sets_out else _names(way[:number])
        unknown = {*hidden, *given} - sure.keys()
        if isinstance(step, Labelled):
            fields = step.fields & set(known)
            given |= step.labelling.of(there, partial(_knows, there, fields, sure, unknown))
        elif not step.may_pass(there, known, sure, unknown):
            return False, given
    return True, given


def _sure(given: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in given.items() if value is not None}


def _knows(
    event: Event,
    fields: Collection[str],
    sure: Collection[str],
    unknown: Collection[str],
    name: str,
) -> bool:
    """Whether a field is known; one that may be a label or inside the data, if it is a label."""
    if name in ATTRIBUTES:
        return name in fields
    label = name.removeprefix("labels.").removeprefix("label.")
    if label in sure:
        return True
    is_there = label != name or name in getattr(event, "labels", {})
    return "label" in fields and label not in unknown and is_there
