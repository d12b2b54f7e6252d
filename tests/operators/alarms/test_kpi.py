"""The figures of EEMUA 191, counted from transitions as they come."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from operators.alarms.kpi import Kpis
from operators.alarms.kpi_figures import Flood
from operators.events import AlarmTransition
from operators.model.saved_state import decode, encode

HOUR = 3600.0
DAY = 86_400.0


class Log:
    """Transitions of alarms, made by name."""

    def __init__(self, keep: float | None = None, zone: str = "UTC") -> None:
        self.kpis = Kpis(keep, ZoneInfo(zone))
        self._n = 0

    def add(
        self, event: str, time: float, subject: str = "a", flags: str = "", **fields: Any
    ) -> None:
        self._n += 1
        given: dict[str, Any] = {"rule": "f/hot", "annunciate": False, "recorded": time, **fields}
        self.kpis.see(
            AlarmTransition(
                id=str(self._n), time=time, alarm="hot", subject=subject, occ=1, seq=self._n,
                event=event,
                change=event, state="", isa="A", flags=flags.split(), **given,
            )
        )  # fmt: skip

    def raised(self, time: float, subject: str = "a", **fields: Any) -> None:
        self.add("activated", time, subject, "active unacked", **{"annunciate": True, **fields})

    def returned(self, time: float, subject: str = "a", flags: str = "unacked") -> None:
        self.add("returned", time, subject, flags)


def test_the_rate_and_the_largest_bins_hours_and_days() -> None:
    log = Log()
    for n in range(12):
        log.raised(HOUR + n * 10, f"s{n}")
    log.raised(2 * HOUR - 1)
    log.add("activated", HOUR, "masked", "active unacked shelved:timed")
    figures = log.kpis.figures(0.0, DAY)
    assert (figures.annunciated, figures.masked) == (13, 1)
    assert figures.rate == pytest.approx(13 / 144)
    assert (figures.peak, figures.hourly, figures.daily) == (12, 13, 13)
    assert figures.overloaded == pytest.approx(1 / 144)


def test_a_day_is_the_sites_and_has_25_hours_as_the_clock_is_set_back() -> None:
    log = Log(zone="Europe/Paris")
    midnight = datetime(2026, 10, 25, tzinfo=ZoneInfo("Europe/Paris")).timestamp()
    for hour in (-1, 0, 24, 25):
        log.raised(midnight + hour * HOUR, f"s{hour}")
    assert log.kpis.figures(midnight - DAY, midnight + 2 * DAY).daily == 2


def test_a_flood_opens_above_ten_and_closes_below_five() -> None:
    log = Log()
    for number, alarms in enumerate((3, 11, 7, 5, 4, 9)):
        for n in range(alarms):
            log.raised(600.0 * number + n, f"s{number}.{n}")
    figures = log.kpis.figures(0.0, HOUR)
    assert figures.floods == (Flood(600.0, 2400.0, 23),)
    assert figures.in_flood == pytest.approx(0.5)


def test_a_flood_ends_with_the_first_empty_bin_or_the_period() -> None:
    log = Log()
    for n in range(11):
        log.raised(0.0 + n, f"s{n}")
        log.raised(3000.0 + n, f"s{n}")
    assert log.kpis.figures(0.0, HOUR).floods == (Flood(0.0, 600.0, 11), Flood(3000.0, 3600.0, 11))


@pytest.mark.parametrize(("third", "chatters"), [(60.0, True), (60.5, False)])
def test_three_activations_in_a_minute_are_chattering_whether_heard_or_not(
    third: float, chatters: bool
) -> None:
    log = Log()
    for time in (0.0, 30.0, third):
        log.raised(time, annunciate=False)
    assert bool(log.kpis.figures(0.0, HOUR).chattering) is chatters


def test_an_occurrence_shorter_than_ten_seconds_is_fleeting() -> None:
    log = Log()
    for subject, end in (("short", 9.9), ("long", 10.0)):
        log.raised(0.0, subject)
        log.returned(end, subject)
    figures = log.kpis.figures(0.0, 600.0)
    assert (figures.fleeting, figures.fleeting_share) == (1, 0.5)


def test_what_stands_longer_than_a_day_is_stale_unless_masked() -> None:
    log = Log()
    log.raised(0.0, "old")
    log.raised(0.0, "shelved")
    log.add("shelved", 1.0, "shelved", "active unacked shelved:timed")
    log.raised(DAY, "new")
    figures = log.kpis.figures(0.0, DAY + 1)
    assert figures.standing == 2
    assert figures.stale == (("f/hot", "old"),)
    assert figures.shelved == 1


def test_the_time_to_acknowledge_runs_from_the_first_annunciation() -> None:
    log = Log()
    for n in range(1, 21):
        log.raised(0.0, f"s{n}")
        log.add("acked", float(n), f"s{n}", "active")
    log.add("activated", 0.0, "masked", "active unacked suppressed")
    log.add("unsuppressed", 50.0, "masked", "active unacked", annunciate=True)
    log.add("acked", 250.0, "masked", "active")
    log.add("activated", 0.0, "automatic", "active", annunciate=True)
    figures = log.kpis.figures(0.0, HOUR)
    assert (figures.ack_median, figures.ack_95, figures.acked) == (11.0, 20.0, 21)


def test_what_returns_unacknowledged_is_censored_for_good() -> None:
    log = Log()
    log.raised(0.0)
    log.returned(5.0)
    log.add("acked", 90.0)
    figures = log.kpis.figures(0.0, HOUR)
    assert (figures.censored, figures.acked, figures.ack_median) == (1, 0, None)


def test_the_ten_worst_rules_and_their_share() -> None:
    log = Log()
    for rule in range(12):
        for n in range(rule + 1):
            log.raised(float(n), "a", rule=f"f/r{rule:02}", priority="low" if rule < 6 else "high")
    figures = log.kpis.figures(0.0, HOUR)
    assert figures.top_rules[0] == ("f/r11", 12)
    assert len(figures.top_rules) == 10
    assert figures.top_share == pytest.approx(75 / 78)
    assert figures.priorities == {"low": 21, "high": 57}


def test_shelves_that_last_and_are_renewed() -> None:
    log = Log()
    for n in range(4):
        log.add("shelved", n * 100.0, "a", "shelved:timed")
    assert log.kpis.figures(0.0, HOUR).renewed == (("f/hot", "a"),)
    log.add("unshelved", 400.0)
    figures = log.kpis.figures(0.0, HOUR)
    assert (figures.longest_shelve, figures.renewed) == (400.0, ())


def test_repeats_and_escalations_are_counted() -> None:
    log = Log()
    log.raised(0.0)
    log.add("realarmed", 1.0, flags="active unacked", annunciate=True)
    log.add("escalated", 2.0, flags="active unacked", annunciate=True)
    figures = log.kpis.figures(0.0, HOUR)
    assert (figures.annunciated, figures.realarmed, figures.escalated) == (1, 1, 1)


def test_nothing_gives_no_shares() -> None:
    figures = Kpis().figures(0.0, HOUR)
    assert (figures.rate, figures.top_share, figures.fleeting_share, figures.ack_95) == (
        0.0,
        None,
        None,
        None,
    )


def test_a_restart_keeps_the_figures() -> None:
    log, again = Log(), Kpis()
    for n in range(15):
        log.raised(n * 10.0, f"s{n % 4}", priority="high")
    log.add("acked", 200.0, "s1", "active")
    log.add("shelved", 210.0, "s2", "active shelved:timed")
    again.restore(decode(encode(log.kpis.snapshot())))
    assert again.figures(0.0, HOUR) == log.kpis.figures(0.0, HOUR)
    assert again.since == 0.0


def test_a_process_that_runs_for_long_keeps_a_day_only() -> None:
    log = Log(keep=DAY)
    for n in range(3000):
        log.raised(n * 600.0, f"s{n}")
        log.returned(n * 600.0 + 60, f"s{n}", flags="")
    assert len(log.kpis._bins) <= 146
    assert len(log.kpis._alarms) < 1200
