"""Saved states of every version: a flow goes on from them as if it had never stopped."""

import functools
import shutil
import sqlite3
import tarfile
import tempfile
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from connectors.runtime.private_files import unpack
from flows.dataflow.shard_state import load
from flows.language.catalogue import OPERATORS
from flows.runtime.saved_state.envelope import check_envelope, unwrap
from flows.runtime.saved_state.row_pickle import bytes_of
from flows.runtime.saved_state.stores import read, stores, upgrade
from operators.events import AlarmTransition, Event, Occurrence
from tests.faults import killed_after_each_effect
from tests.flows.runtime.saved_state import history
from tests.flows.runtime.saved_state.make import DEFINITION, PACKED, half_of
from tests.flows.runtime.saved_state.play import DATA as SOURCES
from tests.flows.runtime.saved_state.play import Play, plan_at

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[3] / "data" / "state"
VERSIONS = sorted(path.parent for path in DATA.glob(f"*/{PACKED}"))


NOTIFY_KNEW = ("alarm", "subject", "priority", "change", "message", "since")
"""What version 2 of `notify` kept of an alarm as this one does."""


def by_sink(play: Play, notify: int) -> dict[str, list[Event]]:
    """What reached each sink.

    Of an alarm `recorded` is left out, which is the wall clock's, and the value at its start, which
    states of format 1 did not keep. Version 1 of `notify`, which saved the state, told other
    notifications; of those of version 2 counts what it kept of an alarm.
    """
    found: dict[str, list[Event]] = defaultdict(list)
    for sink, event in play.made:
        if isinstance(event, Occurrence) and event.type == "notification":
            if notify < 2:
                continue
            event = event if notify > 2 else as_version_2_knew(event)
        if isinstance(event, AlarmTransition):
            event = msgspec.structs.replace(event, recorded=event.time, first_value=None, told=[])
        found[sink].append(event)
    return found


def as_version_2_knew(event: Occurrence) -> Occurrence:
    """A notification without the values of what version 2 of `notify` did not keep."""
    data = dict(event.data)
    data["text"] = str(data["text"]).partition("\n")[0]
    for key in ("raised", "over"):
        for one in data[key]:
            assert {"value", "condition", "first_value", "response", "link"} < set(one)
        data[key] = [{name: one[name] for name in NOTIFY_KNEW} for one in data[key]]
    return msgspec.structs.replace(event, data=data)


@functools.cache
def never_killed(definition: bytes, given: bytes) -> Play:
    """A run over a whole history, encoded as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "flow.yaml"
        file.write_bytes(definition)
        batches = msgspec.json.decode(given, type=list[history.Given])
        play = Play(plan_at(file), batches, Path(folder) / "state", len(batches))
        play.run()
    return play


@pytest.fixture(params=VERSIONS, ids=lambda version: version.name)
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """The folder of a version, and what it packed, unpacked."""
    with tarfile.open(request.param / PACKED) as archive:
        unpack(archive, tmp_path)
    return request.param, tmp_path


def test_a_flow_goes_on_from_the_state_of_every_version_as_if_it_had_not_been_killed(
    saved: tuple[Path, Path],
) -> None:
    version, unpacked = saved
    plan = plan_at(version / "flow.yaml")
    given = history.load(unpacked / "history.jsonl")

    saved_steps = load(unwrap(read(stores(unpacked / "state")[0], plan.flow).shards["0"], "shard"))
    notify = saved_steps.steps["everything/notices/notify"].version

    resumed = Play(plan, given, unpacked / "state", len(given))
    resumed.run()
    whole = never_killed((version / "flow.yaml").read_bytes(), msgspec.json.encode(given))

    assert (resumed.begun, whole.begun) == (half_of(given), 2)
    expected, found = by_sink(whole, notify), by_sink(resumed, notify)
    assert set(found) == set(expected)
    for sink, events in found.items():
        assert events == expected[sink][-len(events) :], sink
    rest = [one for one in given[half_of(given) :] if one.source in SOURCES]
    assert len(found["taken"]) == sum(len(one.events) for one in rest)


def convert(state: Path) -> None:
    """Make the store in a folder ready for Bytewax."""
    [store] = stores(state)
    upgrade(store, "everything")


def test_a_conversion_that_is_killed_after_any_step_is_done_by_the_next_start(
    tmp_path: Path,
) -> None:
    with tarfile.open(DATA / "format-0" / PACKED) as archive:
        unpack(archive, tmp_path)
    expected = read(stores(tmp_path / "state")[0], "everything")

    def copied(number: int) -> tuple[Path]:
        shutil.copytree(tmp_path / "state", tmp_path / str(number))
        return (tmp_path / str(number),)

    for number in killed_after_each_effect(convert, copied):
        state = tmp_path / str(number)
        assert read(stores(state)[0], "everything") == expected
        convert(state)
        [store] = stores(state)
        assert read(store, "everything") == expected
        assert not (store.path / "taken-over.pickle").exists()
        with closing(sqlite3.connect(next(store.path.glob("*.sqlite3")))) as database:
            for (row,) in database.execute("SELECT ser_change FROM snaps"):
                check_envelope(bytes_of(row))
    assert number > 4


def test_every_step_that_keeps_a_state_has_one_in_every_version(saved: tuple[Path, Path]) -> None:
    version, unpacked = saved
    plan = plan_at(version / "flow.yaml")
    found = read(stores(unpacked / "state")[0], plan.flow)

    assert set(plan.identities()) <= set(load(unwrap(found.shards["0"], "shard")).steps)


def test_the_flow_that_is_saved_uses_every_step_that_keeps_a_state() -> None:
    used = {identity.rpartition("/")[2] for identity in plan_at(DEFINITION).identities()}

    assert {name for name, step in OPERATORS.items() if step.STATEFUL} <= used
