"""What Vigie is made of is pinned, hashed and listed."""

import json
import re
from pathlib import Path

import pytest

from infra.sbom import LockError, bill, main, pins

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
HASH = "--hash=sha256:" + "0" * 64


def test_every_package_of_the_lock_file_is_pinned_and_hashed() -> None:
    found = pins(LOCK)
    assert len(found) == len(re.findall(r"^[a-z].*==", LOCK, re.MULTILINE)) > 100
    assert all(hashes for _, _, hashes in found)


@pytest.mark.parametrize(
    "line",
    [
        "flask==3.0 ",
        f"flask>=3.0 {HASH}",
        f"flask {HASH}",
        f"git+https://example.org/x {HASH}",
        f"-e . {HASH}",
        "--index-url https://example.org",
        "flask==3.0 --hash=md5:00",
    ],
)
def test_a_line_that_pins_or_hashes_nothing_is_refused(line: str) -> None:
    with pytest.raises(LockError):
        pins(f"click==8.1 \\\n    {HASH}\n{line}\n")


def test_the_bill_of_materials_is_cyclonedx_and_the_same_each_time(tmp_path: Path) -> None:
    main(str(tmp_path / "one.json"))
    main(str(tmp_path / "two.json"))
    text = (tmp_path / "one.json").read_text()
    assert text == (tmp_path / "two.json").read_text()
    made = json.loads(text)
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    refs = [one["bom-ref"] for one in made["components"]]
    assert len(set(refs)) == len(refs) == len(pins(LOCK))
    assert any(ref.startswith("pkg:pypi/starlette@") for ref in refs)


def test_a_marker_is_no_part_of_a_version() -> None:
    project = {"name": "v", "version": "1", "description": "", "license": "Apache-2.0"}
    made = bill(project, f"Flask[async]==3.0 ; python_version < '3.12' \\\n    {HASH}\n")
    assert made["components"][0]["purl"] == "pkg:pypi/flask@3.0"
