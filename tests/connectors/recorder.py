"""A connector's context that remembers what the connector reported."""

import collections
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connectors.base import ConnectorContext, Health
from operators.events import DeadLetter, Event, Reading


class Recorder:
    """`recorder.context(...)` makes a context; `health`, `counts` and `letters` are what came
    out of it.
    """

    def __init__(self) -> None:
        self.reports: list[tuple[str, bool, str]] = []
        self.health = Health(lambda name, up, detail: self.reports.append((name, up, detail)))
        self.counts: collections.Counter[str] = collections.Counter()
        self.letters: list[DeadLetter] = []
        self.stopping = threading.Event()

    def context(
        self, name: str, connection: Any, folder: Path | None = None, **more: Any
    ) -> ConnectorContext:
        return ConnectorContext(
            flow="test",
            name=name,
            connection=connection,
            stopping=self.stopping,
            health=self.health,
            count=lambda word, n: self.counts.update({word: n}),
            dead_letter=self.letters.append,
            folder=folder,
            **more,
        )


def reading(n: int, subject: str = "rack", metric: str = "temperature", **more: Any) -> Reading:
    """The n-th of a row of readings, with `n` as its value."""
    settings: dict[str, Any] = {"value": float(n), **more}
    return Reading(id=f"r{n}", time=1_795_000_000.0 + n, subject=subject, metric=metric, **settings)


def ids(events: Sequence[Event]) -> list[str]:
    return [event.id for event in events]
