"""The dashboards as pictures: their own queries on real engines with data.

    python -m tests.infra.grafana.picture docs

Its engines are those of `make test-infra`, whose programs must be on PATH.
"""

import contextlib
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from connectors.clickhouse.components import ClickHouse as Sink
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.writer import Inserter
from infra.embedded.clickhouse import ClickHouse
from infra.grafana.boards.all import BOARDS
from tests.connectors.recorder import Recorder
from tests.infra.grafana.data import (
    FIRST,
    LAST,
    PARIS,
    RULES,
    SUBJECTS,
    events,
    readings,
    transitions,
    windows,
    with_the_sun,
)
from tests.infra.grafana.expand import ALL, View, clickhouse, influxql
from tests.infra.grafana.influxdb import InfluxDB
from tests.infra.grafana.prometheus import Prometheus

Row = dict[str, Any]
COLUMN, LINE, GAP, TOP = 48, 30, 6, 44
INK, FAINT, EDGE = "#1b1f24", "#57606a", "#d0d7de"
COLOURS = ("#0969da", "#1a7f37", "#bc4c00", "#8250df", "#bf3989", "#9a6700", "#0a7ea4", "#cf222e")
NAMED = {"green": "#1a7f37", "orange": "#bc4c00", "red": "#cf222e", "blue": "#0969da"}
MOST_COLUMNS = 9
PARTS = re.compile(r"(?<=\d:\d\d:\d\d)\.\d+$")
AS_JSON = "FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = 0"


