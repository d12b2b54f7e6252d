"""Dashboards as Grafana reads them from files."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from infra.grafana.boards.all import BOARDS, FOLDER, written
from tests.infra.grafana.expand import ALL, View, clickhouse, influxql

PROVISIONING = FOLDER.parent / "provisioning"
SOURCES = YAML(typ="safe").load(PROVISIONING / "datasources" / "vigie.yaml")["datasources"]
every = pytest.mark.parametrize("name", BOARDS)


def test_the_files_are_what_the_code_says() -> None:
    kept = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert kept == written(), "run: python -m infra.grafana"


@every
def test_a_dashboard_can_be_provisioned(name: str) -> None:
    board = BOARDS[name]
    text = json.dumps(board)
    assert board["id"] is None and board["uid"].startswith("vigie-") and len(board["uid"]) <= 40
    assert "__inputs" not in board and "version" not in board and not board["editable"]
    uids = {source["uid"]: source["type"] for source in SOURCES}
    for source in re.findall(r'"datasource": (\{[^}]*\})', text):
        found = json.loads(source)
        assert uids[found["uid"]] == found["type"]


@every
def test_panels_have_places_of_their_own(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARDS[name]["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24 and not cells & taken
        taken |= cells
    ids = [panel["id"] for panel in BOARDS[name]["panels"]]
    assert len(set(ids)) == len(ids)


@every
def test_variables_are_declared_before_they_are_used(name: str) -> None:
    declared = {variable["name"] for variable in BOARDS[name]["templating"]["list"]}
    used: set[str] = set()
    for panel in BOARDS[name]["panels"]:
        for target in panel["targets"]:
            text = target.get("rawSql") or target.get("query") or ""
            used |= set(re.findall(r"\$\{?(?!__|timeFilter)(\w+)", text))
    assert used == declared


def test_data_sources_keep_their_identity_and_hold_no_password() -> None:
    assert {source["uid"] for source in SOURCES} == {
        "vigie-clickhouse", "vigie-influxdb", "vigie-prometheus",
    }  # fmt: skip
    for source in SOURCES:
        assert source["orgId"] == 1 and source["editable"] is False
        for value in source.get("secureJsonData", {}).values():
            assert re.fullmatch(r"\$__file\{/run/secrets/\w+\}", value)


def test_the_home_of_grafana_is_one_of_them() -> None:
    compose: dict[str, Any] = YAML(typ="safe").load(
        Path(__file__).parents[3] / "infra" / "compose" / "compose.yaml"
    )
    home = compose["services"]["grafana"]["environment"][
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"
    ]
    assert (FOLDER / Path(home).name).exists()


def test_macros_are_expanded_as_the_plugin_does() -> None:
    view = View(10.5, 20.25, 5, {"s": ["a", "it's"]}, {"s": ["it's"]})
    text = "$__timeFilter_ms(t) AND $__conditionalAll(s IN (${s:singlequote}), $s)"
    span = "t >= fromUnixTimestamp64Milli(10500) AND t <= fromUnixTimestamp64Milli(20250)"
    assert clickhouse(text, view) == f"{span} AND s IN ('it\\'s')"
    everything = View(10.5, 20.25, 5, {"s": ["a", "it's"]}, {"s": [ALL]})
    assert clickhouse(text, everything) == f"{span} AND 1=1"
    assert influxql("/^${s:regex}$/ $timeFilter", everything) == (
        "/^(a|it's)$/ time >= 10500ms and time <= 20250ms"
    )
