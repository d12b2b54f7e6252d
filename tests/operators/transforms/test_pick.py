from operators.events import Reading, Summary
from operators.transforms.pick import Pick
from tests.operators.shard import Shard, occurrence, reading, step


def test_an_entry_of_the_data_becomes_a_reading() -> None:
    shard = Shard(step(Pick, "pick: {value: data.presence, metric: presence}"))
    [out] = shard.feed(
        occurrence(3, "motion", data={"presence": True}, labels={"area": "yard"}),
        occurrence(4, "motion"),
    )
    assert out == Reading(
        id="mat.motion@3/presence",
        time=3,
        subject="mat",
        metric="presence",
        value=1.0,
        labels={"area": "yard"},
    )
    assert shard.counts == {"missing": 1}


def test_one_statistic_of_a_summary_becomes_a_reading() -> None:
    summary = Summary(
        id="s",
        time=60,
        start=0,
        subject="rack",
        metric="temperature",
        values={"mean": 21.0, "max": 23.0},
        unit="°C",
    )
    [out] = Shard(step(Pick, "pick: {value: max, metric: hottest}")).feed(summary)
    assert isinstance(out, Reading)
    assert (out.metric, out.value, out.unit) == ("hottest", 23.0, "°C")


def test_words_numbers_in_texts_and_other_texts_are_told_apart() -> None:
    shard = Shard(step(Pick, "pick: {value: label.is, metric: door, unit: W}"))
    out = shard.feed(*(reading(0, 1.0, labels={"is": word}) for word in ("open", "2.5", "ajar")))
    assert [(event.value, event.text) for event in out if isinstance(event, Reading)] == [
        (1.0, None),
        (2.5, None),
        (None, "ajar"),
    ]
