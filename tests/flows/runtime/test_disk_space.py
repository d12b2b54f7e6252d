"""A full disk: waited for, said, and recognised in whatever error it shows itself."""

import errno
import sqlite3
import threading
from collections import namedtuple
from pathlib import Path

import pytest

from connectors.base import Health, Stopped
from flows.runtime.disk_space import NAME, NEEDED, check_room, is_full, room_for

Usage = namedtuple("Usage", "total used free")


def full() -> sqlite3.Error:
    """What SQLite raises when it has no room."""
    database = sqlite3.connect(":memory:")
    database.execute("PRAGMA max_page_count = 1")
    try:
        database.execute("CREATE TABLE t(x)")
        database.execute("CREATE TABLE u(x)")
    except sqlite3.Error as error:
        return error
    finally:
        database.close()
    raise AssertionError("SQLite had room")


ENGINE = RuntimeError(
    "`Err` value: SqliteFailure(Error { code: DiskFull, extended_code: 13 }, Some(...))"
)


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (full(), True),
        (ENGINE, True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (sqlite3.OperationalError("no such table"), False),
        (RuntimeError("something else"), False),
    ],
)
def test_a_full_disk_is_told_from_other_errors(error: Exception, answer: bool) -> None:
    assert is_full(error) is answer


def test_a_full_disk_is_found_behind_the_error_it_caused() -> None:
    error = RuntimeError("the sink failed")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert is_full(error)


def test_a_start_on_a_full_disk_waits_for_room_and_says_so_once(
    tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter([0, 100, NEEDED])
    monkeypatch.setattr(
        "flows.runtime.disk_space.shutil.disk_usage", lambda path: Usage(1, 1, next(free))
    )
    monkeypatch.setattr("flows.runtime.disk_space.LOOK", 0.0)
    said: list[tuple[str, bool]] = []
    health = Health(lambda name, up, detail: said.append((name, up)))
    with room_for(tmp / "flows" / "f", health, threading.Event()):
        assert said == [(NAME, False), (NAME, True)]


def test_a_wait_for_room_ends_with_a_stop_request(
    tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "flows.runtime.disk_space.shutil.disk_usage", lambda path: Usage(1, 1, 5 << 10)
    )
    stopping = threading.Event()
    stopping.set()
    with (
        pytest.raises(Stopped, match=r"is full \(5 KiB free\); make room"),
        room_for(tmp, Health(), stopping),
    ):
        pytest.fail("it ran on a full disk")


def test_nothing_is_saved_on_a_disk_without_room(
    tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_room(tmp)
    monkeypatch.setattr(
        "flows.runtime.disk_space.shutil.disk_usage", lambda path: Usage(1, 1, 5 << 10)
    )
    with pytest.raises(OSError, match="No space left") as raised:
        check_room(tmp)
    assert is_full(raised.value)


def test_a_disk_that_becomes_full_is_said_in_plain_words_and_other_errors_stay(tmp: Path) -> None:
    with (
        pytest.raises(Stopped, match="is full; make room"),
        room_for(tmp, Health(), threading.Event()),
    ):
        raise ENGINE
    with pytest.raises(KeyError), room_for(tmp, Health(), threading.Event()):
        raise KeyError("another fault")
