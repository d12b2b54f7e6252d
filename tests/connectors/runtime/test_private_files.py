"""Folders and files that only the account of Vigie may read or write."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.runtime.private_files import (
    NotPrivate,
    check_private,
    open_private,
    private_folder,
    write_private,
)


@pytest.fixture(params=[0, 0o022, 0o077, 0o277], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """The test under a umask."""
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_made_is_private_whatever_the_umask(tmp_path: Path, umask: None) -> None:
    folder = private_folder(tmp_path / "a" / "b")
    write_private(folder / "whole", b"1")
    with open_private(folder / "log", "ab") as file:
        file.write(b"2")

    assert [mode(path) for path in (folder, folder.parent)] == [0o700, 0o700]
    assert [mode(folder / name) for name in ("whole", "log")] == [0o600, 0o600]


def test_a_file_that_is_replaced_becomes_private_and_is_never_half_there(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_bytes(b"old")
    path.chmod(0o644)
    (tmp_path / "kept.new").write_bytes(b"left by a kill")

    write_private(path, b"new")

    assert (path.read_bytes(), mode(path)) == (b"new", 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_folder_that_others_may_only_read_is_taken_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    assert private_folder(tmp_path) == tmp_path
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize("bits", [0o770, 0o702, 0o777])
def test_what_others_may_write_is_refused_with_the_remedy(tmp_path: Path, bits: int) -> None:
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    file.touch()
    for path in (folder, file):
        path.chmod(bits)
        with pytest.raises(NotPrivate, match=rf"{path}.*\(mode {bits:04o}\).*chmod -R go-w {path}"):
            private_folder(path) if path == folder else check_private(path)
