"""The progress of a running flow's sources: whether they are silent, and how far behind it is."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from connectors.base import ExpiringReader, Reader
from flows.dataflow.clock import Silence
from flows.runtime.status import gauge

GAP = 3.0
"""Seconds for which nothing may be known of a source without its silence beginning anew: whoever
could not reach it for longer has first to send what gathered."""
UNKNOWN = Silence(-math.inf, -math.inf)


@dataclass
class _Part:
    source: str
    reader: Reader
    newest: float | None = None


class SourceProgress(Collector):
    """The source partitions of a flow that bring data, as metrics.

    The flow's thread tells what they bring; any thread may ask.
    """

    def __init__(self, flow: str, clock: Callable[[], float] = time.time) -> None:
        self.silence: dict[str, Silence] = {}
        self._flow, self._clock = flow, clock
        self._parts: dict[str, _Part] = {}

    def add(self, part: str, source: str, reader: Reader) -> None:
        """Follow one more source partition."""
        self._parts[part] = _Part(source, reader)

    def remove(self, part: str) -> None:
        """Follow a source partition no more."""
        self._parts.pop(part, None)
        self.silence.pop(part, None)

    def received(self, part: str, wall: float) -> None:
        """Note that events came of which the last one arrived at `wall` (epoch seconds)."""
        self._parts[part].newest = wall

    def idle(self, part: str, is_reachable: bool) -> None:
        """Note that nothing came; unless `is_reachable`, what fills the source is out of reach."""
        until = self._parts[part].reader.read_until() if is_reachable else -math.inf
        known = self.silence.get(part, UNKNOWN)
        if until > known.until:
            self.silence[part] = Silence(
                known.since if until - known.until <= GAP else until, until
            )

    def figures(self) -> dict[str, dict[str, float]]:
        """The figures of each source.

        `lag` are the records not read yet, where they can be counted; `age` the seconds since the
        newest event that was read arrived, once there is one. Of a topic, `behind` are the seconds
        since the oldest record was written that is not read, and `retention` how many it is kept.
        """
        found: dict[str, dict[str, float]] = {}
        now = self._clock()
        for part in list(self._parts.values()):
            figures = found.setdefault(part.source, {})
            if (lag := part.reader.lag()) is not None:
                figures["lag"] = figures.get("lag", 0) + lag
            if isinstance(part.reader, ExpiringReader):
                _most(figures, "behind", part.reader.behind(), max)
                _most(figures, "retention", part.reader.retention(), min)
            if part.newest is not None:
                figures["age"] = min(
                    figures.get("age", math.inf), max(0.0, round(now - part.newest, 3))
                )
        return found

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Lag and age of each source, for a scrape."""
        flow, figures = self._flow, self.figures()
        lag = "Records of a topic that the flow has not read yet."
        age = "Seconds since the newest event that was read arrived."
        yield gauge("vigie_source_lag_records", lag, flow, figures, "lag")
        behind = "Seconds since the oldest record of a topic was written that is not read."
        kept = "Seconds for which the topic keeps a record."
        yield gauge("vigie_source_age_seconds", age, flow, figures, "age")
        yield gauge("vigie_source_behind_seconds", behind, flow, figures, "behind")
        yield gauge("vigie_source_retention_seconds", kept, flow, figures, "retention")


def _most(
    figures: dict[str, float],
    name: str,
    value: float | None,
    choose: Callable[[float, float], float],
) -> None:
    if value is not None:
        figures[name] = round(choose(figures.get(name, value), value), 3)
