from operators.events import Reading
from operators.transforms.scale import Scale
from tests.operators.shard import Shard, occurrence, reading, step


def test_a_value_is_multiplied_and_shifted_and_gets_its_unit() -> None:
    [event] = Shard(step(Scale, "scale: {times: 0.5, plus: -1, unit: °C}")).feed(reading(0, 44.0))
    assert isinstance(event, Reading)
    assert (event.value, event.unit) == (21.0, "°C")


def test_events_without_a_number_pass() -> None:
    events = [occurrence(0, "press"), reading(0, None, text="heat")]
    assert Shard(step(Scale, "scale: {times: 2}")).feed(*events) == events
