"""`for_readings` and `clear_for_readings`: an alarm begins or ends after readings in a row."""

import pytest
from pydantic import ValidationError

from operators.alarms.logic import make_logic
from operators.alarms.settings import Alarm
from operators.component import Now, StepContext
from operators.events import AlarmTransition, Reading
from operators.model.saved_state import decode, encode
from operators.threshold.step import Threshold


@pytest.mark.parametrize(
    ("when", "values", "changes"),
    [
        ({"above": 30, "for_readings": 3}, "HH-HHH-", {5: "raised", 6: "returned"}),
        ({"above": 30, "clear": 28, "for_readings": 2}, "H=HHH", {3: "raised"}),
        ({"above": 30, "clear": 28, "clear_for_readings": 2}, "H-H-=--",
        {0: "raised", 6: "returned"}),
        ({"above": 30, "times": 2, "in": "1h", "clear_for_readings": 2}, "H-H-H---H",
        {2: "raised", 6: "returned"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("restarts", [False, True])
def test_an_alarm_begins_and_ends_after_so_many_readings(when, values, changes, restarts) -> None:
    alarm = Alarm.model_validate({"from": "x", "when": when, "response": "Look."})
    context = StepContext("f", "f/hot")
    logic, found = make_logic(alarm, context), {}
    for n, letter in enumerate(values):
        value = {"H": 31.0, "-": 20.0, "=": 29.0}[letter]
        reading = Reading(id=str(n), time=float(n), subject="s", metric="t", value=value)
        for event in logic.on_batch([reading], Now(n - 5.0, float(n))):
            assert isinstance(event, AlarmTransition)
            found[n] = event.change
        if restarts:
            saved = decode(encode(logic.snapshot()), logic.STATE)
            logic = make_logic(alarm, context)
            logic.restore(saved, logic.VERSION)
    assert found == changes


def test_only_alarms_with_a_value_count_readings_in_a_row() -> None:
    with pytest.raises(ValidationError, match="readings in a row do not count"):
        Alarm.model_validate(
            {"from": "x", "when": {"silent": "1h", "for_readings": 2}, "response": "Look."}
        )
    with pytest.raises(ValidationError, match="an alarm counts readings in a row"):
        Threshold.model_validate({"above": 1, "for_readings": 2})
