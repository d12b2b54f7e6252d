"""The page's logic that needs no browser, in Node."""

import subprocess
from pathlib import Path

import playwright
import pytest

NODE = Path(playwright.__file__).parent / "driver" / "node"
UNITS = sorted((Path(__file__).parent / "units").glob("*.mjs"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_what_needs_no_browser_holds_in_node(unit: Path) -> None:
    done = subprocess.run([NODE, unit], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
