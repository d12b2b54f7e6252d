"""A recovery store is copied while the engine writes it, and neither harms the other."""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bytewax.operators as op
import pytest
from bytewax._bytewax import run_main
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import TestingSink

from flows.runtime.saved_state import instant
from tests.waiting import wait_until

Item = tuple[str, int]


class Counting(FixedPartitionedSource[Item, int]):
    """Numbers until it is told to stop; how far it came is saved again and again."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.saved = 0

    def list_parts(self) -> list[str]:
        return ["one"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "_Part":
        return _Part(self)


class _Part(StatefulSourcePartition[Item, int]):
    def __init__(self, source: Counting) -> None:
        self._source, self._n = source, 0

    def next_batch(self) -> list[Item]:
        if self._source.stop.is_set():
            raise StopIteration
        self._n += 1
        return [("key", self._n)]

    def next_awake(self) -> datetime:
        return datetime.now(UTC) + timedelta(milliseconds=1)

    def snapshot(self) -> int:
        self._source.saved += 1
        return self._n


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Counting]:
    """An engine that saves its state into `tmp_path` every few milliseconds."""
    init_db_dir(tmp_path, 1)
    source = Counting()
    flow = Dataflow("f")
    op.output("out", op.input("in", flow, source), TestingSink([]))
    config = RecoveryConfig(str(tmp_path))
    engine = threading.Thread(
        target=run_main, args=(flow,),
        kwargs={"epoch_interval": timedelta(milliseconds=5), "recovery_config": config},
    )  # fmt: skip
    engine.start()
    yield source
    source.stop.set()
    engine.join()


def test_the_engine_keeps_its_files_and_each_copy_has_what_was_saved_since(
    running: Counting, tmp_path: Path
) -> None:
    [store] = tmp_path.glob("*.sqlite3")
    sizes = []
    for _ in range(3):
        before = running.saved
        wait_until(lambda before=before: running.saved > before + 20, what="the engine")
        copy = instant.content(store, tmp_path / "copy")
        assert copy is not None
        sizes.append(copy)
    assert len(set(sizes)) == 3, "a copy does not change, for what is saved is not in the file"
    opened = [os.readlink(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")
              if os.path.islink(f"/proc/self/fd/{number}")]  # fmt: skip
    assert not [name for name in opened if name.startswith(str(tmp_path)) and "deleted" in name]
