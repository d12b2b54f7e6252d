"""Archives are unpacked below their folder, by every version of Python."""

import io
import tarfile
from pathlib import Path

import pytest

from connectors.runtime.private_files import unpack


@pytest.fixture(params=["of today", "before 3.11.4"])
def python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "before 3.11.4":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


def archive(*members: tarfile.TarInfo) -> tarfile.TarFile:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return tarfile.open(fileobj=io.BytesIO(whole.getvalue()))


def file(name: str) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size, made.mode, made.uid = 3, 0o4777, 12345
    return made


@pytest.mark.usefixtures("python")
def test_files_and_folders_are_unpacked_as_ones_own(tmp_path: Path) -> None:
    unpack(archive(file("a"), file("b/c")), tmp_path)
    for path in (tmp_path / "a", tmp_path / "b" / "c"):
        assert path.read_bytes() == b"xxx"
        assert path.stat().st_uid == tmp_path.stat().st_uid
        assert path.stat().st_mode & 0o6022 == 0, "nobody else may write it, and it sets no user"


@pytest.mark.usefixtures("python")
@pytest.mark.parametrize("name", ["../out", "b/../../out", "link"])
def test_what_would_lie_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    bad = file(name)
    if name == "link":
        bad.type, bad.linkname, bad.size = tarfile.SYMTYPE, "../../out", 0
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(tarfile.TarError):
        unpack(archive(bad), into)
    assert not (tmp_path / "out").exists()
