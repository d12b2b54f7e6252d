from operators.transforms.rename import Rename
from tests.operators.shard import Shard, occurrence, reading, states, step


def test_metrics_and_types_take_their_new_name_and_others_keep_theirs() -> None:
    shard = Shard(step(Rename, "rename: {hum: humidity, PRESS: button_pressed}"))
    out = shard.feed(reading(0, 40.0, metric="hum"), reading(1, 20.0), occurrence(2, "PRESS"))
    assert [name for _, name, _ in states(out)] == ["humidity", "temperature", "button_pressed"]
