"""Recovery stores of one flow: which holds the newest state of a shard, and how shards move.

A process keeps the states of its shards in one store. Stores are numbered; of each shard the
highest number that has it counts. When a process gets other shards than a store has, it makes a new
one of the states it takes over, and what no shard needs any more is removed. The new store counts
from the instant it gets its name, so a kill leaves the old or the new.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bytewax.recovery import init_db_dir

from connectors.runtime.private_files import (
    FILE,
    check_private,
    private_folder,
    sync,
    write_private,
)
from flows.runtime.saved_state import database, legacy_pickle, states
from flows.runtime.saved_state.input_state import INPUT
from flows.runtime.saved_state.states import States
from flows.runtime.shards import Share, StateError

PREFIX = "recovery-"
OLD = "old-"
HELD = "shards.json"
TAKEN_OVER = "taken-over.msgpack"
LEGACY_TAKEN_OVER = "taken-over.pickle"


@dataclass(frozen=True)
class Store:
    """One recovery store, and the shards for which it counts."""

    path: Path
    number: int
    shards: frozenset[str]
    made_for: frozenset[str]
    """The shards whose states are in it; `shards` are fewer where it was brought for some alone."""

    def is_just_of(self, shards: Iterable[str]) -> bool:
        """Whether it holds the states of these shards and of no others."""
        return self.shards == self.made_for == frozenset(shards)

    def leave_out(self, share: Share) -> None:
        """Have it count only for shards of a share from now on."""
        shards = [shard for shard in self.shards if share.has(int(shard))]
        held = {"shards": sorted(shards), "made_for": sorted(self.made_for)}
        write_private(self.path / HELD, json.dumps(held).encode())

    def has(self, part: str, count: int) -> bool:
        """Whether the position of a source partition is here, as far as no newer store has it.

        It is with the shard that its number leaves over, divided by how many there are.
        """
        return count == 1 or str(int(part.rpartition("/")[2]) % count) in self.shards


def stores(folder: Path) -> list[Store]:
    """All stores of a flow, the newest first; raises `StateError` where one is damaged."""
    found = []
    for path in folder.glob(f"{PREFIX}*"):
        try:
            held = json.loads((path / HELD).read_text(encoding="utf-8"))
            number = int(path.name.removeprefix(PREFIX))
            shards = frozenset(held["shards"])
            found.append(Store(path, number, shards, frozenset(held.get("made_for", shards))))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateError(f"{path} is no recovery store ({error}). {remedy(path)}") from error
    return sorted(found, key=lambda store: -store.number)


def check(store: Store) -> None:
    """Raise `StateError` if the files of a store are missing, damaged, or not Bytewax's."""
    if not _databases(store):
        raise StateError(
            f"{store.path} is no recovery store: it has no *.sqlite3 file. {remedy(store.path)}"
        )
    for path in (store.path, *store.path.iterdir()):
        check_private(path)
    for file in _databases(store):
        with _refusing(store, file):
            database.check(file)


def upgrade(store: Store, flow: str) -> None:
    """Make a store that `check` accepted safe to be opened by Bytewax.

    After it every row holds bytes, in this version's format. Raises `StateError` where a row was
    not saved by Vigie. No other process may have the store open.
    """
    for file in _databases(store):
        with _refusing(store, file):
            database.upgrade(file, flow)
    legacy = store.path / LEGACY_TAKEN_OVER
    if legacy.exists():
        write_private(store.path / TAKEN_OVER, states.dump(taken_over(store)))
        legacy.unlink()


def remedy(path: Path) -> str:
    """What an operator can do about a store that cannot be used."""
    return (
        f"Restore it from a backup, or move {path} away: the flow then reads its topics from the"
        " start (sinks drop what they already have) and its alarms begin without memory"
    )


def create(folder: Path, shards: Iterable[str], number: int, taken: States) -> Store:
    """Make a store under another name first, so that a kill leaves no half of one."""
    fresh = folder / f"new-{number}"
    shutil.rmtree(fresh, ignore_errors=True)
    private_folder(fresh)
    init_db_dir(fresh, 1)
    for file in fresh.iterdir():
        file.chmod(FILE)
    mine = frozenset(shards)
    store = Store(folder / f"{PREFIX}{number}", number, mine, mine)
    held = {"shards": sorted(store.shards)}
    write_private(fresh / TAKEN_OVER, states.dump(taken))
    write_private(fresh / HELD, json.dumps(held).encode())
    fresh.rename(store.path)
    sync(folder)
    return store


def read(store: Store, flow: str) -> States:
    """The states a store would resume from, with those it took over and has not replaced yet.

    Another process may have it open. Raises `StateError`.
    """
    found = taken_over(store)
    for file in _databases(store):
        with _refusing(store, file):
            rows = list(database.resumed(file, flow))
            rows.sort(
                key=lambda row: row[0].startswith(INPUT)
            )  # what earlier versions saved comes first
            for step, key, state in rows:
                found.add(step, key, state)
    return found


def taken_over(store: Store) -> States:
    """What a store began with."""
    file, legacy = store.path / TAKEN_OVER, store.path / LEGACY_TAKEN_OVER
    if legacy.exists() and not file.exists():
        with _refusing(store, legacy):
            return legacy_pickle.taken_over(legacy.read_bytes())
    with _refusing(store, file):
        return states.load(file.read_bytes())


def remove_superseded(folder: Path) -> None:
    """Remove stores of which no shard is the newest.

    Each loses its name first, so that a kill leaves no half of one.
    """
    for left in folder.glob(f"{OLD}*"):
        shutil.rmtree(left)
    newer: set[str] = set()
    for store in stores(folder):
        if store.shards <= newer:
            shutil.rmtree(store.path.rename(folder / f"{OLD}{store.number}"))
        newer |= store.shards


def _databases(store: Store) -> list[Path]:
    return sorted(store.path.glob("*.sqlite3"))


@contextmanager
def _refusing(store: Store, file: Path) -> Iterator[None]:
    """Turn what is wrong with a file of a store into a `StateError` with the remedy."""
    try:
        yield
    except (database.NotOurs, ValueError) as error:
        raise StateError(
            f"the recovery store {file} is not used, since it holds what Vigie did not write:"
            f" {error}. {remedy(store.path)}"
        ) from error
    except (sqlite3.DatabaseError, OSError) as error:
        raise StateError(
            f"the recovery store {file} is damaged ({error}). {remedy(store.path)}"
        ) from error
