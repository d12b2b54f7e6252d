"""The state of one signal of a `threshold`."""

import math
import sys
from typing import Any

from operators.model.hysteresis import NORMAL, NOTHING, Limit
from operators.model.phase import ACTIVE, PENDING, RECOVERING, Phase
from operators.model.phase import NORMAL as INACTIVE


class Hot:
    """What every reading looks at, side by side in memory."""

    __slots__ = ("high", "last", "low", "metric", "subject", "unit", "until")


class Signal(Hot):
    """One signal; a good reading of its unit between `low` and `high` changes nothing.

    That holds not before `last` and before `until`. `other` is the next signal of the same subject.
    """

    __slots__ = (
        "cells",
        "clock",
        "hits",
        "labels",
        "limit",
        "other",
        "phase",
        "pulse",
        "queued",
        "raw",
        "row",
        "since",
    )

    def __init__(self, subject: str, metric: str) -> None:
        self.subject = subject
        self.metric = sys.intern(metric)
        self.other: Signal | None = None
        self.row = -1
        self.queued = math.inf
        self.low, self.high = NOTHING
        self.last = -math.inf
        self.until = math.inf
        self.clock = -math.inf
        self.unit: str | None = None
        self.cells: tuple[str | None, ...] = ()
        self.limit: Limit | None = None
        self.phase: Phase = INACTIVE
        self.since: float | None = None
        self.pulse = math.inf
        self.raw = NORMAL
        self.hits: tuple[float, ...] = ()
        self.labels: dict[str, str] = {}

    @property
    def key(self) -> tuple[str, ...]:
        """Subject and metric."""
        return self.subject, self.metric

    @property
    def on(self) -> bool:
        """Whether the condition holds, until its end has held for its span."""
        return self.phase in (ACTIVE, RECOVERING)

    def saved(self, last: float) -> tuple[Any, ...]:
        """What a snapshot holds of the signal, with the time of its last reading."""
        return (
            self.subject, self.metric, last, self.clock, self.unit, self.cells, self.on,
            self.since, self.raw,
            self.hits, dict(self.labels), self.limit is not None, self.pulse != math.inf,
        )  # fmt: skip

    def take(self, saved: list[Any]) -> tuple[bool, bool]:
        """Take back what `saved` gave after subject and metric: its zones, whether it pulses."""
        (
            self.last,
            self.clock,
            unit,
            self.cells,
            on,
            self.since,
            self.raw,
            hits,
            labels,
            judged,
            pulsing,
        ) = saved
        self.unit = None if unit is None else sys.intern(unit)
        self.cells = tuple(self.cells)
        self.hits, self.labels = tuple(hits), dict(labels)
        if on:
            self.phase = ACTIVE if self.since is None else RECOVERING
        else:
            self.phase = INACTIVE if self.since is None else PENDING
        return judged, pulsing


NEW = Signal("", "")
"""Stands for a signal that is not known: every reading may change something."""
