from operators.events import Occurrence
from operators.model.template import Template
from operators.transforms.shape import ShapeStep
from tests.operators.shard import Shard, occurrence, reading, step


def test_an_event_takes_the_new_form() -> None:
    shard = Shard(step(ShapeStep, 'shape: {state: "{value} {unit}", at: "{time:epoch}"}'))
    [event] = shard.feed(reading(5, 31.0, unit="°C", labels={"area": "yard"}))
    assert event == Occurrence(
        id="rack.temperature@5", time=5, subject="rack", type="temperature",
        data={"state": "31 °C", "at": 5},
        labels={"area": "yard"},
    )  # fmt: skip
    assert Template("{state}").render(event) == "31 °C"


def test_subject_and_type_may_be_given() -> None:
    shard = Shard(step(ShapeStep, 'shape: {subject: "{area}", type: alert, all: "{data}"}'))
    [event] = shard.feed(occurrence(0, "press", labels={"area": "yard"}, data={"pin": 17}))
    assert isinstance(event, Occurrence)
    assert (event.subject, event.type, event.data["all"]) == ("yard", "alert", {"pin": 17})
