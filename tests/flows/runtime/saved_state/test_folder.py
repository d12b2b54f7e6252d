import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.kafka.log.position import Position
from flows.runtime.saved_state.compatibility import FORMAT, StateLayout
from flows.runtime.saved_state.envelope import unwrap, wrap, wrap_position
from flows.runtime.saved_state.folder import StateFolder
from flows.runtime.saved_state.row_pickle import row_of
from flows.runtime.saved_state.states import States
from flows.runtime.shards import Share, StateError
from operators.model.saved_state import decode, encode


def layout(
    *identities: str, sharded: bool = False, shards: Sequence[str] = ("0",), count: int = 4
) -> StateLayout:
    parts = (
        {"in": [f"t/{shard}" for shard in shards]}
        if sharded
        else {"in": [f"t/{n}" for n in range(count)]}
    )
    return StateLayout(identities, count if sharded else 1, tuple(shards), parts, {"t": count})


def saved(name: str, state: object) -> bytes:
    """The envelope of a shard's state, or of a position."""
    return wrap("shard", encode(state)) if name[0] == "s" else wrap_position(state)


def save(store: Path, epoch: int, **states: object) -> None:
    """What an execution that ended in `epoch` leaves: `t0` a position, `s0` a shard's state, `c`
    the commands' position.
    """
    with closing(sqlite3.connect(next(store.glob("*.sqlite3")))) as database:
        (number,) = database.execute("SELECT COUNT(*) FROM exs").fetchone()
        database.execute(
            "INSERT INTO exs (ex_num, worker_count, resume_epoch) VALUES (?, 1, 1)", (number,)
        )
        database.execute(
            "INSERT INTO fronts (ex_num, worker_index, worker_frontier) VALUES (?, 0, ?)",
            (number, epoch),
        )
        for name, state in states.items():
            step, key = {
                "t": ("f.source_in", f"t/{name[1:]}"),
                "s": ("f.graph.stateful_batch", name[1:]),
                "c": ("f.source_vigie_commands", "c/0"),
            }[name[0]]
            database.execute(
                "INSERT INTO snaps (step_id, state_key, snap_epoch, ser_change) VALUES (?, ?,"
                " ?, ?)",
                (step, key, epoch - 1, row_of(saved(name, state))),
            )
        database.commit()


def shard(states: States, name: str) -> object:
    """What `save` gave as the state of a shard."""
    data = states.shard(name)
    return None if data is None else decode(unwrap(data, "shard"))


def reached(states: States, number: int) -> int:
    """The offset from which a shard takes what is in the partition of its number."""
    at = Position.parse(states.position("in", f"t/{number}")).offset
    return states.ahead_of(str(number)).get(f"in:t/{number}", at)


