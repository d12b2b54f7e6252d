"""An alarm follows the labels of its readings while it stands: its limits and its page.

Labels change when the row of a table that a step `enrich` takes is changed.
"""

import pytest

from operators.component import Now
from operators.events import Reading
from tests.operators.alarms.test_levels import changes_of, feed, logic, reading

LIMITED = "{from: r, when: {above: {column: limit}}, response: Look.}"
PAGED = "{from: r, when: {above: 30}, page: {column: area, default: site}, response: Look.}"


def limited(time: float, value: float, limit: str | None) -> object:
    return reading(time, value, labels={"limit": limit} if limit else {})


@pytest.mark.parametrize(
    ("readings", "changes"),
    [
        ([(1, 35, "30"), (2, 36, "60"), (3, 70, "60")], ["raised", "returned", "raised"]),
        ([(1, 35, "60"), (2, 36, "30"), (3, 20, "30")], ["raised", "returned"]),
        ([(1, 35, "30"), (2, 70, "60"), (3, 50, "60")], ["raised", "rule_changed", "returned"]),
        ([(1, 35, "30 °C"), (2, 36, "86 °F"), (3, 29, "86 °F")], ["raised", "returned"]),
        ([(1, 35, "30"), (2, 36, None), (3, 37, None)], ["raised", "removed"]),
        ([(1, 35, "30"), (3, 36, "30"), (2, 34, "90"), (4, 35, "30")], ["raised"]),
    ],
)
def test_a_limit_from_a_label_is_that_of_each_reading(
    readings: list[tuple[float, float, str | None]], changes: list[str]
) -> None:
    alarm = logic(LIMITED)
    found = feed(alarm, *(limited(*one) for one in readings))  # type: ignore[arg-type]

    heard = [change for _, change, _ in found if change != "rule_changed" or change in changes]
    assert heard == changes


def test_a_limit_that_is_none_stops_no_flow_and_changes_nothing_that_stands() -> None:
    alarm = logic(LIMITED)
    given = [
        limited(1, 35, "abc"),
        limited(2, 35, "30"),
        limited(3, 36, "warm"),
        limited(4, 20, ""),
    ]

    assert [change for _, change, _ in feed(alarm, *given)] == ["raised", "removed"]  # type: ignore[arg-type]
    assert alarm.counts == {"bad_limit": 2, "no_limit": 1}


def test_a_limit_follows_its_label_among_many_normal_subjects_in_one_batch() -> None:
    alarm = logic(LIMITED)
    first = [reading(1, 20, f"s{n}", labels={"limit": "30"}) for n in range(3000)]
    then = [reading(2, 20, f"s{n}", labels={"limit": "10"}) for n in range(3000)]
    alarm.on_batch(list(first), Now(1, 1))

    raised = changes_of(alarm.on_batch(list(then), Now(2, 2)))

    assert [change for _, change, _ in raised] == ["raised"] * 3000


def test_an_alarm_moves_to_the_page_that_its_label_names_at_the_next_reading() -> None:
    alarm = logic(PAGED)
    alarm.on_batch([reading(1, 35, labels={"area": "hall"})], Now(1, 1))

    moved = alarm.on_batch([reading(2, 35, labels={"area": "yard"})], Now(2, 2))

    assert [(one.change, one.page, one.annunciation) for one in moved] == [  # type: ignore[union-attr]
        ("removed", "hall", "end"),
        ("rule_changed", "yard", "start"),
    ]
    assert alarm.on_batch([reading(3, 35, labels={"area": "yard"})], Now(3, 3)) == []


def areas(time: float, value: float, area: str) -> object:
    return reading(time, value, labels={"area": area})


@pytest.mark.parametrize(
    ("alarm", "first", "behind", "second"),
    [
        (LIMITED, limited(50, 35, "30"), limited(55, 36, "30"), limited(58, 36, "90")),
        (PAGED, areas(50, 35, "hall"), areas(55, 36, "hall"), areas(58, 36, "yard")),
    ],
)
def test_labels_count_of_a_device_whose_readings_come_behind_the_time_of_the_others(
    alarm: str, first: object, behind: object, second: object
) -> None:
    late = logic(alarm)
    late.on_batch([first], Now(50, 50))  # type: ignore[list-item]
    late.on_time(Now(60, 60))
    late.on_batch([behind], Now(60, 61))  # type: ignore[list-item]
    late.on_time(Now(100, 100))
    found = late.on_batch([second], Now(100, 101))  # type: ignore[list-item]

    assert [one.change for one in found if one.annunciation] == (  # type: ignore[union-attr]
        ["returned"] if alarm is LIMITED else ["removed", "rule_changed"]
    )


@pytest.mark.parametrize("time", [1, 5000], ids=["late", "of the future"])
def test_labels_of_a_reading_that_does_not_count_change_nothing(time: float) -> None:
    alarm = logic(LIMITED)
    feed(alarm, limited(2, 35, "30"))  # type: ignore[arg-type]

    assert changes_of(alarm.on_batch([limited(time, 36, "90")], Now(2, 3))) == []  # type: ignore[list-item]
    assert feed(alarm, limited(4, 36, "30"), limited(5, 20, "30")) == [(5, "returned", "medium")]  # type: ignore[arg-type]


def test_a_late_reading_brings_back_no_alarm_that_is_judged_no_longer() -> None:
    alarm = logic(LIMITED.replace("response", "armed: {while: key}, response"))

    def key(time: float, value: float) -> None:
        given = Reading(id=f"{time}", time=time, subject="key", metric="state", value=value)
        alarm.on_role("armed", [given], Now(time, time))

    key(1, 1.0)
    found = feed(alarm, limited(2, 35, "30"), limited(3, 36, None))  # type: ignore[arg-type]
    assert [change for _, change, _ in found] == ["raised", "removed"]
    key(4, 0.0)
    alarm.on_batch([limited(2, 35, "30")], Now(4, 4))  # type: ignore[list-item]

    (hidden, raised) = alarm.on_batch([limited(5, 35, "30")], Now(5, 5))  # type: ignore[list-item]
    assert (hidden.change, raised.annunciation) == ("suppressed", None)  # type: ignore[union-attr]
