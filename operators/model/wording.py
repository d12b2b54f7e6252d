"""What people read of an event: a title, lines of what they need to know, and JSON in words."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec

from operators.events import AlarmTransition, Event, Occurrence
from operators.model import two_state
from operators.model.fields import field, signal_of, text, value_of

_AGAIN = {"escalated": "more urgent now", "realarmed": "still there"}


def title_of(event: Event) -> str:
    """What happened, in one line: how urgent, what, where, how much."""
    if isinstance(event, AlarmTransition):
        head = "Over" if event.annunciation == "end" else event.priority.capitalize()
        again = event.annunciation == "again" and _AGAIN.get(event.change, "again")
        what = event.message or f"{event.alarm}, {event.subject}{_at(event)}"
        return f"{head}: {what}" + (f" ({again})" if again else "")
    said = field(event, "text") if isinstance(event, Occurrence) else None
    if isinstance(said, str) and said:
        return said.partition("\n")[0]
    subject, what = signal_of(event)
    return " ".join(filter(None, (subject, what, quantity_text(value_of(event), event))))


def text_of(event: Event, zone: tzinfo = UTC) -> str:
    """All that people need to know, a line for each."""
    said = field(event, "text") if isinstance(event, Occurrence) else None
    if isinstance(said, str) and said:
        return said
    return "\n".join(f"{name}: {words}" for name, words in lines_of(event, zone))


def lines_of(event: Event, zone: tzinfo = UTC) -> Iterator[tuple[str, str]]:
    """What people need to know, as (what it is, words), in its order."""
    if isinstance(event, AlarmTransition):
        yield from _of_alarm(event, zone)
        return
    subject, what = signal_of(event)
    yield "subject", subject
    yield "what", what
    if (value := quantity_text(value_of(event), event)) is not None:
        yield "value", value
    yield "time", clock_text(event.time, zone)


def _of_alarm(event: AlarmTransition, zone: tzinfo) -> Iterator[tuple[str, str]]:
    ends = event.annunciation == "end"
    if event.message:
        yield "message", event.message
    yield "alarm", event.alarm
    yield "subject", event.subject
    yield "priority", event.priority
    yield "state", event.state.replace("_", " ")
    if event.condition_text:
        yield "condition", event.condition_text
    now = quantity_text(value_of(event), event)
    first = quantity_text(_word(event, event.first_value), event)
    if now is not None:
        name = "last value" if _is_silent(event) else "value"
        yield name, now if first in (None, now) else f"{now}, {first} at the start"
    limit = quantity_text(_word(event, event.limit), event)
    if limit is not None and not ends and not _is_two_state(event):
        yield "limit", limit
    if event.since is not None:
        yield "since", clock_text(event.since, zone)
    if ends or event.since is None:
        yield ("over" if ends else "time"), clock_text(event.time, zone)
    for name, words in (("by", event.user), ("comment", event.comment), ("page", event.page)):
        if words:
            yield name, words
    if event.response and not ends:
        yield "to do", event.response
    if event.link:
        yield "open", event.link


def _at(event: AlarmTransition) -> str:
    value = quantity_text(value_of(event), event)
    if value is None:
        return ""
    return f", last {value}" if _is_silent(event) else f" at {value}"


def _is_silent(event: AlarmTransition) -> bool:
    return "no_data" in event.flags and event.annunciation != "end"


def quantity_text(value: Any, event: Event) -> str | None:
    """A value with its unit, as people write it; None for none."""
    if value is None:
        return None
    if isinstance(value, float):
        value = f"{value:.6g}"
    unit = field(event, "unit")
    return f"{text(value)} {unit}" if unit else text(value)


def clock_text(seconds: float, zone: tzinfo) -> str:
    """A time as people of a place read it: `2026-01-05 19:00:00 CET`."""
    try:
        return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M:%S %Z")
    except (ValueError, OverflowError, OSError):
        return f"{seconds:g} s after 1970"  # beyond any calendar


def in_words(event: Event) -> Any:
    """An event for JSON that people's programs read: an alarm with words for its states."""
    if not isinstance(event, AlarmTransition):
        return event
    out: dict[str, Any] = msgspec.to_builtins(event)
    for name in ("value", "limit", "first_value"):
        if name in out:
            out[name] = _word(event, out[name])
    if "condition_text" in out:
        out["condition"] = out.pop("condition_text")
    return out


def _is_two_state(event: AlarmTransition) -> bool:
    return _word(event, event.value) is not event.value


def _word(event: AlarmTransition, value: Any) -> Any:
    """The word of a two-state value, any other value as it is."""
    number = value if isinstance(value, (int, float)) else None
    return two_state.word(event.metric, number) or value
