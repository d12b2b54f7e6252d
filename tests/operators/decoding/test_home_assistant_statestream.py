"""What Home Assistant says of an entity with `publish_attributes: true` holds for its states."""

from operators.component import Now, StepContext
from operators.decoding.step import Decode
from operators.events import Message, Reading

AT = 1_772_366_400.0
SENSOR = "homeassistant/sensor/outdoor_temp/"


def decoder():
    return Decode.model_validate("auto").logic(StepContext(flow="f", step="f/decode"))


def read(logic, topic, payload):
    message = Message(id="m", time=AT, topic=topic, payload=payload.encode(), retained=False)
    return [
        (event.subject, event.metric, event.value if event.text is None else event.text, event.unit)
        for event in logic.on_batch([message], Now(AT, AT))
        if isinstance(event, Reading)
    ]


def test_a_stated_unit_holds_for_the_states_that_follow_and_across_a_restart():
    logic = decoder()
    assert read(logic, f"{SENSOR}unit_of_measurement", '"\\u00b0F"') == []
    [(subject, metric, value, unit)] = read(logic, f"{SENSOR}state", "70.7")
    assert (subject, metric, round(value, 2), unit) == (
        "sensor.outdoor_temp", "temperature", 21.5, "°C",
    )  # fmt: skip
    again = decoder()
    again.restore(logic.snapshot(), logic.VERSION)
    assert read(again, f"{SENSOR}state", "70.7") == [(subject, metric, value, unit)]
    read(again, f"{SENSOR}unit_of_measurement", '"°C"')
    assert read(again, f"{SENSOR}state", "21.5") == [(subject, metric, 21.5, "°C")]


def test_a_device_class_says_what_a_name_does_not():
    logic = decoder()
    read(logic, "homeassistant/binary_sensor/b1/device_class", '"window"')
    assert read(logic, "homeassistant/binary_sensor/b1/state", "on") == [
        ("binary_sensor.b1", "contact", 0.0, None)
    ]
