"""Saved states of every version: a flow goes on from them as if it had never stopped."""

import sqlite3
import tarfile
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from flows.dataflow.shard_state import load
from flows.language.catalogue import OPERATORS
from flows.replay.git_revision import SAFELY
from flows.runtime.saved_state import legacy_pickle
from flows.runtime.saved_state.envelope import check_envelope, unwrap
from flows.runtime.saved_state.row_pickle import bytes_of
from flows.runtime.saved_state.stores import read, stores, upgrade
from operators.events import AlarmTransition, Event
from tests.flows.runtime.saved_state import history
from tests.flows.runtime.saved_state.make import DEFINITION, PACKED, half_of
from tests.flows.runtime.saved_state.play import DATA as SOURCES
from tests.flows.runtime.saved_state.play import Play, plan_at

DATA = Path(__file__).parents[3] / "data" / "state"
VERSIONS = sorted(path.parent for path in DATA.glob(f"*/{PACKED}"))


def by_sink(play: Play) -> dict[str, list[Event]]:
    """What reached each sink. An alarm's `recorded` is left out: it is the wall clock's."""
    found: dict[str, list[Event]] = defaultdict(list)
    for sink, event in play.made:
        if isinstance(event, AlarmTransition):
            event = msgspec.structs.replace(event, recorded=event.time)
        found[sink].append(event)
    return found


@pytest.fixture(params=VERSIONS, ids=lambda version: version.name)
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """The folder of a version, and what it packed, unpacked."""
    with tarfile.open(request.param / PACKED) as archive:
        archive.extractall(tmp_path, **SAFELY)
    return request.param, tmp_path


def test_a_flow_goes_on_from_the_state_of_every_version_as_if_it_had_not_been_killed(
    saved: tuple[Path, Path],
) -> None:
    version, unpacked = saved
    plan = plan_at(version / "flow.yaml")
    given = history.load(unpacked / "history.jsonl")

    resumed = Play(plan, given, unpacked / "state", len(given))
    resumed.run()
    whole = Play(plan, given, unpacked / "anew", len(given))
    whole.run()

    assert (resumed.begun, whole.begun) == (half_of(given), 2)
    expected, found = by_sink(whole), by_sink(resumed)
    assert set(found) == set(expected)
    for sink, events in found.items():
        assert events == expected[sink][-len(events) :], sink
    rest = [one for one in given[half_of(given) :] if one.source in SOURCES]
    assert len(found["taken"]) == sum(len(one.events) for one in rest)


@pytest.mark.parametrize("step", [1, 5, 11, "file", "unlink"])
def test_a_conversion_that_is_killed_half_way_is_done_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int | str
) -> None:
    with tarfile.open(DATA / "format-0" / PACKED) as archive:
        archive.extractall(tmp_path, **SAFELY)
    [store] = stores(tmp_path / "state")
    expected = read(store, "everything")
    calls = 0
    convert = legacy_pickle.convert

    def die(*_: object) -> None:
        raise SystemExit

    def convert_some(name: str, row: bytes) -> bytes:
        nonlocal calls
        calls += 1
        return convert(name, row) if calls != step else die()  # type: ignore[func-returns-value]

    with monkeypatch.context() as patch:
        patch.setattr(legacy_pickle, "convert", convert_some)
        if step == "file":
            patch.setattr("flows.runtime.saved_state.stores.write_private", die)
        if step == "unlink":
            unlink = Path.unlink
            patch.setattr(
                Path,
                "unlink",
                lambda path, **more: die() if path.suffix == ".pickle" else unlink(path, **more),
            )
        with pytest.raises(SystemExit):
            upgrade(store, "everything")

    assert read(store, "everything") == expected
    upgrade(store, "everything")
    assert read(store, "everything") == expected
    assert (store.path / "taken-over.msgpack").exists()
    assert not (store.path / "taken-over.pickle").exists()
    with closing(sqlite3.connect(next(store.path.glob("*.sqlite3")))) as database:
        for (row,) in database.execute("SELECT ser_change FROM snaps"):
            check_envelope(bytes_of(row))


def test_every_step_that_keeps_a_state_has_one_in_every_version(saved: tuple[Path, Path]) -> None:
    version, unpacked = saved
    plan = plan_at(version / "flow.yaml")
    found = read(stores(unpacked / "state")[0], plan.flow)

    assert set(plan.identities()) <= set(load(unwrap(found.shards["0"], "shard")).steps)


def test_the_flow_that_is_saved_uses_every_step_that_keeps_a_state() -> None:
    used = {identity.rpartition("/")[2] for identity in plan_at(DEFINITION).identities()}

    assert {name for name, step in OPERATORS.items() if step.STATEFUL and step.RUNS} <= used
