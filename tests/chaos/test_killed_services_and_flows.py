"""The short form of the fault runs: every source and every sink, a few kills, and each service
away for three seconds.
"""

import sys
from pathlib import Path

import pytest

from infra.embedded.stack import Stack
from tests.chaos import chain
from tests.chaos.faults import SHORT
from tests.chaos.paths import SINKS, SOURCES
from tests.chaos.run import SERVICES, run
from tests.chaos.sinks import whole
from tests.chaos.sinks.table import table as sinks_table
from tests.chaos.table import table
from tests.conftest import require

pytestmark = [pytest.mark.service, pytest.mark.system]


@pytest.mark.slow
def test_no_source_and_no_sink_loses_or_doubles_an_event_whatever_is_killed_or_stopped(
    tmp: Path,
) -> None:
    for service in Stack(tmp, SERVICES).services.values():
        require(type(service))
    rows, troubles = run(SHORT, list(SOURCES), lambda words: print(words, file=sys.stderr))
    assert len(rows) == len(SOURCES) * len(SINKS)
    assert all(row.good for row in rows), table([row for row in rows if not row.good])
    assert troubles == []


@pytest.mark.slow
def test_every_event_and_alarm_transition_is_stored_once_although_two_flows_are_killed(
    tmp: Path,
) -> None:
    for service in Stack(tmp, ["redpanda", "clickhouse", "mqtt"]).services.values():
        require(type(service))
    rows = chain.rows(tmp, count=6_000, kills=2, rate=2_000, seed=1)
    assert all(row.good for row in rows), table(rows)


@pytest.mark.slow
def test_no_sink_in_trouble_holds_up_an_alarm_or_loses_or_doubles_anything(tmp: Path) -> None:
    """Every other sink has the alarms before the trouble of one of them is over."""
    for service in Stack(tmp, SERVICES).services.values():
        require(type(service))
    sinks = ["clickhouse", "email"]
    rows = whole.run(sinks, 1.0, 20.0, lambda words: print(words, file=sys.stderr))
    assert all(row.good for row in rows), sinks_table(rows)
    assert sum(row.dead_letters for row in rows if "poison" not in row.words) == 0
