"""A disk that is full ends no supervisor, and what could not be done is done later."""

import contextlib
from pathlib import Path
from selectors import DefaultSelector

from flows.site.books import Books
from flows.site.candidate import judge
from flows.site.children import Children
from flows.site.lines import Lines
from flows.site.version import Version
from tests.flows.running import site_of
from tests.waiting import wait_until


def test_a_log_that_takes_no_more_ends_nothing() -> None:
    went_on = False
    with contextlib.suppress(OSError), Path("/dev/full").open("w") as full:  # raises as it closes
        Lines("text", full).say("cool", "running")
        went_on = True
    assert went_on


def test_what_runs_is_known_although_it_cannot_be_noted(tmp_path: Path) -> None:
    said: list[str] = []
    books = Books(tmp_path, said.append)
    version = Version("cool", "a", "", str(tmp_path), "cool.yaml")
    books.accept(["cool.yaml"], version, "", "saved")
    assert books.running("cool") == version
    assert len(said) == 2 and "cannot be noted" in said[0]


def test_a_process_starts_although_its_number_cannot_be_noted(tmp_path: Path) -> None:
    with DefaultSelector() as selector:
        children = Children(selector, tmp_path / "nowhere" / "children.json", lambda *line: None)
        process = children.start("cool", ["/bin/true"], lambda news: None)
        assert wait_until(lambda: list(children.ended())) == [(process, 0)]


def test_a_definition_that_cannot_be_copied_is_to_be_checked_again(tmp_path: Path) -> None:
    definition = tmp_path / "cool.yaml"
    definition.write_text("vigie: 1\nflow: cool\n")
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "versions").write_text("in the way")
    verdict = judge(definition, site_of(tmp_path), tmp_path / "data", None, {})
    assert verdict.is_open and "cannot be checked yet" in str(verdict.refused)
