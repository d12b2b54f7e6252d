"""Recovery stores of one flow: which of them holds the newest state of a shard, and how a new one
takes it over.

A process keeps the states of its shards in one store. Stores are numbered; of each shard the
highest number that has it counts. When a process gets other shards than a store has, it makes a new
one of the states it takes over, and what no shard needs any more is removed. The new store counts
from the instant it gets its name, so a kill leaves the old or the new.
"""

import json
import os
import pickle
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bytewax.recovery import init_db_dir

from flows.dataflow.compiler import ALARM_SINK
from flows.runtime.shards import StateError

PREFIX = "recovery-"
OLD = "old-"
HELD = "shards.json"
WATCH = f"sink_{ALARM_SINK}"
"""The step whose state are the figures of the alarms, of all shards of a process
(`flows.runtime.alarm_metrics`).
"""
TAKEN_OVER = "taken-over.pickle"


@dataclass
class States:
    """Positions by source and partition, graph states and figures of the alarms by shard;
    pickled.
    """

    positions: dict[tuple[str, str], bytes] = field(default_factory=dict)
    graphs: dict[str, bytes] = field(default_factory=dict)
    figures: dict[str, bytes] = field(default_factory=dict)

    def position(self, source: str, part: str) -> Any:
        return _load(self.positions.get((source, part)))

    def graph(self, shard: str) -> Any:
        return _load(self.graphs.get(shard))

    def figures_by_shard(self) -> dict[str, Any]:
        return {shard: _load(saved) for shard, saved in self.figures.items()}

    def keep_least(self, other: "States", source: str, part: str) -> None:
        """Take a position that all shards share from another store, if it is behind the one
        here.
        """
        mine, theirs = self.position(source, part), other.position(source, part)
        if theirs is not None and (mine is None or theirs < mine):
            self.positions[source, part] = other.positions[source, part]

    def knows(self, source: str) -> bool:
        """Whether any partition of the source has a position, so that one without is new."""
        return any(
            name == source and _load(saved) is not None
            for (name, _), saved in self.positions.items()
        )


@dataclass(frozen=True)
class Store:
    """One recovery store and the shards whose states it was made for."""

    path: Path
    number: int
    shards: frozenset[str]
    sharded: bool

    def has(self, part: str) -> bool:
        """Whether the states of a source partition are here, as far as no newer store has them."""
        return (part.rpartition("/")[2] if self.sharded else "0") in self.shards


def stores(folder: Path) -> list[Store]:
    """All stores of a flow, the newest first; raises `StateError` where one is damaged."""
    found = []
    for path in folder.glob(f"{PREFIX}*"):
        try:
            held = json.loads((path / HELD).read_text(encoding="utf-8"))
            number = int(path.name.removeprefix(PREFIX))
            found.append(Store(path, number, frozenset(held["shards"]), bool(held["sharded"])))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateError(f"{path} is no recovery store ({error}). {remedy(path)}") from error
    return sorted(found, key=lambda store: -store.number)


def check(store: Store) -> None:
    """Raise `StateError` if the files of a store are missing or damaged."""
    files = sorted(store.path.glob("*.sqlite3"))
    if not files:
        raise StateError(
            f"{store.path} is no recovery store: it has no *.sqlite3 file. {remedy(store.path)}"
        )
    for file in files:
        try:
            with closing(_open(file)) as database:
                answer = str(database.execute("PRAGMA quick_check").fetchone()[0])
        except sqlite3.DatabaseError as error:
            answer = str(error)
        if answer != "ok":
            raise StateError(
                f"the recovery store {file} is damaged ({answer}). {remedy(store.path)}"
            )


def remedy(path: Path) -> str:
    """What an operator can do about a store that cannot be used."""
    return (
        f"Restore it from a backup, or move {path} away: the flow then reads its topics from the"
        " start (sinks drop what they already have) and its alarms begin without memory"
    )


def create(folder: Path, shards: Iterable[str], sharded: bool, number: int, taken: States) -> Store:
    """Make a store under another name first, so that a kill leaves no half of one."""
    fresh = folder / f"new-{number}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    init_db_dir(fresh, 1)
    _write(fresh / TAKEN_OVER, pickle.dumps((taken.positions, taken.graphs, taken.figures)))
    store = Store(folder / f"{PREFIX}{number}", number, frozenset(shards), sharded)
    _write(fresh / HELD, json.dumps({"shards": sorted(store.shards), "sharded": sharded}).encode())
    _sync(fresh)
    fresh.rename(store.path)
    _sync(folder)
    return store


def read(store: Store, flow: str) -> States:
    """The states a store would resume from, with those it took over and has not replaced yet."""
    states = taken_over(store)
    for file in sorted(store.path.glob("*.sqlite3")):
        with closing(_open(file)) as database:
            epoch = _resume_epoch(database)
            rows = database.execute(
                "SELECT step_id, state_key, ser_change, MAX(snap_epoch) FROM snaps WHERE snap_epoch"
                " < ? GROUP BY step_id, state_key",
                (epoch,),
            )
            for step, key, saved, _ in rows:
                name = step.removeprefix(f"{flow}.")
                if name.startswith("source_") and saved is not None:
                    states.positions[name.removeprefix("source_"), key] = saved
                elif name.partition(".")[0] == "graph" and saved is not None:
                    states.graphs[key] = saved
                elif name.partition(".")[0] == WATCH and saved is not None:
                    shards = _load(saved).get("shards", {})
                    states.figures |= {
                        shard: pickle.dumps(figures) for shard, figures in shards.items()
                    }
    return states


def taken_over(store: Store) -> States:
    """What a store began with."""
    return States(*pickle.loads((store.path / TAKEN_OVER).read_bytes()))  # noqa: S301  # written by this program


def remove_superseded(folder: Path) -> None:
    """Remove stores of which no shard is the newest. Each loses its name first, so that a kill
    leaves no half of one.
    """
    for left in folder.glob(f"{OLD}*"):
        shutil.rmtree(left)
    newer: set[tuple[bool, str]] = set()
    for store in stores(folder):
        held = {(store.sharded, shard) for shard in store.shards}
        if held <= newer:
            shutil.rmtree(store.path.rename(folder / f"{OLD}{store.number}"))
        newer |= held


def _resume_epoch(database: sqlite3.Connection) -> int:
    """Where Bytewax 0.21 resumes: the least frontier of the newest execution's workers, or where
    that one began.
    """
    row = database.execute(
        "SELECT ex_num, resume_epoch FROM exs ORDER BY ex_num DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return 0
    least = database.execute(
        "SELECT MIN(worker_frontier) FROM fronts WHERE ex_num = ?", (row[0],)
    ).fetchone()[0]
    return int(row[1] if least is None else least)


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{file}?mode=ro", uri=True)


def _load(saved: bytes | None) -> Any:
    return None if saved is None else pickle.loads(saved)  # noqa: S301  # written by this program


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
