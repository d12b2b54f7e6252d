import os
import sqlite3
from pathlib import Path

import pytest

from flows.state import StateError, StateFolder


def test_a_second_start_with_the_same_steps_goes_on(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow")
    folder.open(["f/a/debounce"], sharded=False)
    folder.open(["f/a/debounce", "f/b/window"], sharded=False)


@pytest.mark.parametrize("dies_in", ["bytewax.recovery.init_db_dir", "os.fsync"])
def test_a_start_that_is_killed_half_way_does_not_stand_in_the_way_of_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    def die(*_: object) -> None:
        raise SystemExit

    folder = StateFolder(tmp_path / "flow")
    with monkeypatch.context() as patch:
        patch.setattr(dies_in.replace("bytewax.recovery", "flows.state"), die)
        with pytest.raises(SystemExit):
            folder.open(["f/a/debounce"], sharded=False)

    folder.open(["f/a/debounce"], sharded=False)


def test_a_vanished_step_is_refused_with_its_name_the_new_one_and_both_remedies(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow")
    folder.open(["f/motion/debounce"], sharded=False)

    with pytest.raises(StateError) as refused:
        folder.open(["f/presence/debounce"], sharded=False)

    message = str(refused.value)
    assert "saved state of f/motion/debounce has no step any more; new here: f/presence/debounce" in message
    assert "`was: OLD_NAME`" in message
    assert "--drop f/motion/debounce" in message


def test_state_can_be_dropped_on_purpose_once(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow")
    folder.open(["f/motion/debounce"], sharded=False)
    folder.open([], sharded=False, drop=["f/motion/debounce"])
    folder.open([], sharded=False)


def test_a_damaged_store_is_named_with_the_remedy(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow")
    folder.open([], sharded=False)
    file = next(folder.store.glob("*.sqlite3"))
    file.write_bytes(b"not a database" * 500)

    with pytest.raises(StateError, match=r"recovery store .*sqlite3 is damaged .*move .* away"):
        folder.open([], sharded=False)


def test_a_truncated_store_is_named_with_the_remedy(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow")
    folder.open([], sharded=False)
    file = next(folder.store.glob("*.sqlite3"))
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE filler AS SELECT zeroblob(100000) AS x")
    database.close()
    file.write_bytes(file.read_bytes()[:8192])

    with pytest.raises(StateError, match="is damaged"):
        folder.open([], sharded=False)


def test_a_folder_without_store_files_is_refused(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow")
    folder.store.mkdir(parents=True)

    with pytest.raises(StateError, match=r"is no recovery store"):
        folder.open([], sharded=False)


def test_another_share_of_partitions_is_refused_while_it_overlaps(tmp_path: Path) -> None:
    StateFolder(tmp_path / "flow", "0-1").open([], sharded=True)
    StateFolder(tmp_path / "flow", "2-3").open([], sharded=True)

    with pytest.raises(StateError, match="holds state of partitions 0-1"):
        StateFolder(tmp_path / "flow").open([], sharded=True)
    with pytest.raises(StateError, match="holds state of partitions 0-1"):
        StateFolder(tmp_path / "flow", "1-2").open([], sharded=True)


def test_a_flow_that_now_brings_subjects_together_is_refused(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow")
    folder.open([], sharded=True)

    with pytest.raises(StateError, match="now keeps its subjects together"):
        folder.open([], sharded=False)


def test_a_folder_that_another_run_holds_is_refused_and_free_again_at_its_end(tmp_path: Path) -> None:
    with StateFolder(tmp_path / "flow").held():
        said = rf"runs already, as process {os.getpid()}.*--data"
        with pytest.raises(StateError, match=said), StateFolder(tmp_path / "flow").held():
            pass
        with StateFolder(tmp_path / "flow", "0-3").held():
            pass

    with StateFolder(tmp_path / "flow").held():
        pass
