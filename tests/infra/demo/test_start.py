"""How the demo starts: its folder, and definitions for a machine that lacks services."""

import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from infra.demo.__main__ import MARK, Refused, claim
from infra.demo.result import Result, complaints
from infra.demo.site import DEFINITIONS
from infra.demo.variants import without

pytestmark = pytest.mark.service


def test_a_folder_with_something_else_in_it_is_never_emptied(tmp: Path) -> None:
    (tmp / "thesis.txt").write_text("three years")
    with pytest.raises(
        Refused, match="holds something that no demo made; choose another folder with --data"
    ):
        claim(tmp)
    assert (tmp / "thesis.txt").read_text() == "three years"


def test_the_folder_of_an_earlier_demo_is_emptied(tmp: Path) -> None:
    with claim(tmp / "demo"):
        (tmp / "demo" / "energy").mkdir()
        (tmp / "demo" / "energy" / "state").write_text("old")
        (tmp / "demo" / "file").write_text("old")
    with claim(tmp / "demo"):
        assert [path.name for path in (tmp / "demo").iterdir()] == [MARK]


def test_two_demos_do_not_share_a_folder(tmp: Path) -> None:
    with claim(tmp / "demo"), pytest.raises(Refused, match=r"a demo runs in .* already"):
        claim(tmp / "demo")


def test_the_command_says_why_it_does_not_start(tmp: Path) -> None:
    (tmp / "thesis.txt").write_text("three years")
    command = [sys.executable, "-m", "infra.demo", "--data", str(tmp), "--seconds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no demo made" in done.stderr


def test_with_all_services_the_shipped_definitions_run_as_they_are(tmp: Path) -> None:
    for definition in DEFINITIONS.glob("*.yaml"):
        if definition.stem in ("energy", "archive", "server_room"):
            assert without(definition, (), tmp) == (definition, [])


def test_without_a_service_its_sinks_are_left_out_and_that_is_said(tmp: Path) -> None:
    copy, changes = without(DEFINITIONS / "energy.yaml", ["influxdb", "mqtt"], tmp)
    document = YAML(typ="safe", pure=True).load(copy)
    assert set(document["sinks"]) == {"log"}
    assert document["alarms"]["overload"]["when"]["for"] == "10s"
    assert document["alarms"]["overload"]["when"]["above"] == "6 kW"
    assert [change.split(" ", 1)[0] for change in changes] == ["energy:"] * 3
    assert "series (influxdb) is left out" in changes[0]


def test_only_the_sinks_of_the_missing_service_are_left_out(tmp: Path) -> None:
    copy, changes = without(DEFINITIONS / "server_room.yaml", ["email"], tmp)
    assert "mail" not in YAML(typ="safe", pure=True).load(copy)["sinks"]
    assert changes == ["server_room: sink mail (email) is left out"]


def test_every_number_but_the_dead_letters_must_be_above_zero() -> None:
    good = Result(10, 1, 1, 10, 10, 5, 0)
    assert complaints(good, []) == []
    assert complaints(Result(10, 0, 1, 10, 10, 0, 3), []) == [
        "alarms_raised is 0",
        "series_points is 0",
    ]
    assert complaints(Result(10, 1, 1, 10, 10, 0, 0), ["influxdb"]) == []
    assert list(good.as_dict()) == [
        "readings", "alarms_raised", "alarms_cleared", "ws_messages", "clickhouse_rows",
        "series_points", "dead_letters",
    ]  # fmt: skip
