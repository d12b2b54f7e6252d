"""What definitions say of priorities that rise, data that stay out, chatter, and hiding that
lasts.
"""

from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from operators.alarms.base_logic import AlarmLogic
from operators.alarms.logic import make_logic
from operators.alarms.settings import Alarm
from operators.component import Now, StepContext
from operators.events import AlarmTransition, Event, Reading
from operators.model.saved_state import decode, encode

FREEZER = """
from: readings
when: {above: -18 °C, clear: -19 °C}
priority: medium
levels: [{priority: high, above: -15 °C, clear: -16 °C}, {priority: critical, above: 14 °F}]
response: Close the door.
"""


def settings(text: str) -> Alarm:
    return Alarm.model_validate(YAML(typ="safe", pure=True).load(text))


def logic(text: str, **context: Any) -> AlarmLogic:
    return make_logic(settings(text), StepContext("room", "room/too_warm", **context))


def reading(time: float, value: float | None, subject: str = "f1", **fields: Any) -> Reading:
    return Reading(
        id=f"{subject}-{time}",
        time=time,
        subject=subject,
        metric="temperature",
        value=value,
        unit="°C",
        **fields,
    )


def changes_of(events: list[Event]) -> list[tuple[float, str, str]]:
    return [(e.time, e.change, e.priority) for e in events if isinstance(e, AlarmTransition)]


def feed(alarm: AlarmLogic, *events: Reading) -> list[tuple[float, str, str]]:
    """Each event by itself, with the state saved and restored before each."""
    found = []
    for event in events:
        saved = decode(encode(alarm.snapshot()), alarm.STATE)
        alarm.restore(saved, alarm.VERSION)
        found += changes_of(alarm.on_batch([event], Now(event.time, event.time)))
    return found


def tick(alarm: AlarmLogic, time: float) -> list[tuple[float, str, str]]:
    return changes_of(alarm.on_time(Now(time, time)))


def test_the_priority_follows_the_limits_while_the_alarm_lasts() -> None:
    alarm = logic(FREEZER)
    values = [(0, -20), (1, -17), (2, -14), (3, -9), (4, -11), (5, -15.5), (6, -16), (7, -19)]
    assert feed(alarm, *(reading(at, value) for at, value in values)) == [
        (1, "raised", "medium"),
        (2, "escalated", "high"),
        (3, "escalated", "critical"),
        (4, "deescalated", "high"),  # -15.5 is between its limit and its clear: still high
        (6, "deescalated", "medium"),
        (7, "returned", "medium"),
    ]


def test_what_is_raised_beyond_a_higher_limit_has_its_priority_at_once() -> None:
    assert feed(logic(FREEZER), reading(1, 5)) == [(1, "raised", "critical")]


def test_an_escalation_asks_for_another_acknowledgement_and_names_the_limit_that_was_crossed() -> (
    None
):
    alarm = logic(FREEZER)
    feed(alarm, reading(1, -17))
    alarm.on_command({"do": "ack", "by": "ana"}, Now(2, 2))
    (event,) = alarm.on_batch([reading(3, -14)], Now(3, 3))
    assert isinstance(event, AlarmTransition)
    assert (event.change, event.state, event.limit, event.annunciate) == (
        "escalated",
        "unacked",
        -15,
        True,
    )


def test_a_priority_rises_and_falls_only_after_its_delay() -> None:
    alarm = logic(FREEZER + "escalate_after: 10s\ndeescalate_after: 20s\n")
    assert feed(alarm, reading(1, -17), reading(2, -14), reading(8, -14)) == [
        (1, "raised", "medium")
    ]
    assert tick(alarm, 13) == [(12, "escalated", "high")]
    assert (
        feed(alarm, reading(20, -16.5), reading(30, -16.5), reading(35, -14), reading(36, -17))
        == []
    )
    assert tick(alarm, 60) == [(56, "deescalated", "medium")]


def test_shelving_ends_at_an_escalation_only_where_the_definition_says_so() -> None:
    for more, change in (("", []), ("shelve: {max: 1h, until_escalated: true}\n", ["unacked"])):
        alarm = logic(FREEZER + more)
        feed(alarm, reading(1, -17))
        alarm.on_command({"do": "shelve", "duration": 600}, Now(2, 2))
        (event,) = alarm.on_batch([reading(3, -14)], Now(3, 3))
        assert isinstance(event, AlarmTransition)
        assert event.state == (change[0] if change else "shelved")


def test_levels_may_stand_in_a_table_and_a_subject_without_one_has_the_others() -> None:
    text = FREEZER.replace("above: -15 °C, clear: -16 °C", "above: {column: high}")
    alarm = logic(
        text, tables={"freezers": [{"subject": "f1", "high": "-12"}, {"subject": "f2", "high": ""}]}
    )
    assert feed(alarm, reading(1, -13), reading(2, -11), reading(3, -9)) == [
        (1, "raised", "medium"), (2, "escalated", "high"), (3, "escalated", "critical"),
    ]  # fmt: skip
    assert feed(alarm, reading(1, -11, "f2"), reading(2, -9, "f2")) == [
        (1, "raised", "medium"),
        (2, "escalated", "critical"),
    ]


