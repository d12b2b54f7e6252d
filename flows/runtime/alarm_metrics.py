"""The figures of a flow's alarm system over the last 24 hours, as metrics."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from connectors.base import StatefulWriter, Writer, settle
from operators.alarms.kpi import Kpis
from operators.alarms.kpi_bins import DAY
from operators.alarms.kpi_figures import Figures
from operators.events import AlarmTransition, Event

MOST_PAGES = 200
ALL = ""
"""The page label of the figures of all alarms together."""

_GAUGES: tuple[tuple[str, str, Callable[[Figures], float | None]], ...] = (
    ("vigie_alarm_annunciated", "Alarms annunciated in the last 24 hours.",
    lambda f: f.annunciated),
    ("vigie_alarm_masked", "Alarms activated while masked in the last 24 hours.",
    lambda f: f.masked),
    ("vigie_alarm_rate", "Annunciated alarms every 10 minutes, mean (EEMUA 191: at most 1).",
    lambda f: f.rate),
    ("vigie_alarm_peak", "Most annunciated alarms in one 10 minutes (EEMUA 191: at most 10).",
    lambda f: f.peak),
    ("vigie_alarm_overloaded_ratio", "Share of 10 minutes with more than 10 alarms (under 0.01).",
    lambda f: f.overloaded),
    ("vigie_alarm_flood_ratio", "Share of the time in an alarm flood (under 0.01).",
    lambda f: f.in_flood),
    ("vigie_alarm_floods", "Alarm floods in the last 24 hours.", lambda f: len(f.floods)),
    ("vigie_alarm_chattering", "Alarms that came three times in a minute (none).",
    lambda f: len(f.chattering)),
    ("vigie_alarm_fleeting_ratio", "Share of alarms that were over in less than 10 s.",
    lambda f: f.fleeting_share),
    ("vigie_alarm_standing", "Alarms that are active and not masked.", lambda f: f.standing),
    ("vigie_alarm_stale", "Of these, active for more than 24 hours (under 5).",
    lambda f: len(f.stale)),
    ("vigie_alarm_shelved", "Alarms that are shelved.", lambda f: f.shelved),
    ("vigie_alarm_suppressed", "Alarms that are suppressed.", lambda f: f.suppressed),
    ("vigie_alarm_out_of_service", "Alarms that are out of service.", lambda f: f.out_of_service),
    ("vigie_alarm_no_data", "Alarms without data.", lambda f: f.no_data),
    ("vigie_alarm_top_ten_ratio", "Share of the ten most frequent rules (at most 0.05).",
    lambda f: f.top_share),
    ("vigie_alarm_ack_seconds_median", "Time to acknowledge, median.", lambda f: f.ack_median),
    ("vigie_alarm_ack_seconds_p95", "Time to acknowledge, 95th percentile.", lambda f: f.ack_95),
    ("vigie_alarm_unacknowledged", "Alarms that returned before anybody acknowledged them.",
    lambda f: f.censored),
)  # fmt: skip


class AlarmFigures(Collector):
    """Counts of all alarm transitions of a flow, by page.

    A page is an operator's position; no page is all of them. Counts are kept apart by shard, so
    that they can move to another process with it; `shard_of` names the shard of a subject.
    """

    def __init__(
        self,
        flow: str,
        clock: Callable[[], float] = time.time,
        shard_of: Callable[[str], str] = lambda subject: "0",
    ) -> None:
        self._flow, self._clock, self._shard_of = flow, clock, shard_of
        self._shards: dict[str, dict[str, Kpis]] = {}
        self._lock = threading.Lock()

    def count(self, events: list[Event]) -> None:
        """Count the alarm transitions among the events."""
        with self._lock:
            for event in events:
                if isinstance(event, AlarmTransition):
                    pages = self._shards.setdefault(self._shard_of(event.subject), {ALL: Kpis(DAY)})
                    pages[ALL].see(event)
                    if event.page and (event.page in pages or len(pages) <= MOST_PAGES):
                        pages.setdefault(event.page, Kpis(DAY)).see(event)

    def figures(self) -> dict[str, Figures]:
        """The figures of each page over the last 24 hours, or as much of them as was counted."""
        end = self._clock()
        together: dict[str, Kpis] = {ALL: Kpis(DAY)}
        with self._lock:
            for pages in self._shards.values():
                for page, kpis in pages.items():
                    together.setdefault(page, Kpis(DAY)).add(kpis)
        return {
            page: kpis.figures(min(max(end - DAY, kpis.since), end), end)
            for page, kpis in together.items()
        }

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All figures of each page, for a scrape."""
        figures = self.figures()
        for name, text, pick in _GAUGES:
            family = GaugeMetricFamily(name, text, labels=["flow", "page"])
            for page, one in figures.items():
                value = pick(one)
                if value is not None:
                    family.add_metric([self._flow, page], value)
            yield family
        yield self._by(
            figures,
            "vigie_alarm_top_rule",
            "The ten rules with the most alarms.",
            "rule",
            lambda f: f.top_rules,
        )
        hiders = "Alarms that would stand, by what suppresses them."
        yield self._by(figures, "vigie_alarm_suppressed_by", hiders, "by", lambda f: f.hidden_by)
        priorities = "Annunciated alarms by priority."
        yield self._by(
            figures,
            "vigie_alarm_priority",
            priorities,
            "priority",
            lambda f: tuple(sorted(f.priorities.items())),
        )

    def _by(
        self, figures: Mapping[str, Figures], name: str, text: str, label: str,
        pick: Callable[[Figures], tuple[tuple[str, int], ...]],
    ) -> GaugeMetricFamily:  # fmt: skip
        family = GaugeMetricFamily(name, text, labels=["flow", "page", label])
        for page, one in figures.items():
            for word, n in pick(one):
                family.add_metric([self._flow, page, word], n)
        return family

    def snapshot(self) -> dict[str, Any]:
        """The counts of all shards, as plain data."""
        with self._lock:
            shards = {
                shard: {page: kpis.snapshot() for page, kpis in pages.items()}
                for shard, pages in self._shards.items()
            }
        return {"shards": shards}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `snapshot` returned."""
        for shard, pages in state.get("shards", {}).items():
            self.restore_shard(shard, pages)

    def restore_shard(self, shard: str, pages: Mapping[str, Any]) -> None:
        """Take back what a snapshot has of one shard, in place of what is known of it."""
        restored = {page: Kpis(DAY) for page in (ALL, *pages)}
        for page, saved in pages.items():
            restored[page].restore(saved)
        with self._lock:
            self._shards[shard] = restored


class CountingWriter:
    """The writer of the topic of alarms, which counts what it writes.

    The counts are part of its state, which belongs to the epoch.
    """

    def __init__(self, writer: Writer, figures: AlarmFigures) -> None:
        self._writer, self._figures = writer, figures
        self.flush = writer.flush
        self.close = writer.close

    def snapshot(self) -> dict[str, Any]:
        """The counts, and what the writer keeps."""
        return {**(settle(self._writer) or {}), **self._figures.snapshot()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `snapshot` returned."""
        self._figures.restore(state)
        if isinstance(self._writer, StatefulWriter):
            self._writer.restore(state)

    def write(self, events: list[Event]) -> None:
        """Write events in order, and count the transitions among them."""
        self._writer.write(events)
        self._figures.count(events)
