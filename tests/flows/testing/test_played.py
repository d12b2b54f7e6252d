"""Definitions that say by their own tests what a user can rely on: `tests/data/played`."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli import main

PLAYED = Path(__file__).parents[2] / "data" / "played"


@pytest.mark.parametrize("name", sorted(p.stem for p in PLAYED.glob("*.yaml") if p.stem != "site"))
def test_what_a_definition_says_by_its_tests_is_so(name: str) -> None:
    result = CliRunner().invoke(main, ["test", str(PLAYED / f"{name}.yaml")])
    assert result.exit_code == 0, result.output
