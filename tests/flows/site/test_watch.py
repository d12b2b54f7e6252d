"""Files watched by what they hold."""

import os
from pathlib import Path

import pytest

from flows.site.version import Unusable, lay_out
from flows.site.watch import Watch


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    (tmp_path / "site.yaml").write_text("site")
    return Watch(tmp_path, tmp_path / "site.yaml")


def settled(watch: Watch) -> list[str]:
    """What changed once it holds still."""
    watch.look()
    return [path.name for path in watch.look()]


def test_a4_half_a_file_is_no_change_until_it_holds_still(watch: Watch, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    for text in ("vig", "vigie: 1", "vigie: 1\nflow: a"):
        file.write_text(text)
        assert watch.look() == []
    assert watch.look() == [file]
    assert watch.look() == []


def test_a4_changes_are_seen_however_a_file_is_saved(watch: Watch, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("1")
    os.utime(file, (0, 0))
    assert settled(watch) == ["a.yaml"]
    file.write_text("2")
    os.utime(file, (0, 0))
    assert settled(watch) == ["a.yaml"], "of the same size, with a time that stands still"
    other = tmp_path / ".a.yaml.swp"
    other.write_text("3")
    other.replace(file)
    assert settled(watch) == ["a.yaml"], "renamed over"
    file.rename(tmp_path / "A.yaml")
    assert settled(watch) == ["A.yaml"], "another case"


def test_a4_a_swapped_symlink_of_a_mounted_folder_is_seen(tmp_path: Path) -> None:
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "a.yaml").write_text(version)
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "..data").symlink_to(tmp_path / "1")
    (folder / "a.yaml").symlink_to(Path("..data", "a.yaml"))
    watch = Watch(folder, folder / "site.yaml")
    assert settled(watch) == ["a.yaml"]
    (folder / "new").symlink_to(tmp_path / "2")
    (folder / "new").replace(folder / "..data")
    assert settled(watch) == ["a.yaml"]


def test_a3_what_a_definition_reads_and_the_site_file_are_watched_with_it(
    watch: Watch, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text("a")
    settled(watch)
    watch.reads(tmp_path / "a.yaml", [str(tmp_path / "t.csv")])
    settled(watch)
    (tmp_path / "t.csv").write_text("x,y\n")
    assert settled(watch) == ["a.yaml"]
    (tmp_path / "site.yaml").write_text("other")
    assert settled(watch) == ["a.yaml"]


def test_a4_two_hundred_files_at_once_are_all_seen(watch: Watch, tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number}.yaml").write_text(str(number))
    assert len(settled(watch)) == 200


def test_a_version_holds_all_that_its_definition_reads(tmp_path: Path) -> None:
    folder = tmp_path / "flows"
    (folder / "more").mkdir(parents=True)
    main = folder / "a.yaml"
    main.write_text("include: [more/b.yaml]\ntables: {t: t.csv, rows: [{id: 1}]}\n")
    (folder / "more" / "b.yaml").write_text("tables: {u: u.csv}\n")
    (folder / "more" / "u.csv").write_text("id\n1\n")
    (folder / "t.csv").write_text("id\n1\n")
    first, named = lay_out(main, tmp_path / "one", {})
    names = ["a.yaml", "more/b.yaml", "more/u.csv", "t.csv"]
    assert sorted(str(path.relative_to(folder)) for path in named) == names
    assert (tmp_path / "one" / "more" / "u.csv").is_file()
    (folder / "more" / "u.csv").write_text("id\n2\n")
    assert lay_out(main, tmp_path / "two", {})[0] != first


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "more/../../x.csv"])
def test_a6_a_definition_reads_nothing_outside_its_folder(tmp_path: Path, path: str) -> None:
    main = tmp_path / "a.yaml"
    main.write_text(f"tables: {{t: {path}}}\n")
    with pytest.raises(Unusable, match="not below its folder"):
        lay_out(main, tmp_path / "one", {})


def test_a4_what_is_no_file_is_told_and_nobody_waits_for_it(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "link.yaml").symlink_to("nowhere.yaml")
    assert settled(watch) == ["folder.yaml", "link.yaml", "pipe.yaml"]
    for name, what in (("folder", "a folder"), ("pipe", "a pipe"), ("link", "leads nowhere")):
        with pytest.raises(Unusable, match=what):
            lay_out(tmp_path / f"{name}.yaml", tmp_path / name, {})
