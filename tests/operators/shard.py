"""Drives one step as a flow does: batches, two clocks, timers, and restarts in between."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ruamel.yaml import YAML

from operators.component import Logic, Now, Operator, StepContext
from operators.events import Event, Occurrence, Reading
from operators.model.saved_state import decode, encode

LATENESS = 5.0
CONTEXT = StepContext(
    flow="site", step="site/stream/step", roles=("pir", "door", "person"), lateness=LATENESS
)


def step(kind: type[Operator], text: str) -> Operator:
    """An operator from the YAML of its step, such as `deduplicate: 10s`."""
    settings = YAML(typ="safe").load(text)
    return kind.model_validate(settings[kind.NAME])


def reading(
    time: float,
    value: float | None,
    subject: str = "rack",
    metric: str = "temperature",
    **more: Any,
) -> Reading:
    """A reading whose id tells its subject, metric and time, unless another is given."""
    identity = more.pop("id", f"{subject}.{metric}@{time:g}")
    return Reading(id=identity, time=time, subject=subject, metric=metric, value=value, **more)


def occurrence(time: float, type: str, subject: str = "mat", **more: Any) -> Occurrence:
    return Occurrence(
        id=more.pop("id", f"{subject}.{type}@{time:g}"),
        time=time,
        subject=subject,
        type=type,
        **more,
    )


class Shard:
    """One step under a virtual clock; with `restarts`, its state is saved and restored after
    every batch.
    """

    def __init__(
        self, operator: Operator, context: StepContext = CONTEXT, restarts: bool = False
    ) -> None:
        self._operator = operator
        self._context = context
        self._restarts = restarts
        self._logic = operator.logic(context)
        self._highest = -math.inf
        self.counts: dict[str, int] = {}
        self.late: list[Event] = []
        self.errors: list[Any] = []

    @property
    def logic(self) -> Logic:
        return self._logic

    def feed(self, *events: Event) -> list[Event]:
        """Take one batch, and the timers that its newest event makes due."""
        self._highest = max([self._highest, *(event.time for event in events)])
        now = Now(self._highest - CONTEXT.patience, self._highest)
        out = self._logic.on_batch(list(events), now) if events else []
        return self._timers(out, now)

    def feed_roles(self, roles: Sequence[tuple[str, Event]]) -> list[Event]:
        """Take one batch of events of several roles, role by role as the engine does."""
        self._highest = max([self._highest, *(event.time for _, event in roles)])
        now = Now(self._highest - CONTEXT.patience, self._highest)
        out: list[Event] = []
        for role in self._context.roles:
            if events := [event for its, event in roles if its == role]:
                out += self._logic.on_role(role, events, now)
        return self._timers(out, now)

    def wait_until(self, time: float) -> list[Event]:
        """Let the flow's clock reach `time` without events."""
        return self._timers([], Now(time, time))

    def _timers(self, out: list[Event], now: Now) -> list[Event]:
        if self._logic.next_time().event <= now.event:
            out = [*out, *self._logic.on_time(now)]
        assert self._logic.next_time().event > now.event
        self.late += self._logic.late
        self.errors += self._logic.errors
        self._logic.late, self._logic.errors = [], []
        for word, n in self._logic.counts.items():
            self.counts[word] = self.counts.get(word, 0) + n
        self._logic.counts.clear()
        if self._restarts:
            self.restart()
        return out

    def restart(self) -> None:
        """Go on in a new logic from a snapshot that must not change with the old one."""
        saved = encode(self._logic.snapshot())
        fresh = self._operator.logic(self._context)
        fresh.restore(decode(saved, fresh.STATE), fresh.VERSION)
        self._logic = fresh


def states(events: Iterable[Event]) -> list[tuple[float, str, Any]]:
    """Time, metric or type, and value of events."""
    return [
        (
            e.time,
            getattr(e, "metric", None) or getattr(e, "type", ""),
            getattr(e, "value", getattr(e, "data", None)),
        )
        for e in events
    ]
