from operators.component import StepContext
from operators.transforms.lookup import Lookup
from tests.operators.shard import Shard, reading, step

ROWS = [
    {"name": "rack", "room": "cellar", "floor": -1, "note": ""},
    {"name": "hall", "room": "hall"},
]
CONTEXT = StepContext(flow="f", step="f/s/lookup", tables={"rooms": ROWS})


def test_the_columns_of_the_row_become_labels() -> None:
    shard = Shard(step(Lookup, "lookup: rooms"), CONTEXT)
    [event] = shard.feed(reading(0, 1.0, labels={"own": "x"}))
    assert event.labels == {"own": "x", "room": "cellar", "floor": "-1"}  # type: ignore[union-attr]


def test_a_row_is_found_by_the_column_of_the_keys_name() -> None:
    shard = Shard(step(Lookup, "lookup: {table: rooms, key: room}"), CONTEXT)
    [event] = shard.feed(reading(0, 1.0, labels={"room": "cellar"}))
    assert event.labels["name"] == "rack"  # type: ignore[union-attr]


def test_an_event_without_a_row_passes_and_is_counted() -> None:
    shard = Shard(step(Lookup, "lookup: rooms"), CONTEXT)
    event = reading(0, 1.0, subject="elsewhere")
    assert shard.feed(event) == [event]
    assert shard.counts == {"unknown": 1}
