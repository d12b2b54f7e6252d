from operators.events import Occurrence, Reading
from operators.transforms.translate import Translate
from tests.operators.shard import Shard, occurrence, reading, step

TYPES = "field: type, values: {MOTION_DETECTED: motion_detected}"


def test_known_values_are_replaced_and_others_kept() -> None:
    shard = Shard(step(Translate, f"translate: {{{TYPES}, otherwise: keep}}"))
    out = shard.feed(occurrence(0, "MOTION_DETECTED"), occurrence(1, "OTHER"))
    assert [e.type for e in out if isinstance(e, Occurrence)] == ["motion_detected", "OTHER"]


def test_unknown_values_are_set_aside_with_the_remedy() -> None:
    shard = Shard(step(Translate, f"translate: {{{TYPES}}}"))
    assert shard.feed(occurrence(1, "OTHER")) == []
    [letter] = shard.errors
    assert (letter.reason, letter.origin) == ("untranslated", "mat")
    assert "otherwise: keep" in letter.detail


def test_unknown_values_may_become_one_value() -> None:
    shard = Shard(step(Translate, f"translate: {{{TYPES}, otherwise: unknown}}"))
    [event] = shard.feed(occurrence(1, "OTHER"))
    assert isinstance(event, Occurrence)
    assert event.type == "unknown"


def test_an_event_without_the_field_passes() -> None:
    event = reading(0, 1.0)
    assert Shard(step(Translate, f"translate: {{{TYPES}}}")).feed(event) == [event]


def test_states_are_translated_by_their_words() -> None:
    shard = Shard(step(Translate, "translate: {field: value, values: {ajar: open, open: closed}}"))
    out = shard.feed(reading(0, None, metric="door", text="ajar"), reading(1, 1.0, metric="door"))
    assert [e.value for e in out if isinstance(e, Reading)] == [1.0, 0.0]
