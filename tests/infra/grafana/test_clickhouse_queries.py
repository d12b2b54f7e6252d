"""Every query of ClickHouse in the dashboards, on a real engine, as the plugin sends it."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from connectors.clickhouse.components import ClickHouse as Sink
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.writer import Inserter
from infra.embedded.clickhouse import ClickHouse
from infra.grafana.boards.all import BOARDS
from infra.grafana.panels import TIME_SERIES
from tests.connectors.recorder import Recorder
from tests.infra.grafana.data import (
    AFTER,
    CHANGE,
    FIRST,
    LAST,
    ODD,
    RULES,
    SUBJECTS,
    events,
    readings,
    transitions,
)
from tests.infra.grafana.expand import ALL, View, clickhouse

pytestmark = [pytest.mark.infra, pytest.mark.service]

QUERIES = [
    pytest.param(panel, target, id=f"{name}-{panel['title']}")
    for name, board in BOARDS.items()
    for panel in board["panels"]
    for target in panel["targets"]
    if "rawSql" in target
]
VARIABLES = [
    pytest.param(board, variable, id=f"{name}-{variable['name']}")
    for name, board in BOARDS.items()
    for variable in board["templating"]["list"]
    if isinstance(variable["query"], dict)
]
CHOICES = {"subject": SUBJECTS, "camera": SUBJECTS, "rule": RULES, "timezone": ["Europe/Paris"]}
ALWAYS_A_ROW = {"stat"}
NOW = {"Standing alarms", "Not acknowledged"}
"""Panels that show the present, whatever the span."""

Ask = Callable[[str, View], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def ask(clickhouse_of_the_site: tuple[ClickHouse, str]) -> Ask:
    server, database = clickhouse_of_the_site

    def asked(text: str, view: View) -> list[dict[str, Any]]:
        answer = server.query(f"{clickhouse(text, view)} FORMAT JSONEachRow", database)
        return [json.loads(line) for line in answer.splitlines()]

    return asked


@pytest.fixture(scope="module")
def clickhouse_of_the_site(clickhouse: ClickHouse) -> tuple[ClickHouse, str]:
    database = "grafana_dashboards"
    connection = ClickHouseConnection(
        url=f"{clickhouse.url}/{database}", password=clickhouse.password
    )
    for table, kind, rows in (
        ("readings", "readings", readings()),
        ("alarm_events", "alarms", transitions()),
        ("events", "events", events()),
    ):
        sink = Sink(table=table, kind=kind)
        recorder = Recorder()
        Inserter(recorder.context("history", connection), sink.declared()).insert(rows)
        assert recorder.letters == []
    return clickhouse, database


def view(start: float, end: float, interval: int = 60, **chosen: Sequence[str]) -> View:
    everything = {name: [ALL] for name in ("subject", "camera", "rule")}
    return View(
        start, end, interval, CHOICES, {**everything, "timezone": ["Europe/Paris"], **chosen}
    )


def one(panel: dict[str, Any], name: str = "") -> dict[str, Sequence[str]]:
    return {"subject": [name or ODD], "camera": [name or ODD], "rule": [RULES[1]]}


@pytest.mark.parametrize(("panel", "target"), QUERIES)
def test_a_panel_shows_rows_of_the_span_and_none_of_an_empty_one(
    panel: dict[str, Any], target: dict[str, Any], ask: Ask
) -> None:
    rows = ask(target["rawSql"], view(FIRST, LAST - 1, 3600))
    if panel["title"] != "Standing alarms" or panel["type"] != "table":
        assert rows, "no row where there are data"
    columns = list(rows[0]) if rows else []
    if target["format"] == TIME_SERIES:
        assert columns[0] in ("bucket", "time")
        times = [row[columns[0]] for row in rows]
        assert times == sorted(times), "the plugin needs rows in the order of time"
        assert all(isinstance(row[columns[-1]], int | float | str) for row in rows)
    empty = ask(target["rawSql"], view(FIRST - 86_400 * 60, FIRST - 86_400 * 50))
    if panel["title"] in NOW:
        return
    if panel["type"] in ALWAYS_A_ROW:
        assert len(empty) <= 1 and all(not value for row in empty for value in row.values())
    else:
        assert empty == []


@pytest.mark.parametrize(("panel", "target"), QUERIES)
def test_a_panel_takes_one_name_with_quotes_in_it_and_a_year(
    panel: dict[str, Any], target: dict[str, Any], ask: Ask
) -> None:
    text = target["rawSql"]
    chosen = ask(text, view(FIRST, LAST, 3600, **one(panel)))
    everything = ask(text, view(FIRST, LAST, 3600))
    if "conditionalAll" in text:
        assert len(chosen) <= len(everything)
        if panel["title"] not in ("Warmest", "Coldest", "Dampest"):
            assert chosen and chosen != everything
    several = ask(text, view(FIRST, LAST, 3600, subject=SUBJECTS, camera=SUBJECTS, rule=RULES))
    assert several == everything
    ask(text, view(FIRST - 86_400 * 300, LAST, 4 * 3600))


@pytest.mark.parametrize(("board", "variable"), VARIABLES)
def test_a_variable_offers_every_name_of_the_span(
    board: dict[str, Any], variable: dict[str, Any], ask: Ask
) -> None:
    rows = ask(variable["query"]["rawSql"], view(FIRST, LAST))
    assert [next(iter(row.values())) for row in rows] == sorted(CHOICES[variable["name"]])


def query_of(board: str, title: str) -> str:
    panels = [panel for panel in BOARDS[board]["panels"] if panel["title"] == title]
    return str(panels[-1]["targets"][0]["rawSql"])


def test_the_day_of_the_clock_change_has_twenty_five_hours(ask: Ask) -> None:
    rows = ask(query_of("alarms", "Alarms of each day"), view(FIRST, LAST - 1))
    assert [(row["day"], int(row["alarms"])) for row in rows] == [
        ("2026-10-24", 24), ("2026-10-25", 25), ("2026-10-26", 24),
    ]  # fmt: skip
    hours = ask(query_of("cameras", "Events by hour of the day"), view(CHANGE, AFTER - 1))
    assert {row["hour"]: int(row["events"]) for row in hours}["2"] == 2
    assert sum(int(row["events"]) for row in hours) == 25


def test_the_first_bucket_holds_only_readings_of_the_span(ask: Ask) -> None:
    rows = ask(query_of("site", "Readings"), view(FIRST + 1800, LAST, 7200, subject=["rack"]))
    assert int(rows[0]["readings"]) == 3  # of its two hours one lies in the span


def test_the_standing_alarms_are_those_that_are_not_over(ask: Ask) -> None:
    assert ask(query_of("site", "Standing alarms"), view(FIRST, LAST)) == []
    (row,) = ask(query_of("site", "Not acknowledged"), view(FIRST, LAST))
    assert int(row["alarms"]) == 0
