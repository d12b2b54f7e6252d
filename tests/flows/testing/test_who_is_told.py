"""Who is told what of alarms: masks, acknowledgements, groups, calendars and edits."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from flows.cli import main

FILE = Path(__file__).parents[2] / "data" / "who_is_told.yaml"
CASES: list[dict[str, Any]] = YAML(typ="safe").load(FILE)
WEBHOOK = {"connection": "pager", "path": "/p"}
SITE = {
    "vigie": 1,
    "site": "store",
    "timezone": "Europe/Paris",
    "connections": {"pager": {"url": "http://127.0.0.1:9"}},
}


def flow_of(case: dict[str, Any], alarms: dict[str, Any]) -> dict[str, Any]:
    only = {"only": case["only"]} if "only" in case else {}
    sinks = {"hook": {"from": "alarms", "webhook": dict(WEBHOOK), **only}}
    streams = {"r": {"from": "s", "steps": [{"drop": {"metric": "nothing"}}]}}
    if "calls" in case:
        streams["calls"] = {"from": "alarms", "steps": [{"notify": case["calls"]}]}
        sinks["c"] = {"from": "calls", "webhook": dict(WEBHOOK)}
    pages = {name: {"title": name, "owner": "user/a"} for name in ("one", "two")}
    return {
        "vigie": 1, "flow": "store", "pages": pages, "tables": case.get("tables", {}),
        "sources": {"s": {"topic": "s"}}, "streams": {**streams, **case.get("streams", {})},
        "alarms": alarms, "sinks": sinks,
    }  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_people_are_told_what_is_annunciated_to_them(case: dict[str, Any], tmp_path: Path) -> None:
    test = {"test": case["name"], "play": case["play"]}
    test |= {"start": case["start"]} if "start" in case else {}
    files = {
        "site": SITE,
        "flow": {**flow_of(case, case["alarms"]), "tests": [test]},
        "after": flow_of(case, case.get("after", {})),
    }
    for name, content in files.items():
        YAML().dump(content, tmp_path / f"{name}.yaml")

    result = CliRunner().invoke(main, ["test", str(tmp_path / "flow.yaml")])

    assert result.exit_code == 0, result.output
