"""The state of one signal of a `window`."""

import math
from typing import Any, Protocol

from operators.windows.pane import Pane


class Waiting(Protocol):
    """What a signal has in a batch of columns (`operators.windows.columns`)."""

    def work_in(self) -> None:
        """Give the signal what was passed."""

    def lose(self) -> None:
        """Take note that the signal was freed."""


class Signal:
    """State of a signal.

    A reading of `unit` from `last` to before `end` belongs to `pane` and closes nothing; `lag` is
    how far the last reading was behind those of other signals. `windows` are the panes that are
    open: by number, or the sessions by time. What ends before `next` (a pane's number, or a time)
    is closed. From the pane `since` on windows without readings count; `labels` are theirs.
    What is `waiting` of a batch of columns is worked in before the signal is looked at.
    """

    __slots__ = (
        "by", "end", "key", "labels", "lag", "last", "metric", "next", "other", "pane", "prefix",
        "queued", "since", "unit", "waiting", "windows",
    )  # fmt: skip

    def __init__(self, key: tuple[str, ...], by: dict[str, str], step: str) -> None:
        self.key = key
        self.metric = key[1]
        self.by = by
        self.prefix = f"{'/'.join(key)}/{step}/"
        self.other: Signal | None = None
        self.queued = math.inf
        self.windows: Any = {}
        self.pane = Pane()
        self.last = self.next = self.end = self.since = -math.inf
        self.labels: dict[str, str] = {}
        self.lag = 0.0
        self.unit: str | None = None
        self.waiting: Waiting | None = None
