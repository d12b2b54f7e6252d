"""What is installed is what was locked: every pin names one version and the hashes of its files."""

import re
from pathlib import Path

LOCK = Path(__file__).parent.parent / "requirements.lock"


def test_every_pin_names_one_version_and_hashes() -> None:
    text = re.sub(r"\\\n", " ", LOCK.read_text())
    pins = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert len(pins) > 100
    for pin in pins:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9_,-]+\])?==[^\s;]+", pin), pin
        assert re.findall(r"--hash=sha256:[0-9a-f]{64}\b", pin), pin
        assert "://" not in pin and " @ " not in pin, pin
