"""Programs of `make test-infra`, which a test is left out without."""

import shutil

import pytest


def program(name: str) -> str:
    """The path of a program; skips the test where it is not there."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not here; make test-infra brings it")
    return found
