"""Every input that fuzzing found worth keeping still has a documented outcome."""

import pytest

from tests.fuzz.packed import MOST_BYTES, inputs
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_the_inputs_that_fuzzing_found_are_read_or_refused(name: str) -> None:
    for data in inputs(name):
        TARGETS[name].run(data)


def test_the_kept_inputs_are_small() -> None:
    assert all(sum(map(len, inputs(name))) < MOST_BYTES for name in TARGETS)
