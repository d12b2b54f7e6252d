"""A device whose times are steadily off by whole hours is told once, with the remedy."""

from datetime import UTC, datetime

import pytest

from operators.component import Now, StepContext
from operators.decoding.step import Decode
from operators.events import Message
from tests.operators.decoding.test_step import T


def notes(offsets: list[float], run: str = "", device: str = "rack") -> list[str]:
    """What is told of messages a minute apart whose times are off by seconds."""
    logic = Decode.model_validate("tasmota").logic(StepContext("f", "f/s/decode", run=run))
    for n, off in enumerate(offsets):
        at = T + 60 * n
        time = datetime.fromtimestamp(at - off, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        payload = f'{{"Time":"{time}","AM2301":{{"Temperature":20}}}}'.encode()
        topic = f"tele/{device}/SENSOR"
        logic.on_batch([Message(id=f"m{n}", time=at, topic=topic, payload=payload)], Now(at, at))
    assert logic.counts.get("hours_off", 0) == len(logic.notes)
    return logic.notes


@pytest.mark.parametrize(("off", "said"), [(3600, "1 h behind"), (-7190, "2 h ahead of")])
def test_a_steady_offset_is_told_once_by_name_with_the_remedy(off: float, said: str) -> None:
    (note,) = notes([off] * 9)
    assert note.startswith("rack: ") and said in note and "set the zone on the device" in note


@pytest.mark.parametrize(
    "offsets",
    [
        [3600, 3600, 5, 3600, 3600],
        [3600, 7200, 10800, 14400],
        [1800] * 9,
        [2, -3, 0, 1],
        [40000] * 5,
    ],
)
def test_other_offsets_are_not_told(offsets: list[float]) -> None:
    assert notes(offsets) == []


def test_history_that_is_replayed_is_not_told() -> None:
    assert notes([3600] * 9, run="replay") == []