def test_outside_may_have_wider_limits() -> None:
    alarm = logic(
        "from: x\nresponse: y\npriority: low\nwhen: {outside: [40, 60]}\nlevels: [{priority: high,"
        " outside: [30, 70]}]\n"
    )
    assert feed(alarm, reading(1, 35), reading(2, 75), reading(3, 50)) == [
        (1, "raised", "low"), (2, "escalated", "high"), (3, "returned", "high"),
    ]  # fmt: skip


def test_inside_may_have_narrower_limits() -> None:
    alarm = logic(
        "from: x\nresponse: y\npriority: low\nwhen: {inside: [40, 60], clear: [38, 62]}\n"
        "levels: [{priority: high, inside: [48, 52]}]\n"
    )
    readings = (reading(1, 35), reading(2, 40), reading(3, 50), reading(4, 61), reading(5, 62))
    assert feed(alarm, *readings) == [
        (2, "raised", "low"), (3, "escalated", "high"), (4, "deescalated", "low"),
        (5, "returned", "low"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ("hold", [(70.0, "no_data")]),
        ("clear", [(70.0, "no_data"), (70.0, "returned")]),
        ("raise", [(70.0, "no_data")]),
    ],
)
def test_silence_is_no_data_after_the_span_and_bad_says_what_follows(
    bad: str, expected: list[Any]
) -> None:
    alarm = logic(f"from: x\nresponse: y\nwhen: {{above: 30}}\nexpect_every: 1min\nbad: {bad}\n")
    assert feed(alarm, reading(5, 25), reading(10, 31)) == [(10, "raised", "medium")]
    assert [(at, change) for at, change, _ in tick(alarm, 100)] == expected


def test_silence_raises_where_bad_says_so_and_a_reading_ends_it() -> None:
    alarm = logic("from: x\nresponse: y\nwhen: {above: 30}\nexpect_every: 1min\nbad: raise\n")
    feed(alarm, reading(5, 25))
    assert tick(alarm, 64) == []
    assert tick(alarm, 66) == [(65, "raised", "medium")]
    assert [change for _, change, _ in feed(alarm, reading(70, 25))] == ["data_back", "returned"]


@pytest.mark.parametrize("quality", ["stale", "bad"])
def test_stale_and_bad_readings_do_not_count_as_the_expected_ones(quality: Any) -> None:
    alarm = logic("from: x\nresponse: y\nwhen: {above: 30}\nexpect_every: 1min\nbad: raise\n")
    feed(alarm, reading(5, 25), *(reading(at, 25, quality=quality) for at in (20, 40, 60)))
    assert tick(alarm, 66) == [(65, "raised", "medium")]


def test_an_alarm_that_chatters_becomes_one_that_stays() -> None:
    alarm = logic(
        "from: x\nresponse: y\nwhen: {above: 30}\nchatter: {times: 3, in: 1min, hold: 5min}\n"
    )
    events = [reading(at, 31 if at % 20 == 0 else 29) for at in range(0, 140, 10)]
    assert [(at, change) for at, change, _ in feed(alarm, *events)] == [
        (0, "raised"), (10, "returned"), (20, "raised"), (30, "returned"), (40, "raised"),
    ]  # fmt: skip
    assert tick(alarm, 429) == []
    assert [(at, change) for at, change, _ in tick(alarm, 430)] == [(430, "returned")]


def test_what_hides_an_alarm_may_hide_it_a_while_longer() -> None:
    alarm = logic(
        "from: x\nresponse: y\nwhen: {above: 30}\nsuppressed_by: [power]\nsuppress_hold: 2min\n"
    )
    feed(alarm, reading(1, 25))

    def power(time: float, flags: list[str]) -> list[tuple[float, str]]:
        event = AlarmTransition(
            id=f"p{time}", time=time, recorded=time, rule="room/power", alarm="power",
            subject="f1", occ=1, seq=1,
            event="x", change="x", state="x", isa="B", flags=flags,
        )  # fmt: skip
        return [
            (at, change)
            for at, change, _ in changes_of(
                alarm.on_role("suppressed_by", [event], Now(time, time))
            )
        ]

    assert power(2, ["active"]) == [(2, "suppressed")]
    assert power(10, []) == []
    assert [(at, change) for at, change, _ in tick(alarm, 130)] == [(130, "unsuppressed")]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("when: {silent: 1min}\nexpect_every: 1min", "'silent' is about silence itself"),
        ("when: {above: 30}\nescalate_after: 1min", "need 'levels'"),
        ("when: {above: 30}\nshelve: {max: 1h, until_escalated: true}", "need 'levels'"),
        ("when: {above: 30}\nsuppress_hold: 1min", "needs 'suppressed_by'"),
        ("rules: rules\nlevels: [{priority: high, above: 35}]", "has one limit"),
        (
            "when: {above: 30}\nlevels: [{priority: high, above: 35, clear: 36}]",
            "must be lower than 'above'",
        ),
        (
            "when: {above: 30}\nchatter: {times: 1, in: 1min, hold: 1min}",
            "greater than or equal to 2",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(more: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        settings(f"from: x\nresponse: y\n{more}\n")
