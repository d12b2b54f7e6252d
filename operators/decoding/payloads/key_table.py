"""What the keys of a device mean that have names of its maker's own, as a table says it."""

from typing import Any, NamedTuple

from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import METRICS
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint


class Means(NamedTuple):
    """A metric, the part of the device, the unit as sent, and what one count is in that unit."""

    metric: str
    endpoint: str | None = None
    unit: str | None = None
    step: float = 1.0


def put_key(builder: ReadingBuilder, device: str, means: Means, raw: Any) -> None:
    """Write the value of one key."""
    subject = at_endpoint(device, means.endpoint)
    if means.step != 1.0 and (number := values.number(raw)) is not None:
        raw = number * means.step
    if METRICS[means.metric].kind == "any":
        builder.put_number(subject, raw, means.unit, raw)
    else:
        builder.put(subject, means.metric, raw, means.unit)


def phases(key: str, metric: str, unit: str | None = None, step: float = 1.0) -> dict[str, Means]:
    """Keys of the three phases; `key` has {} where the number of the phase stands."""
    return {key.format(n): Means(metric, f"l{n}", unit, step) for n in (1, 2, 3)}
