"""Every query of InfluxDB in the dashboards, on a real engine that speaks InfluxQL."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.grafana.boards.all import BOARDS
from tests.infra.grafana.data import AFTER, CHANGE, FIRST, LAST, ODD, windows
from tests.infra.grafana.expand import ALL, View, influxql
from tests.infra.grafana.influxdb import InfluxDB
from tests.infra.tools import program

pytestmark = [pytest.mark.infra, pytest.mark.service]

QUERIES = [
    pytest.param(panel, panel["targets"][0]["query"], id=f"{name}-{panel['title']}")
    for name, board in BOARDS.items()
    for panel in board["panels"]
    if panel["datasource"]["type"] == "influxdb"
]
METERS = (ODD, "mains")


@pytest.fixture(scope="module")
def influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    program("influxd")
    folder: Path = tmp_path_factory.mktemp("influxdb")
    with InfluxDB(folder) as server:
        server.wait_ready()
        server.fill(windows())
        yield server


def view(start: float, end: float, interval: int = 3600, chosen: Sequence[str] = (ALL,)) -> View:
    choices = {"subject": METERS, "timezone": ["Europe/Paris"]}
    return View(start, end, interval, choices, {"subject": chosen, "timezone": ["Europe/Paris"]})


def values(series: list[dict[str, Any]]) -> list[Any]:
    return [row[1] for one in series for row in one["values"] if row[1] is not None]


@pytest.mark.parametrize(("panel", "query"), QUERIES)
def test_a_panel_shows_the_span_and_nothing_of_an_empty_one(
    panel: dict[str, Any], query: str, influxdb: InfluxDB
) -> None:
    found = influxdb.query(influxql(query, view(FIRST, LAST - 1)))
    assert values(found) and all("subject" in one["tags"] for one in found)
    alias = panel["targets"][0]["alias"]
    assert alias == "$tag_subject"
    assert values(influxdb.query(influxql(query, view(FIRST - 9e6, FIRST - 8e6)))) == []


@pytest.mark.parametrize(("panel", "query"), QUERIES)
def test_a_panel_takes_one_name_with_quotes_in_it_and_a_year(
    panel: dict[str, Any], query: str, influxdb: InfluxDB
) -> None:
    one = influxdb.query(influxql(query, view(FIRST, LAST - 1, chosen=[ODD])))
    if "${subject" in query:
        assert {series["tags"]["subject"] for series in one} == {ODD}
        everything = influxdb.query(influxql(query, view(FIRST, LAST - 1)))
        assert {series["tags"]["subject"] for series in everything} == set(METERS)
    influxdb.query(influxql(query, view(LAST - 365 * 86_400, LAST, 6 * 3600)))


def test_the_variable_offers_every_meter(influxdb: InfluxDB) -> None:
    (variable, _) = BOARDS["energy"]["templating"]["list"]
    (series,) = influxdb.query(variable["query"])
    assert sorted(row[1] for row in series["values"]) == sorted(METERS)


def test_the_day_of_the_clock_change_has_the_energy_of_twenty_five_hours(
    influxdb: InfluxDB,
) -> None:
    (panel,) = [one for one in BOARDS["energy"]["panels"] if one["title"] == "Energy of each day"]
    text = influxql(panel["targets"][0]["query"], view(FIRST, LAST - 1, chosen=["mains"]))
    (series,) = influxdb.query(text)
    days = {row[0] / 1000: row[1] for row in series["values"]}
    assert list(days) == [FIRST, CHANGE, AFTER]
    assert days[FIRST] == pytest.approx(24, abs=0.02)
    assert days[CHANGE] == pytest.approx(25, abs=0.02)
