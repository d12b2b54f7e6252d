"""Traces of single events, as OpenTelemetry has them: spans on their way to an OTLP receiver.

An event that is followed has in `trace` the W3C `traceparent` of the span that made it. Nothing
waits for the receiver: spans that it does not take are counted and forgotten.
"""

import collections
import logging
import math
import operator
import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from connectors.base import SpanKind
from connectors.config.traces_section import TracesSection
from connectors.runtime.optional_packages import needing
from connectors.runtime.tracing.span import Span
from operators.events import Event

log = logging.getLogger("vigie")

BOUND = 10_000
"""Spans that may wait for the receiver."""
AT_ONCE = 500
EVERY = 1.0
LAST = 2.0
"""Seconds that the receiver has for the last spans when the process ends."""
TIMEOUT = 5.0
BEGUN_A_SECOND = 100
"""Traces that may begin in a second: however many events come, following them costs little."""
_TRACE = operator.attrgetter("trace")
W3C = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


def sampled(traceparent: str | None) -> str | None:
    """A `traceparent` as it came from outside, if it is one and asks that the event be followed."""
    found = W3C.fullmatch(traceparent.strip().lower()) if traceparent else None
    return found[0] if found and int(found[3], 16) & 1 else None


def with_trace(events: Sequence[Event]) -> list[int]:
    """The numbers of events that are followed already."""
    traces = list(map(_TRACE, events))
    return [n for n, trace in enumerate(traces) if trace is not None] if any(traces) else []


class Traces:
    """Draws the events that are followed, and takes their spans. From any thread.

    `export` takes spans and says whether the receiver has them.
    """

    def __init__(
        self,
        sample: float,
        export: Callable[[Sequence[Span]], bool],
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.sent = 0
        self.dropped = 0
        self._sample = sample
        self._export = export
        self.clock = clock
        self._chance = chance
        self._before_next = self._gap()
        self._second, self._begun = 0, 0
        self._waiting: collections.deque[Span] = collections.deque()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()

    def drawn(self, events: Sequence[Event]) -> list[int]:
        """The numbers of new events that are followed, as they came or as they are drawn now.

        The drawn ones have no `trace` yet: their first span gives them one.
        """
        followed = with_trace(events)
        number = self._before_next
        while number < len(events):
            if events[int(number)].trace is None and self._may_begin():
                followed.append(int(number))
            number += 1 + self._gap()
        self._before_next = number - len(events)
        return sorted(followed)

    def _gap(self) -> float:
        """Events between two that are drawn: geometric, as if each event had its own chance."""
        if not self._sample:
            return math.inf
        if self._sample == 1:
            return 0
        return math.log(1 - self._chance()) // math.log1p(-self._sample)

    def _may_begin(self) -> bool:
        second = int(self.clock())
        if second != self._second:
            self._second, self._begun = second, 0
        self._begun += 1
        return self._begun <= BEGUN_A_SECOND

    def span(
        self,
        name: str,
        parent: str | None,
        start: float,
        end: float,
        kind: SpanKind = "internal",
        id: str | None = None,
        **said: Any,
    ) -> str:
        """Take a span that is over; its own `traceparent`, which is `id` where that is given."""
        known = W3C.fullmatch(parent) if parent else None
        own = id or begun(parent)
        trace, number = own[3:35], own[36:52]
        above = int(known[2], 16) if known else 0
        if len(self._waiting) >= BOUND:
            self.dropped += 1
        else:
            given = (int(trace, 16), int(number, 16), above)
            self._waiting.append(Span(name, kind, *given, start, end, said))
        return own

    def close(self) -> None:
        """Send what waits, for at most `LAST` seconds."""
        self._ending.set()
        self._thread.join(LAST)

    # The rest runs in the thread.

    def _run(self) -> None:
        failing = False
        while True:
            is_last = self._ending.wait(EVERY)
            while self._waiting:
                spans = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
                taken = self._export(spans)
                if taken:
                    self.sent += len(spans)
                else:
                    self.dropped += len(spans)
                if taken == failing:
                    failing = not taken
                    _say(failing)
                if failing:
                    break
            if is_last:
                return


def begun(parent: str | None) -> str:
    """The `traceparent` of a new span below another, or of a new trace."""
    trace = parent[3:35] if parent else f"{random.getrandbits(128) | 1:032x}"
    return f"00-{trace}-{random.getrandbits(64) | 1:016x}-01"


def _say(failing: bool) -> None:
    if failing:
        log.warning("traces: the receiver takes none; spans are dropped and counted meanwhile")
    else:
        log.info("traces: the receiver takes them again")


def open_traces(section: TracesSection, site: str, name: str) -> Traces | None:
    """Traces of a process of a site under its name; None where the site file wants none.

    Raises `ConnectorError` where the packages are missing.
    """
    if section.to is None:
        return None
    with needing("traces", "traces", "opentelemetry"):
        from connectors.runtime.tracing.otlp import exporter

    return Traces(section.sample, exporter(section.to, TIMEOUT, site, name))
