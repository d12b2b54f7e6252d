"""Dead letters of what no record of a topic may hold."""

import hashlib

import msgspec

from connectors.base import ConnectorContext
from connectors.kafka.packing import TooLarge
from operators.events import DeadLetter, Event, decode_lines, encode_lines


def dead_letter_too_large(refused: TooLarge, context: ConnectorContext) -> None:
    """Make a dead letter of what a sink's record could not hold."""
    event = refused.event or _event_of(refused.line)
    whole = None if event is None else encode_lines([event])
    id = getattr(event, "id", None) or hashlib.sha256(refused.line).hexdigest()[:32]
    context.count("too_large", 1)
    context.dead_letter(
        DeadLetter(
            id=f"{id}/{context.name}",
            time=getattr(event, "time", 0.0),
            flow=context.flow,
            step=context.name,
            reason="too_large",
            detail=refused.detail,
            origin=context.name,
            payload=refused.line if whole is None else whole,
            holds="bytes" if whole is None else "events",
        )
    )


def _event_of(line: bytes) -> Event | None:
    try:
        return decode_lines(line)[0]
    except msgspec.DecodeError:
        return None
