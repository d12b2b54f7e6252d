"""Steps that can be checked but not run yet, and recipes."""

import pytest
from pydantic import ValidationError

from operators.component import Operator
from operators.transforms.use import Use
from operators.vision.detect import Detect
from operators.vision.motion_gate import MotionGate
from operators.vision.track import Track
from tests.operators.shard import step


@pytest.mark.parametrize("kind", [MotionGate, Detect])
def test_steps_that_look_at_pictures_say_that_they_do_not_run_yet(kind: type[Operator]) -> None:
    assert not kind.RUNS


def test_short_forms_are_understood() -> None:
    assert step(Use, "use: clean").recipe == "clean"  # type: ignore[attr-defined]
    assert step(Track, "track: 3s").lost_after == 3  # type: ignore[attr-defined]


def test_a_confidence_over_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        step(Detect, "detect: {model: m, classes: [person], confidence: 2}")