def picture(board: dict[str, Any], answers: dict[int, list[Row]]) -> str:
    """A dashboard with the answers to its panels, by their ids."""
    panels = [panel for panel in board["panels"] if panel["id"] in answers]
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    wide, high = 24 * COLUMN + 2 * GAP, bottom * LINE + TOP + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" role="img"'
        f' aria-label="{escape(board["title"])}" font-family="system-ui, sans-serif"'
        ' font-size="12">',
        f'<rect width="{wide}" height="{high}" fill="#f6f8fa"/>',
        _text(2 * GAP, 28, board["title"], size=18, weight=600),
    ]
    for panel in panels:
        place = panel["gridPos"]
        x, y = place["x"] * COLUMN + GAP, place["y"] * LINE + TOP
        w, h = place["w"] * COLUMN - GAP, place["h"] * LINE - GAP
        parts.append(
            f'<svg x="{x}" y="{y}" width="{w}" height="{h}"><rect width="{w}" height="{h}" rx="3"'
            f' fill="#ffffff" stroke="{EDGE}"/>{_text(10, 19, panel["title"], weight=600)}'
            f"{_inside(panel, answers[panel['id']], w, h)}</svg>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _inside(panel: dict[str, Any], rows: list[Row], w: float, h: float) -> str:
    if not rows:
        return _text(w / 2, h / 2 + 10, "No data", colour=FAINT, anchor="middle")
    draw = {"stat": _stat, "timeseries": _lines}.get(panel["type"], _table)
    return draw(panel, rows, w, h)


def _stat(panel: dict[str, Any], rows: list[Row], w: float, h: float) -> str:
    value = list(rows[-1].values())[-1]
    colour = INK
    for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
        if step["value"] is None or (isinstance(value, int | float) and value >= step["value"]):
            colour = NAMED.get(step["color"], step["color"])
    shown = _word(value, _unit(panel)) or "–"
    size = 32 if len(shown) < 12 else 18
    return _text(w / 2, h / 2 + 24, shown, size=size, colour=colour, anchor="middle", weight=600)


def _table(panel: dict[str, Any], rows: list[Row], w: float, h: float) -> str:
    names = list(rows[0])[:MOST_COLUMNS]
    step = (w - 20) / len(names)
    most = int(step / 7)
    parts = [_text(10 + n * step, 42, name, colour=FAINT) for n, name in enumerate(names)]
    for number, row in enumerate(rows[: int((h - 54) / 18)]):
        for n, name in enumerate(names):
            parts.append(_text(10 + n * step, 62 + 18 * number, _word(row[name], "short")[:most]))
    return "".join(parts)


def _lines(panel: dict[str, Any], rows: list[Row], w: float, h: float) -> str:
    courses = courses_of(rows)
    points = [point for course in courses.values() for point in course]
    first, last = min(at for at, _ in points), max(at for at, _ in points)
    low, high = min(0.0, *(v for _, v in points)), max(v for _, v in points)
    high = high if high > low else low + 1
    left, right, top, bottom = 52.0, w - 12, 32.0, h - 40

    def x(at: float) -> float:
        return left + (at - first) / max(last - first, 1) * (right - left)

    def y(value: float) -> float:
        return bottom - (value - low) / (high - low) * (bottom - top)

    parts = []
    for part in range(4):
        value = low + (high - low) * part / 3
        parts.append(f'<path d="M{left} {y(value):.1f}H{right:.1f}" stroke="{EDGE}"/>')
        shown = _number(value, _unit(panel))
        parts.append(_text(left - 5, y(value) + 4, shown, size=10, colour=FAINT, anchor="end"))
        at = first + (last - first) * part / 3
        said = datetime.fromtimestamp(at, PARIS).strftime("%d %b %H:%M")
        parts.append(_text(x(at), h - 25, said, size=10, colour=FAINT, anchor=_anchor(part)))
    place = left
    for number, (name, course) in enumerate(courses.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = f"M{x(course[0][0]):.1f} {y(course[0][1]):.1f}"
        path += "".join(f"L{x(at):.1f} {y(value):.1f}" for _, (at, value) in pairwise(course))
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.3"/>')
        if place < right - 60:
            parts.append(
                f'<rect x="{place:.0f}" y="{h - 15}" width="9" height="3" fill="{colour}"/>'
            )
            parts.append(_text(place + 13, h - 9, name, size=10))
            place += 30 + 6 * len(name)
    return "".join(parts)


def courses_of(rows: Sequence[Row]) -> dict[str, list[tuple[float, float]]]:
    """The courses of an answer, each as (epoch seconds, value): a column of numbers is one course,
    or one of each text beside it.
    """
    (time, *others) = rows[0]
    words = [name for name in others if isinstance(rows[0][name], str)]
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        at = datetime.fromisoformat(row[time].replace(" ", "T") + "+00:00").timestamp()
        of = " ".join(row[name] for name in words)
        for name in others:
            if name not in words and row[name] is not None:
                found.setdefault(of or name, []).append((at, float(row[name])))
    return {name: sorted(course) for name, course in found.items()}


def _anchor(part: int) -> str:
    return ("start", "middle", "middle", "end")[part]


def _unit(panel: dict[str, Any]) -> str:
    return str(panel["fieldConfig"]["defaults"]["unit"])


def _word(value: Any, unit: str) -> str:
    if isinstance(value, str):
        return PARTS.sub("", value)
    if isinstance(value, int | float):
        return _number(value, unit)
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _number(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    if unit == "s":
        return f"{value / 60:.3g} min" if value >= 120 else f"{value:.3g} s"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _text(
    x: float, y: float, text: str, size: int = 12, weight: int = 400, colour: str = INK,
    anchor: str = "start",
) -> str:  # fmt: skip
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{colour}"'
        f' text-anchor="{anchor}">{escape(text)}</text>'
    )


def answered_by_clickhouse(
    server: ClickHouse, database: str, board: dict[str, Any]
) -> dict[int, list[Row]]:
    """What the engine says to each panel of ClickHouse, over the days that it has."""
    choices = {"subject": SUBJECTS, "camera": SUBJECTS, "rule": RULES}
    view = View(
        FIRST, LAST - 1, 3600, {**choices, "timezone": ["Europe/Paris"]},
        {**dict.fromkeys(choices, (ALL,)), "timezone": ["Europe/Paris"]},
    )  # fmt: skip
    found: dict[int, list[Row]] = {}
    for panel in board["panels"]:
        if "rawSql" in panel["targets"][0]:
            text = clickhouse(panel["targets"][0]["rawSql"], view)
            lines = server.query(f"{text} {AS_JSON}", database).splitlines()
            found[panel["id"]] = [json.loads(line) for line in lines]
    return found


def answered_by_influxdb(server: InfluxDB, board: dict[str, Any]) -> dict[int, list[Row]]:
    """What the engine says to each panel, over the days that it has."""
    meters = list(dict.fromkeys(event.subject for event in windows()))
    chosen = {"subject": (ALL,), "timezone": ["Europe/Paris"]}
    view = View(FIRST, LAST - 1, 3600, {**chosen, "subject": meters}, chosen)
    return {
        panel["id"]: [
            {"time": utc(at / 1000), "subject": one["tags"]["subject"], "value": value}
            for one in server.query(influxql(panel["targets"][0]["query"], view))
            for at, value in one["values"]
            if value is not None
        ]
        for panel in board["panels"]
    }


def answered_by_prometheus(server: Prometheus, board: dict[str, Any]) -> dict[int, list[Row]]:
    """What the engine says to each panel, over the days that it has."""
    return {
        panel["id"]: [
            {"time": utc(at), "of": " ".join(one["metric"].values()), panel["title"]: float(value)}
            for one in server.query(panel["targets"][0]["expr"], FIRST + 3600, LAST - 60, 900)
            for at, value in one["values"]
        ]
        for panel in board["panels"]
    }


def utc(at: float) -> str:
    """Seconds of 1970 as ClickHouse writes a time."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def filled(server: ClickHouse, database: str) -> None:
    """Write what a site wrote in three days."""
    connection = ClickHouseConnection(url=f"{server.url}/{database}", password=server.password)
    for table, kind, rows in (
        ("readings", "readings", readings()),
        ("alarm_events", "alarms", transitions()),
        ("events", "events", events()),
    ):
        sink = Sink(table=table, kind=kind)
        Inserter(Recorder().context("history", connection), sink.declared()).insert(rows)


def main(folder: Path) -> None:
    """Write `board-NAME.svg` of each dashboard."""
    with tempfile.TemporaryDirectory(prefix="vigie-boards-") as made, contextlib.ExitStack() as up:
        place = Path(made)
        history = up.enter_context(ClickHouse(place / "clickhouse"))
        influxdb = up.enter_context(InfluxDB(place / "influxdb"))
        prometheus = up.enter_context(Prometheus(place / "prometheus"))
        for server in (history, influxdb, prometheus):
            server.wait_ready()
        filled(history, "boards")
        influxdb.fill(with_the_sun(windows()))
        others = {
            "energy": lambda board: answered_by_influxdb(influxdb, board),
            "health": lambda board: answered_by_prometheus(prometheus, board),
        }
        for name, board in BOARDS.items():
            ask = others.get(name, lambda board: answered_by_clickhouse(history, "boards", board))
            path = folder / f"board-{name}.svg"
            path.write_text(picture(board, ask(board)), encoding="utf-8")
            print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
