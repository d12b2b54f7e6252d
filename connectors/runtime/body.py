"""What is sent of an event by sinks that write JSON for people and their programs."""

import msgspec

from connectors.base import ConnectorContext
from operators.events import Event
from operators.model.wording import in_words


def body_of(event: Event, context: ConnectorContext) -> bytes:
    """The JSON of an event: its own shape where the sink has one, else all of it in words."""
    return msgspec.json.encode(context.shape(event) if context.shape else in_words(event))
