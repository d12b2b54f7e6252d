"""The pictures of dashboards in the documentation."""

from html import escape
from pathlib import Path

import pytest

from infra.grafana.boards.all import BOARDS
from tests.infra.grafana.picture import courses_of, picture

DOCS = Path(__file__).parents[3] / "docs"
DRAWN = [
    name
    for name, board in BOARDS.items()
    if any("rawSql" in target for panel in board["panels"] for target in panel["targets"])
]


@pytest.mark.parametrize("name", DRAWN)
def test_a_dashboard_is_shown_as_it_is_now(name: str) -> None:
    shown = (DOCS / f"board-{name}.svg").read_text()
    for panel in BOARDS[name]["panels"]:
        is_drawn = "rawSql" in panel["targets"][0]
        assert (f">{escape(panel['title'])}<" in shown) == is_drawn, (
            "run: python -m tests.infra.grafana.picture docs"
        )
    assert f"board-{name}.svg" in (DOCS / "dashboards.md").read_text()


def test_a_course_is_a_column_of_numbers_or_one_of_each_text() -> None:
    rows = [
        {"bucket": "2026-10-24 10:00:00", "of": "rack", "n": 2},
        {"bucket": "2026-10-24 09:00:00", "of": "rack", "n": 1},
        {"bucket": "2026-10-24 09:00:00", "of": "door", "n": None},
    ]
    assert courses_of(rows) == {"rack": [(1792832400.0, 1.0), (1792836000.0, 2.0)]}
    [row] = (courses_of([{"time": "2026-10-24 09:00:00.5", "mean": 2.5, "most": 3}]).items(),)
    assert dict(row) == {"mean": [(1792832400.5, 2.5)], "most": [(1792832400.5, 3.0)]}


def test_every_kind_of_panel_is_drawn_with_and_without_rows() -> None:
    board = BOARDS["site"]
    ids = [panel["id"] for panel in board["panels"]]
    assert picture(board, {id: [] for id in ids}).count("No data") == len(ids)
    row = {"time": "2026-10-24 09:00:00", "<name>": "a & b", "n": 0.5}
    drawn = picture(board, {id: [row] for id in ids})
    assert "&lt;name&gt;" in drawn and "a &amp; b" in drawn and "No data" not in drawn
