"""Events one behind the other, for who does not know whether they are columns."""

from collections.abc import Sequence
from itertools import chain

from operators.columnar.lazy import LazyEvents
from operators.events import Event


def together(parts: Sequence[Sequence[Event]]) -> Sequence[Event]:
    """Return parts as one; as columns where all are columns of readings, for which numpy loads."""
    if len(parts) == 1:
        return parts[0]
    if parts and all(isinstance(part, LazyEvents) and part.are_readings for part in parts):
        from operators.columnar.reading_columns import joined

        return joined(parts)
    return list(chain.from_iterable(parts))
