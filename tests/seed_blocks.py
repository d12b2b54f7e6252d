"""Seeds of a property test, in blocks: `make check` plays the first, `make test` all."""

import pytest


def seed_blocks(end: int, block: int) -> list[object]:
    """The first seed of each block of `block` seeds before `end`, for `parametrize`."""
    return [
        pytest.param(first, marks=[pytest.mark.slow] if first else [])
        for first in range(0, end, block)
    ]
