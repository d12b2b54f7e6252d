"""The documents as one site."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.infra.tools import program

pytestmark = pytest.mark.infra

ROOT = Path(__file__).parents[2]


def test_the_site_is_made_without_a_dead_link_and_can_be_searched() -> None:
    program("mkdocs")
    done = subprocess.run(
        ["bash", "infra/site.sh"], cwd=ROOT, env=os.environ, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    pages = ROOT / "build" / "site" / "html"
    index = json.loads((pages / "search" / "search_index.json").read_text())
    found = " ".join(entry["text"] for entry in index["docs"])
    for word in ("debounce", "vigie export", "hysteresis", "MARIADB_URL"):
        assert word in found
    assert "fonts.googleapis.com" not in (pages / "index.html").read_text()
