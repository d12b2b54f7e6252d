"""The words by which selectors choose changes of alarms: as they are recorded, and for people.

What records is given every change, under its own word. People hear what is annunciated: to them
`raised` is that the start of an occurrence is told, at once or when a mask over it ends, and
`cleared` that its end is.
"""

from collections.abc import Callable
from urllib.parse import quote

import msgspec

from operators.events import AlarmTransition, Event

ALL = "all"
ANNUNCIATED = "annunciated"
OVER = "over"
CHOICES = (ALL, ANNUNCIATED, OVER)
"""Words that stand for several changes."""

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
