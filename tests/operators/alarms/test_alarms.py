"""Alarms as definitions write them: under a virtual clock, from events to transitions."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from operators.alarms.base_logic import AlarmLogic
from operators.alarms.logic import make_logic
from operators.alarms.settings import Alarm
from operators.component import Now, StepContext
from operators.events import AlarmTransition, Event, Frame, Occurrence, Reading, Row
from operators.model.saved_state import decode, encode

PARIS = ZoneInfo("Europe/Paris")
COMMON = "from: readings\nresponse: Look.\n"


def alarm(text: str, step: str = "room/too_hot", **context: Any) -> AlarmLogic:
    spec = Alarm.model_validate(YAML(typ="safe", pure=True).load(COMMON + text))
    return make_logic(spec, StepContext(step.partition("/")[0], step, **context))


def reading(
    time: float, value: float | None = None, subject: str = "rack", **fields: Any
) -> Reading:
    given = {"id": f"{subject}-{time}-{value}", "metric": "temperature", "unit": "°C", **fields}
    return Reading(time=time, value=value, subject=subject, **given)


def motion(time: float, value: float, subject: str = "pir") -> Reading:
    return reading(time, value, subject, metric="motion", unit=None)


def feed(logic: AlarmLogic, *events: Event, role: str = "") -> list[AlarmTransition]:
    now = Now(events[-1].time - 5, events[-1].time)
    return transitions(logic.on_role(role, list(events), now))


def tick(logic: AlarmLogic, time: float) -> list[AlarmTransition]:
    return transitions(logic.on_time(Now(time, time)))


def do(logic: AlarmLogic, time: float, do: str, **fields: Any) -> list[AlarmTransition]:
    return transitions(logic.on_command({"do": do, **fields}, Now(time, time)))


def transitions(events: list[Event]) -> list[AlarmTransition]:
    assert all(isinstance(event, AlarmTransition) for event in events)
    return events  # type: ignore[return-value]


def changes(events: list[AlarmTransition]) -> list[tuple[float, str, str]]:
    return [(event.time, event.change, event.state) for event in events]


# ---------------------------------------------------------------------------
# settings
def test_an_alarm_needs_a_response() -> None:
    with pytest.raises(ValidationError, match="response"):
        Alarm.model_validate({"from": "readings", "when": {"above": 3}})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "needs 'when' \\(a condition\\) or 'rules'"),
        ({"when": {"above": 3}, "rules": "rules"}, "not both"),
        ({"when": {"above": 3}, "priority": "urgent"}, "low"),
        (
            {"when": {"above": 3}, "priority": {"column": "p", "default": "urgent"}},
            "'urgent' is not a priority",
        ),
        ({"when": {"above": 3}, "armed": {}}, "needs one of: hours, days, while"),
        ({"when": {"above": 3}, "armed": {"hours": "8-17"}}, "write it as 20:00-07:00"),
        ({"when": {"above": 3}, "armed": {"hours": "08:00-08:00"}}, "is empty"),
        ({"when": {"above": 3}, "armed": {"days": ["sunday"]}}, "write sun"),
        ({"when": {"above": 3}, "shelve": {"max": "8"}}, "not a duration|no unit"),
        ({"when": {"above": 3}, "unknown": 1}, "Extra inputs"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Alarm.model_validate({"from": "readings", "response": "Look.", **settings})


@pytest.mark.parametrize("example", Alarm.EXAMPLES)
def test_the_examples_make_a_logic(example: str) -> None:
    spec = Alarm.model_validate(YAML(typ="safe", pure=True).load(example))
    assert isinstance(make_logic(spec, StepContext("f", "f/a")), AlarmLogic)


def test_what_an_alarm_reads_beside_its_streams_comes_with_roles() -> None:
    spec = Alarm.model_validate(
        {
            "from": "a",
            "response": "x",
            "rules": "r",
            "suppressed_by": ["p"],
            "armed": {"while": "key"},
        }
    )
    assert spec.side_inputs() == (("p", "suppressed_by"), ("key", "armed"), ("r", "rules"))


# ---------------------------------------------------------------------------
# conditions
def test_heat_must_last_two_minutes() -> None:
    hot = alarm("when: {above: 30 °C, clear: 28 °C, for: 2min}\npriority: high\n")
    assert feed(hot, reading(0, 31.0), reading(30, 32.0)) == []
    assert hot.next_time().event == 120
    (raised,) = tick(hot, 120)
    assert (raised.time, raised.change, raised.state, raised.priority) == (
        120,
        "raised",
        "unacked",
        "high",
    )
    assert (raised.severity, raised.value, raised.unit, raised.limit) == ("major", 32.0, "°C", 30.0)
    assert (raised.rule, raised.alarm, raised.metric, raised.response) == (
        "room/too_hot",
        "too_hot",
        "temperature",
        "Look.",
    )
    assert raised.evidence == {"id": "rack-30-32.0", "ts": 30}
    assert changes(do(hot, 130, "ack", by="paul", alarm="too_hot")) == [(130, "acked", "acked")]
    assert changes(feed(hot, reading(140, 29.0), reading(150, 28.0))) == [
        (150, "cleared", "normal")
    ]


def test_a_return_that_nobody_has_seen_waits_for_its_acknowledgement() -> None:
    hot = alarm("when: {above: 30 °C}\n")
    feed(hot, reading(0, 31.0))
    assert changes(feed(hot, reading(1, 20.0))) == [(1, "returned", "returned")]
    assert changes(do(hot, 2, "ack", subject="rack", user="ana")) == [(2, "cleared", "normal")]


def test_readings_in_another_unit_are_converted() -> None:
    load = alarm("when: {above: 6 kW, clear: 5.5 kW}\n")
    watts = {"metric": "power", "unit": "W"}
    assert feed(load, reading(0, 5900.0, **watts), reading(1, 6000.0, **watts)) == []
    (raised,) = feed(load, reading(2, 6000.1, **watts))
    assert raised.value == pytest.approx(6.0001)
    assert raised.unit == "kW"
    assert feed(load, reading(3, 5600.0, **watts)) == []
    assert changes(feed(load, reading(4, 5500.0, **watts))) == [(4, "returned", "returned")]


def test_a_reading_of_another_kind_is_counted_and_left_alone() -> None:
    hot = alarm("when: {above: 30 °C}\nbad: raise\n")
    assert feed(hot, reading(0, 80.0, metric="humidity", unit="%")) == []
    assert hot.counts == {"unit": 1}


def test_only_selects_what_is_watched() -> None:
    hot = alarm("only: {metric: temperature}\nwhen: {above: 30}\n")
    assert feed(hot, reading(0, 80.0, metric="humidity", unit="%")) == []
    assert changes(feed(hot, reading(1, 31.0))) == [(1, "raised", "unacked")]


@pytest.mark.parametrize(
    ("word", "metric", "raises"),
    [("on", "motion", 1.0), ("open", "door", 1.0), ("open", "contact", 0.0)],
)
def test_the_word_of_a_state_depends_on_the_metric(word: str, metric: str, raises: float) -> None:
    door = alarm(f"when: {{is: {word}}}\n")
    assert feed(door, reading(0, 1 - raises, metric=metric, unit=None)) == []
    assert changes(feed(door, reading(1, raises, metric=metric, unit=None))) == [
        (1, "raised", "unacked")
    ]
    assert feed(door, reading(2, raises, metric=metric, unit=None)) == []
    assert changes(feed(door, reading(3, 1 - raises, metric=metric, unit=None))) == [
        (3, "returned", "returned")
    ]


def test_a_state_that_is_a_text_is_compared_as_text() -> None:
    washer = alarm("when: {is: error}\nack: automatic\n")
    fields = {"metric": "mode", "unit": None}
    assert feed(washer, reading(0, text="running", **fields)) == []
    assert changes(feed(washer, reading(1, text="error", **fields))) == [(1, "raised", "acked")]
    assert changes(feed(washer, reading(2, text="running", **fields))) == [(2, "cleared", "normal")]


def test_silence_raises_and_any_event_ends_it() -> None:
    lost = alarm("when: {silent: 15min}\nonly: {metric: [temperature, humidity]}\n")
    assert feed(lost, reading(0, 20.0), reading(300, 20.0)) == []
    assert tick(lost, 900) == []
    assert changes(tick(lost, 1200)) == [(1200, "raised", "unacked")]
    assert [event.change for event in feed(lost, reading(1300, 20.0))] == ["data_back", "returned"]


def test_bad_readings_do_not_break_a_silence() -> None:
    lost = alarm("when: {silent: 60s}\n")
    feed(
        lost, reading(0, 20.0), reading(50, None, quality="bad"), reading(55, 20.0, quality="stale")
    )
    assert changes(tick(lost, 60)) == [(60, "raised", "unacked")]


def test_a_silent_camera_is_heard_by_its_pictures() -> None:
    down = alarm("when: {silent: 30s}\n")
    assert (
        feed(
            down,
            *(Frame(id=str(n), time=n * 10.0, subject="dock", width=1, height=1) for n in range(5)),
        )
        == []
    )
    assert tick(down, 69) == []
    assert changes(tick(down, 70)) == [(70, "raised", "unacked")]


def test_a_camera_that_people_stopped_is_not_silent_until_it_is_looked_at_again() -> None:
    def frame(time: float, over: bool = False) -> Frame:
        return Frame(id=f"f{time}", time=time, subject="gate", width=1, height=1, over=over)

    down = alarm("when: {silent: 30s}\n", known=["gate"])
    feed(down, frame(0), frame(10))
    assert changes(tick(down, 40)) == [(40, "raised", "unacked")]
    assert changes(feed(down, frame(50, over=True))) == [(50, "removed", "returned")]
    skipped = reading(58, 0.0, "gate", metric="frames_skipped", unit=None)
    assert feed(down, frame(49), skipped) == [], "what was under way is no sign of it"
    assert tick(down, 1000) == []
    feed(down, frame(1010))
    assert changes(tick(down, 1040)) == [(1040, "raised", "unacked")]


def test_a_subject_listed_in_a_table_is_missed_before_it_was_ever_heard() -> None:
    lost = alarm("when: {silent: 60s}\n", known=["attic"])
    assert lost.next_time().wall < 0, "it wants to be woken at the start"
    assert tick(lost, 1000) == []
    assert changes(tick(lost, 1060)) == [(1060, "raised", "unacked")]


def test_seen_lasts_for_its_span_after_the_last_event() -> None:
    seen = alarm("when: {seen: 2min}\nack: automatic\n")
    (raised,) = feed(seen, Occurrence(id="a", time=0.0, subject="yard", type="agreement"))
    assert (raised.change, raised.state) == ("raised", "acked")
    assert feed(seen, Occurrence(id="b", time=60.0, subject="yard", type="agreement")) == []
    assert tick(seen, 179) == []
    assert changes(tick(seen, 180)) == [(180, "cleared", "normal")]


def test_several_times_within_a_span_are_needed() -> None:
    often = alarm("when: {above: 30, times: 3, in: 60s}\n")
    assert (
        feed(often, reading(0, 31.0), reading(10, 20.0), reading(30, 31.0), reading(61, 31.0)) == []
    )
    assert changes(feed(often, reading(80, 31.0))) == [(80, "raised", "unacked")]
    assert changes(feed(often, reading(85, 20.0), reading(200, 20.0))) == [
        (90, "returned", "returned")
    ]


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ("hold", ["raised", "no_data", "data_back"]),
        ("clear", ["raised", "no_data", "returned", "data_back", "raised"]),
        ("raise", ["raised", "no_data", "data_back"]),
    ],
)
def test_bad_data_hold_clear_or_keep_raised(bad: str, expected: list[str]) -> None:
    hot = alarm(f"when: {{above: 30}}\nbad: {bad}\n")
    events = feed(hot, reading(0, 31.0), reading(1, None, quality="bad"), reading(2, 31.0))
    assert [event.change for event in events] == expected


def test_bad_data_raise_if_asked_for() -> None:
    hot = alarm("when: {above: 30}\nbad: raise\n")
    assert [
        event.change for event in feed(hot, reading(0, 20.0), reading(1, None, quality="bad"))
    ] == ["raised"]


# ---------------------------------------------------------------------------
# limits by subject
def test_a_limit_may_stand_in_a_table_or_a_label() -> None:
    tables = {"rooms": [{"subject": "oven", "limit": "60 °C"}, {"subject": "attic", "limit": 40}]}
    hot = alarm("when: {above: {column: limit, default: 30 °C}}\n", tables=tables)
    readings = [reading(0, 35.0, name) for name in ("oven", "attic", "rack")]
    assert [event.subject for event in feed(hot, *readings)] == ["rack"]
    assert [
        event.subject for event in feed(hot, reading(1, 45.0, "oven"), reading(1, 45.0, "attic"))
    ] == ["attic"]
    assert [event.limit for event in feed(hot, reading(2, 61.0, "oven"))] == [60.0]
    assert feed(hot, reading(3, 45.0, "lab", labels={"limit": "50"})) == []
    again = restored(hot, "when: {above: {column: limit, default: 30 °C}}\n", tables=tables)
    assert [
        event.subject for event in feed(again, reading(4, 51.0, "lab", labels={"limit": "50"}))
    ] == ["lab"]


def test_a_subject_without_a_limit_is_left_out_and_counted() -> None:
    hot = alarm("when: {above: {column: limit}}\n")
    assert feed(hot, reading(0, 99.0)) == []
    assert hot.counts == {"no_limit": 1}


# ---------------------------------------------------------------------------
# priority by column
BY_LABEL = "when: {above: 30}\npriority: {column: urgency, default: low}\n"


def urgent(time: float, value: float, urgency: str) -> Reading:
    return reading(time, value, labels={"urgency": urgency})


def test_the_priority_of_a_label_is_that_of_the_moment_at_which_the_alarm_is_raised() -> None:
    hot = alarm(BY_LABEL)
    feed(hot, urgent(0, 20.0, "low"), urgent(1, 20.0, "medium"))
    assert [event.priority for event in feed(hot, urgent(2, 31.0, "high"))] == ["high"]
    assert feed(hot, urgent(3, 32.0, "critical")) == [], "nobody edited the alarm"
    again = feed(hot, urgent(4, 20.0, "critical"), urgent(5, 31.0, "critical"))
    assert [(event.change, event.priority) for event in again] == [
        ("returned", "high"),
        ("raised", "critical"),
    ]


def test_the_priority_of_a_label_after_a_delay_is_that_of_the_latest_reading() -> None:
    hot = alarm(BY_LABEL.replace("30}", "30, for: 1min}"))
    feed(hot, urgent(0, 31.0, "low"), urgent(50, 31.0, "high"))
    assert [event.priority for event in tick(hot, 60)] == ["high"]


def test_a_restart_says_nothing_of_labels_that_changed_meanwhile() -> None:
    text = BY_LABEL.replace("above: 30", "above: {column: limit, default: 30}")
    hot = alarm(text)

    def labelled(time: float, value: float, urgency: str, limit: str, **fields: Any) -> Reading:
        return reading(time, value, labels={"urgency": urgency, "limit": limit}, **fields)

    feed(hot, labelled(0, 31.0, "low", "30"), labelled(1, 32.0, "critical", "40", quality="stale"))
    hot = restored(hot, text)
    assert tick(hot, 2) == []
    assert [event.priority for event in feed(hot, labelled(3, 20.0, "critical", "40"))] == ["low"]


def test_a_priority_that_someone_writes_anew_counts_at_once() -> None:
    text = "when: {above: 30}\npriority: {column: urgency, default: low}\n"

    def rooms(urgency: str) -> dict[str, Any]:
        return {"tables": {"rooms": [{"subject": "rack", "urgency": urgency}]}}

    hot = alarm(text, **rooms("medium"))
    assert [event.priority for event in feed(hot, reading(0, 31.0), reading(0, 31.0, "attic"))] == [
        "medium",
        "low",
    ]
    hot = restored(hot, text, **rooms("medium"))
    assert tick(hot, 1) == []
    hot = restored(hot, text, **rooms("high"))
    edited = tick(hot, 2)
    assert [(event.event, event.subject, event.priority) for event in edited][1:] == [
        ("escalated", "rack", "high")
    ]
    hot = restored(hot, "when: {above: 30}\npriority: low\n")
    assert [(event.event, event.subject) for event in tick(hot, 3)] == [
        ("rule_changed", "rack"),
        ("deescalated", "rack"),
    ]


def test_a_label_that_names_no_priority_counts_as_the_default() -> None:
    hot = alarm(BY_LABEL)
    assert [event.priority for event in feed(hot, urgent(0, 31.0, "whenever"))] == ["low"]
    assert hot.counts == {"bad_priority": 1}
    both = alarm("when: {above: {column: limit}}\npriority: {column: urgency}\n")
    assert feed(both, reading(0, 99.0)) == []


# ---------------------------------------------------------------------------
# suppression
def paris(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()


def test_motion_counts_at_night_only() -> None:
    text = "when: {is: on}\narmed: {hours: 20:00-07:00}\n"
    inside = alarm(text, timezone=PARIS)
    seven, nine = paris("2026-01-05T19:00:00"), paris("2026-01-05T21:00:00")
    feed(inside, motion(seven, 1.0))
    assert inside.states() == {"pir": "suppressed"}
    events = feed(restored(inside, text, timezone=PARIS), motion(nine, 1.0))
    assert changes(events) == [(paris("2026-01-05T20:00:00"), "unsuppressed", "unacked")]
    assert events[0].annunciate


def test_armed_days_are_those_on_which_the_span_begins() -> None:
    inside = alarm("when: {is: on}\narmed: {hours: 22:00-06:00, days: [sat]}\n", timezone=PARIS)
    saturday = paris("2026-01-10T21:00:00")
    assert [event.change for event in feed(inside, motion(saturday, 0.0))] == ["suppressed"]
    assert changes(tick(inside, saturday + 3600)) == [(saturday + 3600, "unsuppressed", "normal")]
    assert changes(feed(inside, motion(paris("2026-01-11T05:59:00"), 1.0)))[0][1:] == (
        "raised",
        "unacked",
    )
    assert [event.change for event in tick(inside, paris("2026-01-11T06:00:00"))] == ["suppressed"]


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-28", 9.0), ("2026-10-24", 11.0), ("2026-01-05", 10.0)]
)
def test_the_night_follows_the_clocks_that_people_read(day: str, hours: float) -> None:
    night = alarm("when: {is: on}\narmed: {hours: 21:00-07:00}\n", timezone=PARIS)
    evening = paris(f"{day}T21:00:00")
    assert feed(night, motion(evening, 0.0)) == []
    assert [event.time for event in tick(night, evening + 86400 / 2)] == [evening + hours * 3600]


def test_a_stream_arms_all_or_its_own_subject() -> None:
    guard = alarm("when: {is: on}\narmed: {while: key}\n")
    assert [e.change for e in feed(guard, motion(0, 1.0, "hall"))] == ["suppressed", "raised"]
    assert changes(feed(guard, motion(1, 1.0, "key"), role="armed")) == [
        (1, "unsuppressed", "unacked")
    ]
    assert feed(guard, motion(2, 0.0, "yard")) == []
    assert [e.subject for e in feed(guard, motion(3, 0.0, "yard"), role="armed")] == [
        "hall",
        "yard",
    ]
    assert [e.subject for e in feed(guard, motion(4, 1.0, "yard"), role="armed")] == [
        "hall",
        "yard",
    ]


def test_what_arms_is_the_reading_of_the_latest_time_whenever_it_comes() -> None:
    guard = alarm("when: {is: on}\narmed: {while: key}\n")
    feed(guard, motion(10, 1.0, "key"), role="armed")
    assert [e.change for e in feed(guard, motion(11, 1.0, "hall"))] == ["raised"]
    guard = restored(guard, "when: {is: on}\narmed: {while: key}\n")
    assert feed(guard, motion(9, 0.0, "key"), role="armed") == []
    assert feed(guard, motion(8, 0.0, "yard"), role="armed") == []
    assert guard.counts == {"late": 1}
    assert [e.change for e in feed(guard, motion(12, 1.0, "barn"))] == ["raised"]
    assert feed(guard, motion(13, 1.0, "yard"))[0].change == "suppressed"


def test_another_alarm_of_the_same_subject_hides_it() -> None:
    power = alarm("when: {is: off}\n", "room/power")
    hot = alarm("when: {above: 30}\nsuppressed_by: [power]\n")
    feed(hot, reading(0, 20.0), reading(0, 20.0, "other"))
    lost = feed(power, motion(1, 0.0, "rack"))
    assert changes(feed(hot, *lost, role="suppressed_by")) == [(1, "suppressed", "suppressed")]
    (raised,) = feed(hot, reading(2, 31.0))
    assert (raised.state, raised.annunciate) == ("suppressed", False)
    late = feed(power, motion(1, 0.0, "cellar"))
    feed(hot, *late, role="suppressed_by")
    assert feed(hot, reading(3, 31.0, "cellar"))[0].change == "suppressed", (
        "also for a subject that comes later"
    )
    hot = restored(hot, "when: {above: 30}\nsuppressed_by: [power]\n")
    back = feed(power, motion(4, 1.0, "rack"))
    assert changes(feed(hot, *back, role="suppressed_by")) == [(4, "unsuppressed", "unacked")]


def test_shelving_ends_by_itself() -> None:
    hot = alarm("when: {above: 30}\nshelve: {max: 1h}\n")
    feed(hot, reading(0, 31.0))
    (shelved,) = do(hot, 10, "shelve", **{"for": 600, "by": "marie"})
    assert (shelved.change, shelved.state, shelved.until, shelved.user) == (
        "shelved",
        "shelved",
        610,
        "marie",
    )
    assert hot.next_time().wall == 610
    assert changes(tick(hot, 610)) == [(610, "unshelved", "unacked")]
    assert do(hot, 611, "shelve", **{"for": 3601}) == []


def test_a_refused_command_is_answered_and_counted() -> None:
    hot = alarm("when: {above: 30}\n")
    feed(hot, reading(0, 20.0))
    command = Occurrence(
        id="c1", time=1.0, subject="rack", type="alarm_command", data={"do": "ack", "user": "ana"}
    )
    assert feed(hot, command, role="commands") == []
    (reply,) = hot.replies
    assert (reply.type, reply.data["error"], reply.data["command"]) == (
        "alarm_rejected",
        "no_occurrence",
        "c1",
    )
    assert hot.counts == {"rejected": 1}
    assert do(hot, 2, "ack", subject="nobody") == []
    assert hot.replies[-1].data["error"] == "unknown_alarm"


@pytest.mark.parametrize(
    ("page", "labels", "sees", "may"),
    [
        ("plant", {}, {"pages": ["plant"], "hidden": []}, True),
        ("plant", {}, {"pages": ["yard"], "hidden": []}, False),
        ("plant", {}, {"pages": [], "hidden": []}, False),
        ("plant", {}, {"pages": None, "hidden": []}, True),
        (None, {}, {"pages": [], "hidden": []}, True),
        (None, {}, {"pages": [], "hidden": ["rack"]}, False),
        (None, {"camera": "gate"}, {"pages": [], "hidden": ["gate"]}, False),
        (None, {"camera": "gate"}, {"pages": [], "hidden": ["dock"]}, True),
        ("plant", {}, None, True),
    ],
)
def test_an_alarm_that_the_user_may_not_see_is_answered_as_if_it_were_not_there(
    page: str | None, labels: dict[str, str], sees: dict[str, Any] | None, may: bool
) -> None:
    hot = alarm("when: {above: 30}\n" + (f"page: {page}\n" if page else ""))
    feed(hot, reading(0, 31.0, labels=labels))
    more = {} if sees is None else {"sees": sees}
    assert bool(do(hot, 1, "ack", subject="rack", **more)) is may
    if not may:
        do(hot, 2, "ack", subject="nobody", **more)
        hidden, missing = (reply.data for reply in hot.replies)
        assert hidden == {**missing, "command": hidden["command"]}
        assert hidden["error"] == "unknown_alarm"


def test_a_command_for_another_alarm_is_not_ours() -> None:
    hot = alarm("when: {above: 30}\n")
    feed(hot, reading(0, 31.0))
    assert do(hot, 1, "ack", alarm="too_cold", subject="rack") == []
    assert not hot.replies


def test_a_command_without_subject_goes_to_all_that_accept_it() -> None:
    hot = alarm("when: {above: 30}\n")
    feed(hot, reading(0, 31.0, "a"), reading(0, 20.0, "b"), reading(0, 31.0, "c"))
    assert [event.subject for event in do(hot, 1, "ack")] == ["a", "c"]


def test_a_new_alarm_is_hidden_from_its_first_event_on_not_from_its_arrival() -> None:
    hot = alarm("when: {above: 30}\nsuppressed_by: [power]\n")
    feed(
        hot,
        *feed(alarm("when: {is: off}\n", "room/power"), motion(1, 0.0, "rack")),
        role="suppressed_by",
    )
    hidden, raised = transitions(hot.on_batch([reading(5, 31.0)], Now(4, 900)))
    assert [(e.change, e.time) for e in (hidden, raised)] == [("suppressed", 5), ("raised", 5)]


def test_a_command_is_answered_once_with_its_id_by_each_alarm() -> None:
    hot = alarm("when: {above: 30}\n")
    feed(hot, reading(0, 31.0, "a"), reading(0, 31.0, "b"))
    asked = {"do": "acknowledge", "flow": "room", "by": "ana", "reason": "seen"}
    command = Occurrence(id="c1", time=1.0, subject="", type="alarm_command", data=asked)
    done = feed(hot, command, role="commands")
    assert [(e.subject, e.change, e.user, e.comment) for e in done] == [
        ("a", "acked", "ana", "seen"), ("b", "acked", "ana", "seen"),
    ]  # fmt: skip
    assert [(x.type, x.subject, x.data["command"],
    x.data["state"]) for x in hot.answers if isinstance(x, Occurrence)] == [
        ("alarm_accepted", "a", "c1", "acked"), ("alarm_accepted", "b", "c1", "acked"),
    ]  # fmt: skip
    hot.answers.clear()
    repeated = Occurrence(id="c1", time=2.0, subject="a", type="alarm_command", data=asked)
    assert feed(hot, repeated, role="commands") == []
    assert (hot.answers, hot.counts) == ([], {"duplicate": 1})


def test_a_command_for_another_flow_or_a_subject_of_another_shard_is_left_to_it() -> None:
    hot = alarm("when: {above: 30}\n")
    feed(hot, reading(0, 31.0))
    ack: dict[str, Any] = {"do": "ack", "alarm": "too_hot"}
    feed(
        hot,
        Occurrence(
            id="c1", time=1, subject="rack", type="alarm_command", data={**ack, "flow": "x"}
        ),
        role="commands",
    )
    feed(
        hot,
        Occurrence(id="c2", time=1, subject="nobody", type="alarm_command", data=ack),
        role="commands_elsewhere",
    )
    assert hot.answers == []
    done = feed(
        hot,
        Occurrence(id="c3", time=1, subject="rack", type="alarm_command", data=ack),
        role="commands_elsewhere",
    )
    assert [e.change for e in done] == ["acked"]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({}, "unknown_command"),
        ({"do": ["ack"]}, "unknown_command"),
        ({"do": "ack", "granted": 7}, "forbidden"),
        ({"do": "shelve", "for": {"s": 1}}, "bad_duration"),
        ({"do": "shelve", "duration": "a while"}, "bad_duration"),
        ({"do": "ack", "occurrence": [1]}, "wrong_occurrence"),
        ({"do": "out_of_service"}, "comment_required"),
    ],
)
def test_what_other_programs_write_into_a_command_is_refused_and_stops_nothing(
    data: dict[str, Any], error: str
) -> None:
    hot = alarm("when: {above: 30}\n")
    feed(hot, reading(0, 31.0))
    command = Occurrence(id="c1", time=1.0, subject="rack", type="alarm_command", data=data)
    assert feed(hot, command, reading(1, 31.0), role="commands") == []
    assert hot.replies[-1].data["error"] == error
    assert hot.counts == {"rejected": 1, "not_a_command": 1}


def test_of_several_rules_for_a_subject_those_that_accept_a_command_obey_it() -> None:
    market = alarm(MARKET, "alarms/market")
    feed(market, row(0, id="r1"), row(0, id="r2", above=2), role="rules")
    feed(market, reading(1, 1.09, "EUR/USD", **PRICE))
    (acked,) = do(market, 2, "ack", alarm="market", subject="EUR/USD")
    assert (acked.rule, acked.change) == ("alarms/market/r1", "acked")
    assert do(market, 3, "ack", alarm="market", subject="EUR/USD") == []
    assert [reply.data["error"] for reply in market.replies] == ["already_acked"]


def test_it_is_raised_again_until_somebody_cares() -> None:
    hot = alarm("when: {above: 30}\nrepeat: 15min\n")
    feed(hot, reading(0, 31.0))
    assert changes(tick(hot, 900)) == [(900, "realarmed", "unacked")]


# ---------------------------------------------------------------------------
# texts
def test_the_message_is_filled_in() -> None:
    hot = alarm(
        'when: {above: 30 °C}\nmessage: "{alarm} {change}: {subject} {condition} {limit} at {value}'
        ' {unit}"\n'
    )
    (raised,) = feed(hot, reading(0, 31.5))
    assert raised.message == "too_hot raised: rack above 30 at 31.5 °C"
    (returned,) = feed(hot, reading(1, 29.0))
    assert (returned.message, returned.limit) == ("too_hot returned: rack above 30 at 29 °C", 30)
    pair = alarm('when: {outside: [40 %, 60 %]}\nmessage: "{condition} {limit}"\n')
    (raised,) = feed(pair, reading(0, 61.0, metric="humidity", unit="%"))
    assert raised.message == "outside 40 to 60"


def test_a_transition_carries_page_and_labels_of_its_subject() -> None:
    hot = alarm("when: {above: 30}\npage: {column: area, default: all}\n", name="hot")
    (raised,) = feed(hot, reading(0, 31.0, labels={"area": "yard"}))
    assert (raised.alarm, raised.page, raised.labels) == (
        "hot",
        "yard",
        {"condition": "above", "area": "yard"},
    )
    assert feed(hot, reading(0, 31.0, "other"))[0].page == "all"


# ---------------------------------------------------------------------------
# rules of people
MARKET = """\
rules: rules
page: {column: page}
priority: {column: priority, default: medium}
message: "{subject} {condition} {limit}"
"""
PRICE = {"metric": "price", "unit": None}


def row(time: float, **fields: Any) -> Occurrence:
    given = {
        "id": "r1",
        "page": "eur_usd",
        "subject": "EUR/USD",
        "above": 1.08,
        "enabled": True,
        **fields,
    }
    return Occurrence(id=f"row-{time}", time=time, subject=given["id"], type="rule", data=given)


def test_a_rule_written_by_a_person_raises_changes_and_goes() -> None:
    market = alarm(MARKET, "alarms/market")
    assert feed(market, row(0), role="rules") == []
    (raised,) = feed(
        market, reading(1, 1.085, "EUR/USD", **PRICE), reading(1, 9.0, "EUR/CHF", **PRICE)
    )
    assert (raised.rule, raised.alarm, raised.subject, raised.page) == (
        "alarms/market/r1",
        "market",
        "EUR/USD",
        "eur_usd",
    )
    assert (raised.message, raised.priority) == ("EUR/USD above 1.08", "medium")
    market = restored(market, MARKET, "alarms/market")
    edited = feed(market, row(2, above=1.09, priority="critical"), role="rules")
    assert [event.event for event in edited] == ["rule_changed", "returned"]
    assert [
        event.event for event in feed(market, row(3, above=1.0, enabled=False), role="rules")
    ] == ["disabled"]
    assert [event.event for event in feed(market, row(4, deleted=True), role="rules")] == [
        "removed"
    ]
    assert feed(market, reading(5, 2.0, "EUR/USD", **PRICE)) == []
    assert market.states() == {}


def test_a_rule_may_meet_many_subjects_and_one_metric() -> None:
    market = alarm(MARKET, "alarms/market")
    feed(market, row(0, subject="EUR/*", metric="price"), role="rules")
    events = [
        reading(1, 2.0, name, metric=metric)
        for name in ("EUR/A", "EUR/B", "USD/A")
        for metric in ("price", "vol")
    ]
    assert [event.subject for event in feed(market, *events)] == ["EUR/A", "EUR/B"]


def test_a_deleted_row_of_a_table_removes_its_rule() -> None:
    market = alarm(MARKET, "alarms/market")
    values = {"id": "r1", "subject": "EUR/USD", "above": 1.0}
    feed(market, Row(id="1", time=0.0, table="a.rules", op="insert", values=values), role="rules")
    feed(market, reading(1, 1.085, "EUR/USD", **PRICE))
    gone = feed(
        market, Row(id="2", time=2.0, table="a.rules", op="delete", values=values), role="rules"
    )
    assert [event.event for event in gone] == ["removed"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"below": 1}, "exactly one of"),
        ({"above": "hot"}, "not a number"),
        ({"priority": "urgent"}, "'urgent' is not a priority"),
        ({"subject": ""}, "needs a 'subject'"),
        ({"for": "2m"}, "2min"),
        ({"crosses": 1}, "stands alone, without above"),
        ({"above": None, "crosses": "hot"}, "not a number"),
    ],
)
def test_a_row_that_makes_no_sense_is_a_dead_letter_and_changes_nothing(
    fields: dict[str, Any], says: str
) -> None:
    market = alarm(MARKET, "alarms/market")
    feed(market, row(0), role="rules")
    feed(market, row(1, **fields), role="rules")
    assert says in market.errors[0].detail
    assert market.errors[0].reason == "bad_rule"
    assert changes(feed(market, reading(2, 1.085, "EUR/USD", **PRICE))) == [
        (2, "raised", "unacked")
    ]


def test_a_silent_rule_waits_from_the_moment_it_was_written() -> None:
    market = alarm(MARKET, "alarms/market")
    feed(market, row(100, above=None, silent=60), role="rules")
    assert changes(tick(market, 155)) == [(155, "raised", "unacked")]


def test_a_rule_may_ask_for_a_crossing_from_either_side() -> None:
    market = alarm(MARKET, "alarms/market")
    feed(market, row(0, above=None, crosses=1.08), role="rules")
    prices = [(1, 1.09), (5, 1.07), (10, 1.06), (15, 1.08), (20, 1.07), (25, 1.08), (30, 1.085)]
    first = [
        e
        for time, price in prices[:3]
        for e in feed(market, reading(time, price, "EUR/USD", **PRICE))
    ]
    first += tick(market, 10)
    assert [(e.event, e.time, e.value, e.limit) for e in first] == [
        ("activated", 5, 1.07, 1.08),
        ("returned", 6, None, 1.08),
    ]
    assert first[0].message == "EUR/USD crosses 1.08"
    assert first[0].labels["condition"] == "crosses"
    market = restored(market, MARKET, "alarms/market")
    later = [
        e
        for time, price in prices[3:]
        for e in feed(market, reading(time, price, "EUR/USD", **PRICE))
    ]
    assert [(e.event, e.time, e.value) for e in later if e.event == "activated"] == [
        ("activated", 30, 1.085)
    ]


def test_another_level_begins_without_a_side() -> None:
    market = alarm(MARKET, "alarms/market")
    feed(market, row(0, above=None, crosses=1.08), role="rules")
    feed(market, reading(1, 1.07, "EUR/USD", **PRICE))
    feed(market, row(2, above=None, crosses=1.05), role="rules")
    assert feed(market, reading(3, 1.04, "EUR/USD", **PRICE)) == []
    assert changes(feed(market, reading(4, 1.06, "EUR/USD", **PRICE)))[0] == (
        4,
        "raised",
        "unacked",
    )


# ---------------------------------------------------------------------------
# state
def restored(
    logic: AlarmLogic, text: str, step: str = "room/too_hot", **context: Any
) -> AlarmLogic:
    """A new logic with the state of an old one, as it is saved and through JSON."""
    saved = logic.snapshot()
    assert json.loads(json.dumps(saved)) == json.loads(
        json.dumps(decode(encode(saved), logic.STATE))
    )
    again = alarm(text, step, **context)
    again.restore(json.loads(json.dumps(saved)), logic.VERSION)
    return again


def test_a_restart_during_the_delay_keeps_the_deadline() -> None:
    text = "when: {above: 30, for: 2min}\n"
    hot = alarm(text)
    feed(hot, reading(0, 31.0))
    again = restored(hot, text)
    assert changes(tick(again, 500)) == [(120, "raised", "unacked")]


def test_a_snapshot_does_not_follow_what_happens_later() -> None:
    hot = alarm("when: {above: 30}\n")
    feed(hot, reading(0, 20.0))
    saved = hot.snapshot()
    before = json.dumps(saved)
    feed(hot, reading(1, 31.0, labels={"a": "b"}), reading(2, 31.0, "other"))
    do(hot, 3, "ack")
    assert json.dumps(saved) == before


def test_a_changed_definition_acts_on_saved_alarms_from_the_restart_on() -> None:
    hot = alarm("when: {above: 30}\n")
    feed(hot, reading(0, 31.0))
    again = restored(hot, "when: {above: 40}\n")
    assert [event.event for event in tick(again, 10)] == ["rule_changed", "returned"]


def test_state_of_another_version_is_refused() -> None:
    hot = alarm("when: {above: 30}\n")
    with pytest.raises(ValueError, match="version 7"):
        alarm("when: {above: 30}\n").restore(hot.snapshot(), 7)


def test_a_latched_alarm_stays_until_somebody_acknowledges_that_it_is_over() -> None:
    hot = alarm("when: {above: 30}\nlatch: true\nack: automatic\n")
    feed(hot, reading(0, 31.0))
    assert changes(feed(hot, reading(1, 20.0))) == [(1, "returned", "returned")]
    assert changes(do(hot, 2, "ack", by="ana")) == [(2, "reset", "normal")]
    strict = alarm("when: {above: 30}\nlatch: true\n")
    feed(strict, reading(0, 31.0), reading(1, 20.0))
    assert [event.state for event in do(strict, 2, "ack", by="ana")] == ["returned", "normal"]


def test_what_is_left_alone_is_counted() -> None:
    hot = alarm("when: {above: 30}\n")
    feed(
        hot,
        reading(10, 20.0),
        reading(10, 20.0),
        reading(5, 31.0),
        reading(11, 31.0, quality="stale"),
    )
    assert hot.counts == {"duplicate": 1, "late": 1, "stale": 1}


def test_a_quiet_subject_is_freed_after_a_week_and_its_numbers_go_on() -> None:
    hot = alarm("when: {above: 30}\n")
    feed(hot, reading(0, 31.0), reading(1, 20.0), reading(2, 20.0, "other"))
    do(hot, 2, "ack")
    week = 7 * 86_400.0
    feed(hot, reading(week - 100, 20.0, "third"))
    assert set(hot.states()) == {"rack", "other", "third"}
    feed(hot, reading(2 * week, 20.0, "third"))
    assert hot.states() == {"third": "normal"}
    assert hot.counts == {"forgotten": 3}
    (raised,) = feed(hot, reading(2 * week + 1, 31.0))
    assert (raised.occ, raised.seq) == (2, 4)


def test_many_quiet_subjects_keep_no_more_than_a_slot() -> None:
    hot = alarm("when: {above: 30}\n")
    readings = [reading(time, 20.0, f"s{n}") for time in (0, 1) for n in range(1500)]
    assert feed(hot, *readings) == []
    slots = hot.engine.slots["room/too_hot"]
    assert sum(slot.state is not None for slot in slots.values()) <= 1001
    assert [event.seq for event in feed(hot, reading(2, 31.0, "s1400"))] == [1]
    feed(hot, reading(3, 20.0, "s1400"))
    assert changes(do(hot, 4, "ack", subject="s1400")) == [(4, "cleared", "normal")]
