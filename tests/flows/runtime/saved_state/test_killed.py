"""Starts that are killed while they make stores of saved state, move shards or remove stores."""

import shutil
from pathlib import Path

import pytest

from flows.runtime.saved_state.folder import StateFolder
from flows.runtime.shards import Share
from tests.faults import killed_after_each_effect
from tests.flows.runtime.saved_state.test_folder import layout, save, shard

IDENTITY = "f/a/debounce"
Shards = list[list[str]]


def start(path: Path, processes: Shards) -> list[tuple[Path, dict[str, object]]]:
    """The start of processes of a flow; the store of each, and the states it goes on from."""
    found = []
    for number, shards in enumerate(processes, 1):
        folder = StateFolder(path, "f", Share(number, len(processes)))
        with folder.locked(shards):
            opened = folder.open(layout(IDENTITY, sharded=True, shards=shards))
            found.append((opened.store, {name: shard(opened.saved, name) for name in shards}))
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([["0"], ["1"]], [["0", "1"]]),
        ([["0", "1"]], [["0"], ["1"]]),
        ([], [["0", "1"]]),
    ],
    ids=["two to one", "one to two", "first start"],
)
def test_the_next_start_has_every_state_and_nothing_is_left_over(
    tmp_path: Path, before: Shards, after: Shards
) -> None:
    made = tmp_path / "made"
    for store, states in start(made, before):
        save(store, 7, **{f"s{name}": f"state {name}" for name in states})

    def copied(number: int) -> tuple[Path, Shards]:
        path = tmp_path / str(number)
        if before:
            shutil.copytree(made, path)
        return path, after[:1]

    for number in killed_after_each_effect(start, copied):
        path = tmp_path / str(number)
        found: dict[str, object] = {}
        stores = set()
        for store, states in start(path, after):
            stores.add(store.name)
            found |= states
        assert found == {
            name: f"state {name}" if before else None for names in after for name in names
        }
        names = {left.name for left in path.iterdir()}
        assert names == stores | {"arranging", "identity.json", "running-0", "running-1"}
