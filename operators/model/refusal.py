"""Setting aside an event that a step cannot process."""

from operators.component import StepContext
from operators.events import DeadLetter, Event, encode_lines


def refused(event: Event, context: StepContext, reason: str, detail: str) -> DeadLetter:
    """The event as a dead letter: `reason` in one word, `detail` a sentence with the remedy."""
    origin: str | None = getattr(event, "topic", None) or getattr(event, "subject", None)
    return DeadLetter(
        id=f"{event.id}/{context.step}",
        time=event.time,
        flow=context.flow,
        step=context.step,
        reason=reason,
        detail=detail,
        origin=origin or "",
        payload=encode_lines([event]),
        holds="events",
    )
