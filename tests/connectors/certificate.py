"""A certificate for 127.0.0.1 that signs itself, for the tests of encrypted connections."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest


class Certificate(NamedTuple):
    cert: Path
    key: Path


def make_certificate(folder: Path) -> Certificate:
    """Make one in `folder`, readable by everybody; skips the test where there is no openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("the program openssl is not installed")
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "2",
         "-keyout", made.key, "-out", made.cert, "-subj", "/CN=localhost", "-addext",
         "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    made.key.chmod(0o644)
    return made
