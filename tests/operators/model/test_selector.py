from typing import Any

import pytest
from pydantic import ValidationError

from operators.events import AlarmTransition, Detection, Summary
from operators.model.selector import Selector, glob
from operators.transforms.drop import Drop
from operators.transforms.only import Only
from tests.operators.shard import Shard, occurrence, reading, step


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*.server_room_*", "sensor.server_room_rack", True),
        ("*.server_room_*", "sensor.server_room.rack", False),
        ("sensor/*", "sensor/motion", True),
        ("sensor/*", "sensor/motion/raw", False),
        ("sensor/**", "sensor/motion/raw", True),
        ("rack_?", "rack_1", True),
        ("rack_?", "rack_12", False),
        ("a+b", "a+b", True),
        ("rack", "rack_1", False),
    ],
)
def test_stars_stay_between_separators(pattern: str, name: str, matches: bool) -> None:
    assert bool(glob(pattern).fullmatch(name)) is matches


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ({"metric": ["temperature", "humidity"]}, True),
        ({"metric": "humidity"}, False),
        ({"subject": "rack", "metric": "humidity"}, False),
        ({"label": {"area": ["hall", "yard"]}}, True),
        ({"label": {"floor": "1"}}, False),
        ({"unit": "°C", "quality": "good"}, True),
        ({"value": {"above": -40, "below": 85}}, True),
        ({"value": {"above": "86 °F"}}, True),
        ({"value": {"above": "88 °F"}}, False),
        ({"value": {"above": "1 kW"}}, False),
        ({"value": 31}, True),
        ({"value": [30, 31]}, True),
        ({"value": "on"}, False),
        ({"type": "press"}, False),
    ],
)
def test_every_key_must_match(selector: dict[str, Any], matches: bool) -> None:
    event = reading(0, 31.0, unit="°C", labels={"area": "yard"})
    assert Selector.model_validate(selector).matcher()(event) is matches


def test_limits_are_outside_of_a_range() -> None:
    matcher = Selector.model_validate({"value": {"above": 10, "below": 20}}).matcher()
    assert [matcher(reading(0, value)) for value in (10.0, 10.1, 19.9, 20.0, None)] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_words_are_those_of_the_metric() -> None:
    is_open = Selector.model_validate({"value": "open"}).matcher()
    assert is_open(reading(0, 1.0, metric="door"))
    assert is_open(reading(0, 0.0, metric="contact"))
    assert not is_open(reading(0, 0.0, metric="door"))
    assert Selector.model_validate({"value": True}).matcher()(reading(0, 1.0, metric="motion"))
    assert Selector.model_validate({"value": "heat"}).matcher()(reading(0, None, text="heat"))


def test_other_kinds_of_events_are_selected_by_their_own_fields() -> None:
    person = Detection(
        id="d", time=0, subject="g", class_="person", score=0.9, box=(0, 0, 1, 1), phase="entered"
    )
    assert Selector.model_validate({"class": "person", "phase": "entered"}).matcher()(person)
    raised = AlarmTransition(
        id="a", time=0, recorded=0, rule="r", alarm="too_hot", subject="s", occ=1, seq=1,
        event="activated",
        change="raised", state="unacked", isa="B", priority="high", value=31.0,
    )  # fmt: skip
    assert Selector.model_validate(
        {"priority": ["high"], "change": "raised", "value": {"above": 30}}
    ).matcher()(raised)
    mean = Summary(id="s", time=1, start=0, subject="a", metric="m", values={"mean": 5.0})
    assert Selector.model_validate({"value": {"above": 4}}).matcher()(mean)
    assert Selector.model_validate({"type": "press"}).matcher()(occurrence(0, "press"))


def test_only_keeps_and_drop_drops_what_matches_and_both_count() -> None:
    events = [reading(0, 1.0), reading(1, 2.0, metric="humidity")]
    only = Shard(step(Only, "only: {metric: humidity}"))
    drop = Shard(step(Drop, "drop: {metric: humidity}"))
    assert only.feed(*events) == events[1:]
    assert drop.feed(*events) == events[:1]
    assert only.counts == drop.counts == {"dropped": 1}


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ({}, "selects nothing"),
        ({"metrics": "x"}, "metrics"),
        ({"value": {"above": 3, "below": 2}}, "must be lower"),
        ({"value": {"above": "3 °C", "below": "4 W"}}, "'below' in W"),
        ({"value": {"above": "3 C"}}, "did you mean '°C'"),
    ],
)
def test_a_selector_that_cannot_be_meant_is_refused(selector: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Selector.model_validate(selector)
