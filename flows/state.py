"""The folder that holds a flow's saved state: Bytewax's recovery store and what it belongs to."""

import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bytewax.recovery import RecoveryConfig, init_db_dir

MANIFEST = "identity.json"


class StateError(Exception):
    """The saved state cannot be used as it is; the message says why and names the remedy."""


@dataclass(frozen=True)
class StateFolder:
    """`DATA/flows/FLOW`, with one recovery store for each share of partitions that a process runs."""

    path: Path
    share: str = "all"

    @property
    def store(self) -> Path:
        return self.path / f"recovery-{self.share}"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes out while this one runs: two that write one store make it useless. Raises `StateError`.

        The kernel lets go of the lock when the process ends, however it ends.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        path = self.path / f"running-{self.share}"
        with path.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise StateError(
                    f"this flow runs already, as process {file.read().strip() or 'unknown'}, on the saved state in "
                    f"{self.path}; stop that one first, or give this one another folder with --data"
                ) from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield

    def open(self, identities: Iterable[str], sharded: bool, drop: Iterable[str] = ()) -> RecoveryConfig:
        """Create or check the store; raises `StateError` rather than lose the state of a step in silence.

        `drop` are persisted ids whose state may be lost.
        """
        now = {"sharded": sharded, "state": sorted(identities)}
        if not self.store.exists():
            self._refuse_other_shares()
            self._create()
        else:
            self._check_files()
            self._compare(now, set(drop))
        self._write_manifest(now)
        return RecoveryConfig(str(self.store))

    def _create(self) -> None:
        """Make the store under another name first, so that a kill leaves no half of one."""
        fresh = self.path / f"new-{self.share}"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        init_db_dir(fresh, 1)
        fresh.rename(self.store)

    def _write_manifest(self, now: dict[str, object]) -> None:
        fresh = self.path / f"{MANIFEST}.{self.share}"
        with fresh.open("w", encoding="utf-8") as file:
            file.write(json.dumps(now, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path / MANIFEST)

    def _refuse_other_shares(self) -> None:
        others = sorted(path.name.removeprefix("recovery-") for path in self.path.glob("recovery-*"))
        mine = _range(self.share)
        for other in others:
            if mine is None or _range(other) is None or mine & (_range(other) or set()):
                raise StateError(
                    f"{self.path} holds state of partitions {other}, and this process was given {self.share}; "
                    f"run it with --partitions {other}, or move {self.path} away to start without state"
                )

    def _check_files(self) -> None:
        files = sorted(self.store.glob("*.sqlite3"))
        if not files:
            raise StateError(f"{self.store} is no recovery store: it has no *.sqlite3 file. {self._remedy()}")
        for file in files:
            try:
                with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
                    answer = str(database.execute("PRAGMA quick_check").fetchone()[0])
                database.close()
            except sqlite3.DatabaseError as error:
                answer = str(error)
            if answer != "ok":
                raise StateError(f"the recovery store {file} is damaged ({answer}). {self._remedy()}")

    def unusable(self, error: Exception) -> StateError:
        """The error to raise when Bytewax cannot go on from the store."""
        return StateError(f"the recovery store {self.store} does not fit together ({error}). {self._remedy()}")

    def _remedy(self) -> str:
        return (
            f"Restore it from a backup, or move {self.store} away: the flow then reads its topics from the start "
            "(sinks drop what they already have) and its alarms begin without memory"
        )

    def _compare(self, now: dict[str, object], drop: set[str]) -> None:
        path = self.path / MANIFEST
        if not path.exists():
            return
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            was, before = bool(saved["sharded"]), set(saved["state"])
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(f"{path} is damaged ({error}). {self._remedy()}") from error
        if was != now["sharded"]:
            raise StateError(
                f"the flow now keeps its subjects {'apart' if now['sharded'] else 'together'}, and its saved state does "
                f"the opposite (a combining step or another kind of source came or went). {self._remedy()}"
            )
        current = now["state"]
        assert isinstance(current, list)
        lost = sorted(before - set(current) - drop)
        if lost:
            new = sorted(set(current) - before)
            hint = f"; new here: {', '.join(new)}" if new else ""
            raise StateError(
                f"saved state of {', '.join(lost)} has no step any more{hint}. If it was renamed, write `was: OLD_NAME` "
                f"on the new one; to lose the state, run once with {' '.join(f'--drop {name}' for name in lost)}"
            )


def _range(share: str) -> set[int] | None:
    if share == "all":
        return None
    first, _, last = share.partition("-")
    return set(range(int(first), int(last or first) + 1))
