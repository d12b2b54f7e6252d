"""The words by which selectors choose changes of alarms: as they are recorded, and for people.

What records is given every change, under its own word. People hear what is annunciated: to them
`raised` is that the start of an occurrence is told, at once or when a mask over it ends, and
`cleared` that its end is.

What an alarm is selected by may change while it stands: its priority, its labels, what was judged.
Who was told of it under one label is told of its end, under whatever label it ends; who would be
told only of its end is told nothing.
"""

from collections.abc import Callable, Sequence
from urllib.parse import quote

import msgspec

from operators.events import AlarmTransition, Announced, Event

ALL = "all"
ANNUNCIATED = "annunciated"
OVER = "over"
CHOICES = (ALL, ANNUNCIATED, OVER)
"""Words that stand for several changes."""

AS_IT_IS = Announced()
_FIELDS = Announced.__struct_fields__
_OF_OCCURRENCES = ("raised", "returned", "cleared")
_OF_CONDITIONS = ("escalated", "deescalated", "realarmed", "no_data", "data_back")
_MASKS = ("suppressed", "oos", "disabled")


def recorded(change: AlarmTransition) -> list[str]:
    """The words for a change where everything is recorded."""
    words = [ALL, change.change]
    if change.annunciation is not None:
        words.append(ANNUNCIATED)
    if "active" in change.before and "active" not in change.flags:
        words.append(OVER)
    return words


def for_people(change: AlarmTransition) -> list[str]:
    """The words for a change where people are told.

    Nothing that a mask hides has one but `all`, save what people do to an alarm.
    """
    words = [ALL]
    told = change.annunciation
    if told is not None:
        words.append(ANNUNCIATED)
    if told == "start":
        words.append("raised")
    elif told == "end":
        words += ["cleared", OVER]
        if change.change == "returned":
            words.append("returned")
    hidden = change.change in _OF_CONDITIONS and is_masked(change)
    if change.change not in _OF_OCCURRENCES and not hidden:
        words.append(change.change)
    return words


def is_masked(change: AlarmTransition) -> bool:
    """Whether the alarm is kept from people after the change."""
    return any(flag in _MASKS or flag.startswith("shelved") for flag in change.flags)


def is_annunciated(event: Event) -> bool:
    """What people hear by default: of alarms what is annunciated, and anything else."""
    return not isinstance(event, AlarmTransition) or event.annunciation is not None


def as_told(event: Event, page_url: str = "") -> Event:
    """An alarm's change as people are told of it: raised for its start, cleared for its end.

    With the page's address, it has a link that opens the alarm there.
    """
    if not isinstance(event, AlarmTransition):
        return event
    word = _TOLD.get(event.annunciation or "again", event.change)
    link = alarm_link(page_url, event.rule, event.subject)
    return msgspec.structs.replace(event, change=word, link=link)


def alarm_link(page_url: str, rule: str, subject: str) -> str | None:
    """The address that opens an alarm on the page; None where the page has none."""
    return f"{page_url}/#/alarms/{quote(f'{rule}|{subject}', safe='')}" if page_url else None


_TOLD = {"start": "raised", "end": "cleared"}
Words = Callable[[AlarmTransition], list[str]]


def as_announced(event: AlarmTransition, one: Announced | str) -> AlarmTransition:
    """An alarm's change as it would be had the alarm still what people were told of it."""
    if isinstance(one, str):
        return msgspec.structs.replace(event, priority=one)
    then = {name: getattr(one, name) for name in _FIELDS}
    given = {name: value for name, value in then.items() if value is not msgspec.UNSET}
    return msgspec.structs.replace(event, **given)


def announced(event: AlarmTransition, then: Announced | AlarmTransition) -> Announced:
    """What was told of an alarm, as far as it differs from what is so of it at a change."""
    return Announced(
        **{
            name: value
            for name in _FIELDS
            if (value := getattr(then, name)) != getattr(event, name)
        }
    )


def admitted(events: Sequence[Event], passes: Callable[[Event], bool]) -> list[Event]:
    """The events that pass; an alarm's change also for what people were told of it.

    Of an end that passes only as it is now, nobody was told the start: it is announced no more.
    """
    if AlarmTransition not in set(map(type, events)):
        return [event for event in events if passes(event)]
    return [kept for event in events if (kept := _admitted(event, passes)) is not None]


def _admitted(event: Event, passes: Callable[[Event], bool]) -> Event | None:
    if type(event) is not AlarmTransition or event.annunciation in ("start", "again"):
        return event if passes(event) else None
    known = [one for one in event.told or [AS_IT_IS] if passes(as_announced(event, one))]
    if known:
        return msgspec.structs.replace(event, told=known) if event.told else event
    if event.annunciation is None:
        return None
    unheard = msgspec.structs.replace(event, annunciation=None, told=[])
    return unheard if passes(unheard) else None


def changed(event: Event, change: Callable[[Event], Event]) -> Event:
    """The event as `change` makes it, and as it would have made it when people were told of it."""
    new = change(event)
    if type(event) is not AlarmTransition or not event.told:
        return new
    assert isinstance(new, AlarmTransition)
    told: list[Announced | str] = []
    for one in event.told:
        then = change(as_announced(event, one))
        assert isinstance(then, AlarmTransition)
        told.append(announced(new, then))
    return msgspec.structs.replace(new, told=told)
