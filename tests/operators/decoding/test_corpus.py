"""Every case of the corpus decodes to exactly what it says."""

from pathlib import Path

import pytest

from operators.decoding.catalogue import NAMES
from tests.corpus.__main__ import main
from tests.corpus.cases import OWN, PUBLIC, Case, dialect_of, load, problems

CASES = [*load(PUBLIC), *load(OWN)]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_a_case_of_the_corpus_decodes_to_what_it_says(case: Case) -> None:
    assert problems(case) == []


def test_every_dialect_has_a_case() -> None:
    assert set(NAMES) - {dialect_of(case) for case in CASES} == set()


def test_the_corpus_runner_counts_by_dialect_and_fails_with_status_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, *_ = PUBLIC.read_text(encoding="utf-8").splitlines()
    file = tmp_path / "cases.jsonl"
    file.write_text(
        good + "\n" + good.replace('"value": 27.34', '"value": 27.35'), encoding="utf-8"
    )
    assert main([str(file)]) == 1
    assert capsys.readouterr().out.splitlines()[-1].split() == ["all", "1", "1"]
    file.write_text(good, encoding="utf-8")
    assert main([str(file)]) == 0
    assert main([]) == 2
