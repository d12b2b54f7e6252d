"""The starting position of a reader under kills at every step."""

from pathlib import Path

from connectors.mariadb.start_file import StartFile
from tests.faults import killed_after_each_effect


def begin(folder: Path, file: int) -> None:
    """A flow that has no saved position: it keeps where it begins, until it has saved one."""
    start = StartFile(folder / "flows", "history", ["recorder"])
    position = start.load() or {"file": file}
    start.save(position)
    assert StartFile(folder / "flows", "history", ["recorder"]).load() == position
    start.forget()


def test_a_killed_flow_begins_where_it_began_first_or_had_not_begun(tmp_path: Path) -> None:
    found = []
    for number in killed_after_each_effect(begin, lambda number: (tmp_path / str(number), 1)):
        start = StartFile(tmp_path / str(number) / "flows", "history", ["recorder"])
        found.append(start.load())
        begin(tmp_path / str(number), 2)
        assert start.load() is None
        assert not list((tmp_path / str(number) / "flows").iterdir())
    assert found[0] is None
    assert found[-1] is None
    assert {"file": 1} in found
