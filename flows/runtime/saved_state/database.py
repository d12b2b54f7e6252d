"""The SQLite database of a recovery store, looked at before Bytewax opens it.

Bytewax unpickles the rows that it resumes from, and a pickle can run code. So a database that
holds anything but pickled bytes is refused, and rows of an earlier version are rewritten.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from flows.runtime.saved_state import legacy_pickle
from flows.runtime.saved_state.envelope import check_envelope
from flows.runtime.saved_state.row_pickle import bytes_of, row_of

TABLES = frozenset(["parts", "exs", "fronts", "commits", "snaps"])


class NotOurs(Exception):
    """The database holds what Vigie did not write; the message says where."""


def check(file: Path) -> None:
    """Look whether a database is sound and holds Bytewax's tables alone.

    Raises `sqlite3.DatabaseError` if it is damaged, `NotOurs` if it holds anything else.
    """
    with closing(_read_only(file)) as database:
        answer = str(database.execute("PRAGMA quick_check").fetchone()[0])
        if answer != "ok":
            raise sqlite3.DatabaseError(answer)
        for kind, name, sql in database.execute("SELECT type, name, sql FROM sqlite_schema"):
            is_table = kind == "table" and name in TABLES and sql.startswith("CREATE TABLE ")
            if not is_table and kind != "index":
                raise NotOurs(f"it has a {kind} {name!r}, expected the tables of Bytewax alone")


def upgrade(file: Path, flow: str) -> int:
    """Check every row, rewrite those that an earlier version pickled, and return their number.

    All are rewritten in one transaction. Raises `NotOurs` for a row that Vigie did not save.
    """
    rewritten = 0
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("BEGIN")
        numbers = database.execute(
            "SELECT rowid FROM snaps WHERE ser_change IS NOT NULL"
        ).fetchall()
        for (number,) in numbers:
            step, key, epoch, row = database.execute(
                "SELECT step_id, state_key, snap_epoch, ser_change FROM snaps WHERE rowid = ?",
                (number,),
            ).fetchone()
            state, is_old = _state_of(flow, step, key, epoch, row)
            if is_old:
                database.execute(
                    "UPDATE snaps SET ser_change = ? WHERE rowid = ?", (row_of(state), number)
                )
                rewritten += 1
        database.execute("COMMIT")
    return rewritten


def resumed(file: Path, flow: str) -> Iterator[tuple[str, str, bytes]]:
    """The states from which Bytewax would resume, as (step, key, envelope).

    Raises `NotOurs` for a row that Vigie did not save.
    """
    with closing(_read_only(file)) as database:
        rows = database.execute(
            "SELECT step_id, state_key, snap_epoch, ser_change, MAX(snap_epoch) FROM snaps"
            " WHERE snap_epoch < ? GROUP BY step_id, state_key",
            (_resume_epoch(database),),
        )
        for step, key, epoch, row, _ in rows:
            if row is not None:
                state, _ = _state_of(flow, step, key, epoch, row)
                yield step.removeprefix(f"{flow}."), key, state


def _state_of(flow: str, step: str, key: str, epoch: int, row: object) -> tuple[bytes, bool]:
    """The envelope in a row, and whether it was made of the pickle of an earlier version."""
    where = f"table snaps, step {step!r}, key {key!r}, epoch {epoch}"
    if not isinstance(row, bytes):
        raise NotOurs(f"{where}: expected bytes, got {type(row).__name__}")
    try:
        try:
            state = bytes_of(row)
        except ValueError:
            return legacy_pickle.convert(step.removeprefix(f"{flow}."), row), True
        check_envelope(state)
    except ValueError as error:
        raise NotOurs(f"{where} is no state that Vigie saved: {error}") from error
    return state, False


def _resume_epoch(database: sqlite3.Connection) -> int:
    """The epoch at which Bytewax 0.21 resumes.

    It is the least frontier of the newest execution's workers, or where that one began.
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


def _read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
