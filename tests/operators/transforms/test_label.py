import pytest
from pydantic import ValidationError

from operators.transforms.label import Label
from tests.operators.shard import Shard, reading, step


def test_labels_are_added_and_replaced() -> None:
    shard = Shard(step(Label, "label: {area: yard, floor: 2}"))
    [event] = shard.feed(reading(0, 1.0, labels={"area": "hall", "owner": "us"}))
    assert event.labels == {"area": "yard", "floor": "2", "owner": "us"}  # type: ignore[union-attr]


def test_a_label_may_be_made_of_fields() -> None:
    shard = Shard(step(Label, 'label: {name: "{subject} {value}"}'))
    [event] = shard.feed(reading(0, 31.0))
    assert event.labels == {"name": "rack 31"}  # type: ignore[union-attr]
    assert step(Label, 'label: {name: "{subject}"}').placeholders() == ["subject"]  # type: ignore[attr-defined]


def test_the_event_before_is_not_changed() -> None:
    event = reading(0, 1.0)
    Shard(step(Label, "label: {area: yard}")).feed(event)
    assert event.labels == {}


@pytest.mark.parametrize(("text", "message"), [("label: yard", "needs a map"), ("label: {}",
"empty"),
                                               ('label: {a: "{x"}', "not closed")])  # fmt: skip
def test_what_is_no_map_of_texts_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        step(Label, text)
