"""The file in which a sink remembers, on a disk that is full."""

from pathlib import Path

import pytest

from connectors.runtime.line_log import LineLog
from tests.chaos.small_disk import SmallDisk, missing


def read_back(path: Path) -> list[bytes]:
    lines: list[bytes] = []
    LineLog(path, lines.append, lambda: lines, "a line").close()
    return lines


@pytest.mark.skipif(missing() is not None, reason="only root may mount a small disk")
def test_a_disk_that_is_full_leaves_no_half_line_and_what_waits_is_written_once_there_is_room(
    tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = SmallDisk(tmp / "disk")
    try:
        path, lines = tmp / "disk" / "lines.log", [b"first"]
        monkeypatch.setattr("connectors.runtime.line_log.COMPACT_BYTES", 10)
        log = LineLog(path, lambda line: None, lambda: lines, "a line")

        def write(line: bytes) -> None:
            lines.append(line)
            log.write(line)

        write(b"second")
        log.sync()
        disk.fill()
        write(b"x" * 100_000)
        for _ in range(2):
            with pytest.raises(OSError, match="No space left"):
                log.sync()
            assert path.read_bytes() == b"first\nsecond\n"
        assert [one.name for one in path.parent.iterdir()] == ["filler", "lines.log"]
        disk.make_room()
        log.sync()
        disk.fill()
        write(b"y" * 10_000)  # past the length at which the file is written anew
        with pytest.raises(OSError, match="No space left"):
            log.sync()
        disk.make_room()
        write(b"last")
        log.sync()
        log.close()
        assert read_back(path) == [b"first", b"second", b"x" * 100_000, b"y" * 10_000, b"last"]
    finally:
        disk.unmount()
