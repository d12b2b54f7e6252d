"""The alarm engine against its vectors, and against a second implementation on random histories."""

from pathlib import Path
from typing import Any

import pytest

from tests.alarm_vectors import __main__ as command
from tests.alarm_vectors.compare import compare
from tests.alarm_vectors.driver import check_vector, restarted_everywhere

DATA = Path(__file__).parents[2] / "data"
FILE = DATA / "alarm_vectors.yaml"
VECTORS = [*command.load(FILE), *command.load(DATA / "alarm_vectors_own.yaml")]
HISTORIES = 400


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_vector_gives_exactly_its_transitions(vector: dict[str, Any]) -> None:
    assert check_vector(vector) == []


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_vector_gives_the_same_with_a_restart_after_every_step(vector: dict[str, Any]) -> None:
    assert check_vector(restarted_everywhere(vector)) == []


def test_the_command_counts_passed_and_failed_vectors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([str(FILE)]) == 0
    assert f"{len(command.load(FILE))} passed, 0 failed" in capsys.readouterr().out
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        "vectors: [{name: wrong, rule: {when: {above: 30}}, steps: [{at: 0, reading: 31}], expect:"
        " []}]",
        encoding="utf-8",
    )
    assert command.main([str(wrong)]) == 1
    assert "0 passed, 1 failed" in capsys.readouterr().out


FOUND = (25826, 26096, 26729, 700971, 705474, 705553, 706136, 709382)
"""Seeds of histories that once differed."""


def test_histories_that_once_differed_are_the_same_now() -> None:
    for seed in FOUND:
        compare(seed)


@pytest.mark.parametrize("seed", range(0, HISTORIES, 20))
def test_random_histories_give_the_transitions_of_the_reference(seed: int) -> None:
    for one in range(seed, seed + 20):
        compare(one)
