"""Dialects that a definition writes itself."""

from typing import Any

import pytest
from pydantic import ValidationError

from operators.component import Now, StepContext
from operators.decoding.own_dialects import OwnDialect
from operators.decoding.step import Decode
from tests.operators.decoding.test_step import T, message
from tests.operators.decoding.test_zigbee2mqtt_exposes import words

BOX = {
    "topics": ["grow/{box}/data", "old/+/{box}"],
    "subject": "box {box}",
    "time": "meta.ts",
    "readings": [
        {"metric": "temperature", "value": "air.0.t", "unit": "°F"},
        {"metric": "contact", "value": "lid", "on": "SHUT", "off": ["OPEN", "AJAR"]},
        {"metric": "value", "value": "ph", "endpoint": "ph"},
    ],
}
LIST = {
    "topics": ["site/{gateway}/#"],
    "subject": "{gateway}/{serial}",
    "each": "items",
    "time": "ts",
    "readings": [{"metric": "{kind}", "value": "v", "unit": "{u}", "endpoint": "{n}"}],
}


def decode(settings: Any, topic: str, payload: Any, codec: str = "auto") -> Any:
    own = {"mine": OwnDialect.model_validate(settings).dialect()}
    context = StepContext("f", "f/s/decode", dialects=own)
    logic = Decode.model_validate(codec).logic(context)
    events = logic.on_batch([message(topic, payload)], Now(T, T))
    return events, [letter.reason for letter in logic.errors]


@pytest.mark.parametrize("codec", ["auto", "mine"])
@pytest.mark.parametrize("topic", ["grow/7/data", "old/x/7"])
def test_fixed_readings_stand_at_their_paths(codec: str, topic: str) -> None:
    payload = {"air": [{"t": 212}], "lid": "AJAR", "ph": 6.5, "meta": {"ts": T - 30}}
    events, refused = decode(BOX, topic, payload, codec)
    assert words(events) == [
        "box 7 temperature 100 °C", "box 7 contact 0", "box 7#ph value 6.5",
    ]  # fmt: skip
    assert [event.time for event in events] == [T - 30] * 3 and not refused


def test_readings_of_a_list_say_themselves_what_they_are() -> None:
    items = [
        {"kind": "temp", "v": "300", "u": "K", "n": 1, "serial": "A"},
        {"kind": "ph", "v": 6.5, "serial": "B"},
        {"kind": "hum", "v": None, "serial": "B", "ts": T - 1},
    ]
    events, _ = decode(LIST, "site/g1/up/x", {"ts": T - 9, "items": items})
    assert words(events) == [
        "g1/A#1 temperature 26.85 °C", "g1/B#ph value 6.5", "g1/B humidity None % bad",
    ]  # fmt: skip
    assert [event.time for event in events] == [T - 9, T - 9, T - 1]


def test_readings_of_a_map_know_their_key_and_a_bare_value_is_the_whole_payload() -> None:
    per_key = {**LIST, "each": "rooms", "subject": "{key}", "time": None, "readings": [
        {"metric": "motion", "value": "."}]}  # fmt: skip
    events, _ = decode(per_key, "site/g/x", {"rooms": {"hall": True, "attic": "off"}})
    assert words(events) == ["hall motion 1", "attic motion 0"]
    bare = {"topics": ["t/{room}/temp"], "subject": "{room}", "readings": [
        {"metric": "temperature"}]}  # fmt: skip
    assert words(decode(bare, "t/hall/temp", "21.5")[0]) == ["hall temperature 21.5 °C"]
    online = {"topics": ["t/{room}/up"], "subject": "{room}", "readings": [
        {"metric": "availability", "on": "alive", "off": "dead"}]}  # fmt: skip
    assert words(decode(online, "t/hall/up", "dead")[0]) == ["hall availability 0"]


def test_what_holds_none_of_it_is_a_dead_letter_and_other_topics_are_others() -> None:
    assert decode(BOX, "grow/7/data", {"x": 1}) == ([], ["unrecognised"])
    assert decode(BOX, "grow/7/data", "{") == ([], ["bad_json"])
    assert decode(BOX, "grow/7/other", {"x": 1}, "mine") == ([], ["unrecognised"])
    assert words(decode(BOX, "zigbee2mqtt/a", {"power": 1})[0]) == ["a power 1 W"]


def test_a_device_without_its_name_is_nobody_s_reading() -> None:
    named = {**LIST, "each": None, "subject": "box {serial}"}
    assert decode(named, "site/g/x", {"kind": "temp", "v": 1}) == ([], ["unrecognised"])
    items = [{"kind": "hum", "v": 1}, {"kind": "hum", "v": 2, "serial": "B"}]
    assert words(decode(LIST, "site/g1/x", {"items": items})[0]) == ["g1/B humidity 2 %"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"topics": ["a/x+"]}, "whole level"), ({"topics": ["a/{x"]}, "as {device}"),
        ({"topics": ["{a}/{a}"]}, "each name once"), ({"topics": []}, "at least 1"),
        ({"readings": []}, "at least 1"), ({"readings": [{"metric": "heat stroke"}]}, "no metric"),
        ({"readings": [{"metric": "temp"}]}, "did you mean 'temperature'"),
        ({"readings": [{"metric": "temperature", "unit": "kg"}]}, "no unit of temperature"),
        ({"readings": [{"metric": "motion", "unit": "kg"}]}, "has no unit"),
        ({"readings": [{"metric": "power", "on": "x"}]}, "not on or off"),
        ({"readings": [{"metric": "lock", "on": "x", "off": ["y", "x"]}]}, "means on and off"),
        ({"readings": [{"metric": "lock", "on": []}]}, "give 'on' and 'off' words"),
        ({"readings": [{"metric": "power", "value": "$.p"}]}, "is no path: write the keys"),
        ({"readings": [{"metric": "power", "value": "a[0].p"}]}, "is no path: write the keys"),
        ({"readings": [{"metric": "power", "value": "{p}"}]}, "is no path: write the keys"),
        ({"time": "a..b"}, "is no path"), ({"each": ""}, "at least 1"),
        ({"subject": "{box"}, "stands in braces"), ({"subject": "x{}"}, "between the braces"),
        ({"topics": [""]}, "a topic is empty"), ({"topics": ["{topic}/x"]}, "meaning already"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_the_remedy(changes: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        OwnDialect.model_validate({**BOX, **changes})
