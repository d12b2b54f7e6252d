"""The folder of the compose file after `setup.sh`, in a folder of the test's own."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def site(tmp: Path) -> Path:
    """`infra/compose` beside a copy of the definitions it takes, with secrets, site and data."""
    folder = tmp / "infra" / "compose"
    ignored = shutil.ignore_patterns("secrets", "site", "data")
    shutil.copytree(ROOT / "infra" / "compose", folder, ignore=ignored)
    shutil.copytree(ROOT / "flows" / "definitions", tmp / "flows" / "definitions")
    subprocess.run(["sh", str(folder / "setup.sh")], check=True, capture_output=True)
    return folder
