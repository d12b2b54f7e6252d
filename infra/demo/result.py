"""The demo's account: what came out where, and whether it is what went in."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from infra.demo import counts
from infra.demo.ledger import differences
from infra.demo.site import Site

DERIVED = "/debounce"
"""In the ids of readings that a step made; the devices did not send those."""

STEADY = 3.0
LONGEST = 300.0


@dataclass(frozen=True)
class Result:
    """The numbers of the last line.

    `alarms_cleared` counts alarms whose condition ended, acknowledged or not.
    """

    readings: int
    alarms_raised: int
    alarms_cleared: int
    ws_messages: int
    clickhouse_rows: int
    series_points: int
    dead_letters: int

    def as_dict(self) -> dict[str, int]:
        """The numbers by name."""
        return asdict(self)


class Account:
    """Looks at the far ends of a site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._clickhouse = site.stack["clickhouse"]
        self._topics = counts.Topics(site.stack["redpanda"].address)

    def close(self) -> None:
        """Disconnect."""
        self._topics.close()

    def _flowing(self) -> tuple[int, ...]:
        raised, cleared = counts.alarm_changes(self._clickhouse)
        return (
            counts.archive_rows(self._clickhouse),
            raised,
            cleared,
            self._points(),
            self._site.subscriber.messages,
        )

    def _points(self) -> int:
        return (
            counts.series_points(self._site.stack["influxdb"])
            if "influxdb" in self._site.stack
            else 0
        )

    def drain(self) -> str | None:
        """Wait until everything has come out and nothing changes; else return what is missing."""
        end = time.monotonic() + LONGEST
        before: tuple[int, ...] = ()
        since = time.monotonic()
        while time.monotonic() < end:
            now = self._flowing()
            if now != before:
                before, since = now, time.monotonic()
            elif time.monotonic() - since > STEADY and not self.missing():
                return None
            time.sleep(0.3)
        lacking = self.missing() or ["numbers still change"]
        return f"not at rest {LONGEST:g} s after the devices stopped: {'; '.join(lacking)}"

    def missing(self) -> list[str]:
        """How the archive differs from what was published; empty if every reading is there once."""
        site = self._site
        kept = counts.archived(self._clickhouse, DERIVED)
        if site.knows_what_was_sent:
            return differences(site.ledger.totals(), kept)
        sent, rows = self._written(), sum(total.readings for total in kept.values())
        return [] if sent == rows else [f"{sent} readings in the topics, {rows} in the archive"]

    def _written(self) -> int:
        ids = {
            line["id"]
            for topic in ("home.readings", "site.readings")
            for line in self._topics.lines(topic)
            if DERIVED not in line["id"]
        }
        return len(ids)

    def result(self) -> Result:
        """The numbers so far."""
        raised, cleared = counts.alarm_changes(self._clickhouse)
        return Result(
            readings=(
                self._site.ledger.count() if self._site.knows_what_was_sent else self._written()
            ),
            alarms_raised=raised,
            alarms_cleared=cleared,
            ws_messages=self._site.subscriber.messages,
            clickhouse_rows=counts.archive_rows(self._clickhouse),
            series_points=self._points(),
            dead_letters=len(self._topics.dead_letters()),
        )


def complaints(result: Result, left_out: Sequence[str]) -> list[str]:
    """A line for every number that should be above zero and is not."""
    excused = {"series_points"} if "influxdb" in left_out else set()
    wanted = [name for name in result.as_dict() if name != "dead_letters" and name not in excused]
    return [f"{name} is 0" for name in wanted if result.as_dict()[name] == 0]
