"""The model of COCO, which `make test-video` makes."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def coco() -> Path:
    """The model's file."""
    if "VIGIE_COCO" not in os.environ:
        pytest.skip("run by make test-video")
    return Path(os.environ["VIGIE_COCO"]).resolve(strict=True)