def test_a_second_start_with_the_same_steps_goes_on(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow", "f")
    folder.open(layout("f/a/debounce"))
    folder.open(layout("f/a/debounce", "f/b/window"))


@pytest.mark.parametrize("dies_in", ["bytewax.recovery.init_db_dir", "os.fsync"])
def test_a_start_that_is_killed_half_way_does_not_stand_in_the_way_of_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    def die(*_: object) -> None:
        raise SystemExit

    folder = StateFolder(tmp_path / "flow", "f")
    with monkeypatch.context() as patch:
        patch.setattr(dies_in.replace("bytewax.recovery", "flows.runtime.saved_state.stores"), die)
        with pytest.raises(SystemExit):
            folder.open(layout("f/a/debounce"))

    folder.open(layout("f/a/debounce"))


def test_a_kill_while_an_old_store_is_removed_does_not_stand_in_the_way_of_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove_half(path: Path, ignore_errors: bool = False) -> None:
        if path.exists():
            (path / "shards.json").unlink()
            raise SystemExit

    folder = StateFolder(tmp_path / "flow", "f")
    folder.open(layout("f/a/debounce", sharded=True, shards=["0", "1"]))
    with monkeypatch.context() as patch:
        patch.setattr("flows.runtime.saved_state.stores.shutil.rmtree", remove_half)
        folder.open(layout("f/a/debounce", sharded=True, shards=["0"]))
        with pytest.raises(SystemExit):
            folder.open(layout("f/a/debounce", sharded=True, shards=["1"]))

    for shard in ("0", "1"):
        folder.open(layout("f/a/debounce", sharded=True, shards=[shard]))
    assert len(list(folder.path.glob("recovery-*"))) == 2
    assert not list(folder.path.glob("old-*"))


def test_a_vanished_step_is_refused_with_its_name_the_new_one_and_both_remedies(
    tmp_path: Path,
) -> None:
    folder = StateFolder(tmp_path / "flow", "f")
    folder.open(layout("f/motion/debounce"))

    with pytest.raises(StateError) as refused:
        folder.open(layout("f/presence/debounce"))

    message = str(refused.value)
    assert (
        "saved state of f/motion/debounce has no step any more; new here: f/presence/debounce"
        in message
    )
    assert "`was: OLD_NAME`" in message
    assert "--drop f/motion/debounce" in message


def test_state_can_be_dropped_on_purpose_once(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow", "f")
    folder.open(layout("f/motion/debounce"))
    folder.open(layout(), drop=["f/motion/debounce"])
    folder.open(layout())


def test_a_damaged_store_is_named_with_the_remedy(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow", "f")
    folder.open(layout())
    file = next((tmp_path / "flow").glob("recovery-*/*.sqlite3"))
    file.write_bytes(b"not a database" * 500)

    with pytest.raises(StateError, match=r"recovery store .*sqlite3 is damaged .*move .* away"):
        folder.open(layout())


def test_a_truncated_store_is_named_with_the_remedy(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow", "f")
    folder.open(layout())
    file = next((tmp_path / "flow").glob("recovery-*/*.sqlite3"))
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE filler AS SELECT zeroblob(100000) AS x")
    database.close()
    file.write_bytes(file.read_bytes()[:8192])

    with pytest.raises(StateError, match="is damaged"):
        folder.open(layout())


def test_a_folder_without_store_files_is_refused(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow", "f")
    next(folder.open(layout()).store.glob("*.sqlite3")).unlink()

    with pytest.raises(StateError, match=r"is no recovery store"):
        folder.open(layout())


def test_a_flow_that_now_brings_subjects_together_is_refused(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow", "f")
    folder.open(layout("f/a/debounce", sharded=True))

    with pytest.raises(StateError, match="now keeps its subjects together"):
        folder.open(layout("f/a/debounce"))


def test_shards_that_another_process_runs_are_refused_with_its_name_and_free_again_at_its_end(
    tmp_path: Path,
) -> None:
    one, half = (
        StateFolder(tmp_path / "flow", "f"),
        StateFolder(tmp_path / "flow", "f", Share(2, 2)),
    )
    with one.locked("0"):
        said = rf"runs already on .*: shard 0 as process {os.getpid()} \(--process 1/1\).*--data"
        with pytest.raises(StateError, match=said), one.locked("0"):
            pass
        with half.locked("13"):
            pass
        with pytest.raises(StateError, match="shard 0 as process"), half.locked("01"):
            pass

    with one.locked("0"):
        pass


def test_states_move_from_one_process_to_two_and_back_each_with_its_newest(tmp_path: Path) -> None:
    one = StateFolder(tmp_path / "flow", "f")
    first, second = (StateFolder(tmp_path / "flow", "f", Share(n, 2)) for n in (1, 2))
    whole = layout("f/a/debounce", sharded=True, shards="0123")
    even, odd = (layout("f/a/debounce", sharded=True, shards=shards) for shards in ("02", "13"))
    save(one.open(whole).store, 9, t0=10, t1=11, t2=12, t3=13, s0="a", s1="b", s2="c", s3="d", c=5)

    took = first.open(even)
    assert [took.saved.position("in", f"t/{n}") for n in range(4)] == [10, 11, 12, 13]
    assert [shard(took.saved, str(n)) for n in range(4)] == ["a", None, "c", None]
    save(took.store, 3, t0=20, s0="A", c=8)  # shard 2 saw nothing yet
    assert first.open(even).store == took.store

    late = second.open(odd)
    assert [late.saved.position("in", f"t/{n}") for n in range(4)] == [10, 11, 12, 13]
    save(late.store, 2, t1=21, t3=23, s1="B", s3="D", c=7)

    back = one.open(whole)
    assert [reached(back.saved, n) for n in range(4)] == [20, 21, 12, 23]
    assert [shard(back.saved, str(n)) for n in range(4)] == ["A", "B", "c", "D"]
    # the least: who is ahead knows what it has seen
    assert back.saved.position("vigie_commands", "c/0") == 7
    assert [path.name for path in (tmp_path / "flow").glob("recovery-*")] == [back.store.name]


def test_a_state_that_was_not_durable_yet_does_not_count(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow", "f")
    store = folder.open(layout(sharded=True, shards="01")).store
    save(store, 5, t0=1, s0="a")
    with closing(sqlite3.connect(next(store.glob("*.sqlite3")))) as database:
        unfinished = (row_of(saved("t0", 2)), row_of(saved("s0", "b")))
        database.execute(
            "INSERT INTO snaps VALUES ('now', 'f.source_in', 't/0', 5, ?)", unfinished[:1]
        )
        database.execute(
            "INSERT INTO snaps VALUES ('now', 'f.graph.stateful_batch', '0', 5, ?)", unfinished[1:]
        )
        database.commit()

    taken = (
        StateFolder(tmp_path / "flow", "f", Share(1, 2))
        .open(layout(sharded=True, shards="0"))
        .saved
    )

    assert (taken.position("in", "t/0"), shard(taken, "0")) == (1, "a")


def test_a_flow_goes_on_with_its_shards_when_partitions_were_added(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "a", "f")
    save(folder.open(layout("f/a/debounce", sharded=True, shards="01", count=2)).store, 5, t0=1)
    assert folder.shards() == 2

    shards = StateLayout(("f/a/debounce",), 2, ("0", "1"), {"in": ["t/0", "t/1", "t/2"]}, {"t": 3})
    grown = folder.open(shards)

    assert [grown.saved.position("in", f"t/{n}") for n in range(3)] == [1, None, None]
    assert grown.known == {"in"}


def test_the_shards_of_an_earlier_version_were_its_partitions(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow", "f")
    folder.open(layout("f/a/debounce", sharded=True, shards="012", count=3))
    manifest = {"sharded": True, "state": ["f/a/debounce"], "partitions": {"t": 3}}
    (folder.path / "identity.json").write_text(json.dumps(manifest))
    assert folder.shards() == 3


def test_a_folder_of_a_newer_release_is_refused_by_name_and_left_as_it_is(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "flow", "f")
    folder.open(layout("f/a/debounce"))
    path = folder.path / "identity.json"
    newer = json.dumps({**json.loads(path.read_text()), "format": FORMAT + 1, "shards": "other"})
    path.write_text(newer)
    with pytest.raises(StateError, match="format 2; this one knows 1"):
        folder.open(layout("f/a/debounce"))
    assert path.read_text() == newer


def test_a_flow_without_state_keeps_its_positions_when_its_topics_become_unequal(
    tmp_path: Path,
) -> None:
    folder = StateFolder(tmp_path / "flow", "f")
    save(folder.open(layout(sharded=True, shards="01", count=2)).store, 5, t0=1, t1=2)

    together = folder.open(layout(count=3))

    assert [together.saved.position("in", f"t/{n}") for n in range(3)] == [1, 2, None]


@pytest.mark.parametrize("text", ["x", "0/2", "3/2", "1", "1-2", "1/0"])
def test_what_is_no_share_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"write NUMBER/COUNT, such as 1/2 and 2/2"):
        Share.parse(text)


def test_an_error_whose_causes_run_in_a_circle_ends_a_run_all_the_same(tmp_path: Path) -> None:
    inner, outer = ValueError("a part of the flow"), RuntimeError("the engine's wrapping")
    outer.__context__ = inner
    inner.__context__ = outer

    with (
        pytest.raises(RuntimeError, match="wrapping"),
        StateFolder(tmp_path / "flow", "f").locked("01"),
    ):
        raise outer


def test_a_partition_that_two_processes_read_goes_on_where_each_shard_had_come(
    tmp_path: Path,
) -> None:
    folders = [StateFolder(tmp_path / "flow", "f", Share(number, 2)) for number in (1, 2)]
    for number, at in ((0, 100), (1, 80)):
        opened = folders[number].open(layout("f/a/x", sharded=True, shards=str(number), count=2))
        save(opened.store, 2, **{f"s{number}": number, "t0": at, f"t{number}": at})
    whole = StateFolder(tmp_path / "flow", "f")
    alone = layout("f/a/x", sharded=True, shards=("0", "1"), count=2)
    taken = whole.open(alone).saved
    assert Position.parse(taken.position("in", "t/0")).offset == 80
    assert (taken.ahead_of("0"), taken.ahead_of("1")) == ({"in:t/0": 100}, {})
    assert whole.open(alone).saved.ahead_of("0") == {"in:t/0": 100}  # killed before it saved


def test_shards_that_did_not_read_a_partition_begin_where_it_first_had_subjects_of_them(
    tmp_path: Path,
) -> None:
    folders = [StateFolder(tmp_path / "flow", "f", Share(number, 2)) for number in (1, 2)]
    for number in (0, 1):
        opened = folders[number].open(layout("f/a/x", sharded=True, shards=str(number), count=2))
        save(opened.store, 2, **{f"s{number}": number, f"t{number}": 100})
    told = {("in", "t/0"): Position(60)}
    alone = layout("f/a/x", sharded=True, shards=("0", "1"), count=2)
    taken = StateFolder(tmp_path / "flow", "f").open(alone, told=told).saved
    assert Position.parse(taken.position("in", "t/0")).offset == 60
    assert (taken.ahead_of("0"), taken.ahead_of("1")) == ({"in:t/0": 100}, {})


@pytest.mark.parametrize("is_early", [True, False])
def test_shards_of_a_process_that_ended_before_it_saved_anything_begin_where_a_new_flow_does(
    tmp_path: Path, is_early: bool
) -> None:
    folders = [StateFolder(tmp_path / "flow", "f", Share(number, 2)) for number in (1, 2)]
    first = folders[0].open(layout("f/a/x", sharded=True, shards="0", count=2))
    save(first.store, 2, s0="a", t0=100, t1=90)  # a new flow reads all partitions
    folders[1].open(layout("f/a/x", sharded=True, shards="1", count=2))
    assert folders[0].is_shared_out()
    alone = replace(
        layout("f/a/x", sharded=True, shards=("0", "1"), count=2),
        begin_early=frozenset(["in"] if is_early else []),
    )
    taken = StateFolder(tmp_path / "flow", "f").open(alone).saved
    positions = [Position.parse(taken.position("in", f"t/{n}")).offset for n in (0, 1)]
    if is_early:
        assert positions == [0, 0]
        assert (taken.ahead_of("0"), taken.ahead_of("1")) == ({"in:t/0": 100, "in:t/1": 90}, {})
    else:
        assert positions == [100, 90]
