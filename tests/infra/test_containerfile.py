"""The image's file, as its own linter reads it."""

import subprocess
from pathlib import Path

import pytest

from tests.infra.tools import program

pytestmark = pytest.mark.infra


def test_the_linter_of_container_files_finds_nothing() -> None:
    path = Path(__file__).parents[2] / "infra" / "Containerfile"
    done = subprocess.run(
        [program("hadolint"), str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
