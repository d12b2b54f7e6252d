"""As what people were told of an alarm, and what that lets pass where events are selected.

What an alarm is selected by may change while it stands: its priority, its labels, what was judged.
Who was told of it under one label is told of its end, under whatever label it ends; who would be
told only of its end is told nothing.
"""

from collections.abc import Callable, Sequence

import msgspec

from operators.events import AlarmTransition, Announced, Event

AS_IT_IS = Announced()
_FIELDS = Announced.__struct_fields__


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
    if event.annunciation is None:
        told = any(passes(as_announced(event, one)) for one in event.told)
        return event if told or passes(event) else None
    known = [one for one in event.told or [AS_IT_IS] if passes(as_announced(event, one))]
    if known:
        return msgspec.structs.replace(event, told=known) if event.told else event
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
