"""What stands on standard error when the engine is ended by a part of the dataflow."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from infra.embedded.broker import Broker
from tests.flow_process import FlowProcess
from tests.flows.running import site_of, write
from tests.flows.runtime.failing import MESSAGE, PARTS
from tests.waiting import PATIENCE, wait_until

BODY = """\
sources: {rack: {simulate: {every: 10ms, signals: {rack/temperature: {drift: 19..27 °C}}}}}
streams: {hot: {from: rack, steps: [deduplicate: 1s]}}
sinks: {log: {from: hot, topic: NAME.out}}
"""


def said_by(part: str, error: str, definition: Path, site: Path, data: Path) -> tuple[int, str]:
    """Exit code and standard error of a flow in which `part` raises `error`."""
    command = [
        *(sys.executable, "-m", "tests.flows.runtime.failing", part, error),
        *("run", str(definition), "--site", str(site), "--data", str(data)),
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "RUST_BACKTRACE": "1"},
    )
    return done.returncode, done.stderr


def without_log_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if " INFO " not in line]


@pytest.fixture
def place(broker: Broker, tmp: Path, unique: str) -> tuple[Path, Path, Path]:
    """A definition, its site file and a data folder."""
    site = site_of(tmp, redpanda={"brokers": [broker.address], "idempotence": False})
    return write(tmp, "racks", BODY.replace("NAME", unique)), site, tmp / "data"


@pytest.mark.parametrize("part", PARTS)
def test_a_refusal_of_any_part_is_one_message(part: str, place: tuple[Path, Path, Path]) -> None:
    code, said = said_by(part, "ConnectorError", *place)

    assert without_log_lines(said) == [f"{place[0]}: {MESSAGE}"]
    assert code == 70


@pytest.mark.parametrize(
    ("error", "exit_code", "says"),
    [
        ("NotRunnable", 1, MESSAGE),
        ("StateError", 1, MESSAGE),
        (
            "Stopped",
            75,
            "stopped before everything was written, the next start does it again: " + MESSAGE,
        ),
    ],
)
def test_the_exit_code_is_that_of_the_refusal(
    error: str, exit_code: int, says: str, place: tuple[Path, Path, Path]
) -> None:
    code, said = said_by("writing", error, *place)

    assert (code, without_log_lines(said)) == (exit_code, [f"{place[0]}: {says}"])


def test_a_fault_is_shown_with_the_engines_backtrace_and_pythons(
    place: tuple[Path, Path, Path],
) -> None:
    code, said = said_by("step", "KeyError", *place)

    assert code == 70
    assert "panicked at" in said and "stack backtrace:" in said
    assert "ended by a fault; please report it with these lines" in said
    assert "Traceback (most recent call last)" in said
    assert f'KeyError: "{MESSAGE}"' in said


def test_a_sink_that_cannot_be_closed_is_said_when_the_flow_ends_as_asked(
    place: tuple[Path, Path, Path],
) -> None:
    program = ("tests.flows.runtime.failing", "closing a sink", "ConnectorError")
    with FlowProcess(*place, program=program) as flow:
        wait_until(lambda: "log is up" in flow.log.read_text(), what="a record")
        assert flow.stop() == 70
    assert without_log_lines(flow.log.read_text()) == [f"{place[0]}: {MESSAGE}"]


def test_a_recovery_store_that_fails_is_one_message(place: tuple[Path, Path, Path]) -> None:
    with FlowProcess(*place) as flow:
        store = next(place[2].rglob("recovery-*/*.sqlite3"))
        with closing(sqlite3.connect(store, timeout=20)) as database:
            database.executescript("DROP TABLE snaps")
        assert flow.ended() == 70

    (said,) = without_log_lines(flow.log.read_text())
    assert said.startswith(f"{place[0]}: the recovery store {store.parent} can no longer be")
    assert "no such table: snaps" in said and "the next start goes on" in said
