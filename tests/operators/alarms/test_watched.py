"""What an alarm answers when it is asked for the limits of a subject."""

from typing import Any

from operators.alarms.base_logic import AlarmLogic
from operators.component import Now
from operators.events import Occurrence, Row
from tests.operators.alarms.test_alarms import alarm, feed, reading

MARKET = "rules: rules\npage: {column: page}\n"


def ask(logic: AlarmLogic, subject: str = "rack", **data: Any) -> list[tuple[Any, ...]]:
    """(metric, limit, unit, priority) of what is told; nobody hears of anything."""
    logic.answers.clear()
    asked = Occurrence(
        id="q", time=9.0, subject=subject, type="alarm_command", data={"do": "limits", **data}
    )
    assert logic.on_role("commands", [asked], Now(9, 9)) == []
    told = [answer.data for answer in logic.answers if isinstance(answer, Occurrence)]
    assert {one["command"] for one in told} <= {"q"}
    return [
        (limit["metric"], limit["limit"], limit["unit"], limit["priority"])
        for one in told
        for limit in one["limits"]
    ]


def rule(**row: Any) -> Row:
    return Row(id=str(row["id"]), time=0.0, table="rules", op="insert", values=row)


def test_limits_are_told_of_an_alarm_that_was_never_raised_with_its_levels() -> None:
    hot = alarm(
        "when: {above: 30 °C, clear: 28 °C}\nlevels: [{priority: critical, above: 95 °F}]\n"
    )
    assert ask(hot) == []
    feed(hot, reading(0, 20.0))
    assert ask(hot) == [
        ("temperature", 30.0, "°C", "medium"),
        ("temperature", 35.0, "°C", "critical"),
    ]
    assert ask(hot, "shelf") == []


def test_a_range_has_two_limits_and_what_is_judged_in_the_signals_own_unit_says_none() -> None:
    damp = alarm("when: {outside: [40, 60]}\npriority: low\n")
    feed(damp, reading(0, 50.0, metric="humidity", unit="%"))
    assert ask(damp) == [("humidity", 40.0, None, "low"), ("humidity", 60.0, None, "low")]


def test_an_alarm_without_a_limit_tells_that_it_watches() -> None:
    silent = alarm("when: {silent: 15min}\n")
    feed(silent, reading(0, 50.0))
    assert ask(silent) == [("temperature", None, None, "medium")]


def test_of_several_metrics_each_has_its_own_and_one_of_another_kind_has_none() -> None:
    hot = alarm("when: {above: 30 °C}\n")
    feed(
        hot,
        reading(0, 20.0),
        reading(0, 21.0, metric="dew_point"),
        reading(0, 50.0, metric="humidity", unit="%"),
    )
    assert sorted(ask(hot)) == [
        ("dew_point", 30.0, "°C", "medium"),
        ("temperature", 30.0, "°C", "medium"),
    ]


def test_a_limit_from_a_label_is_that_of_the_subject() -> None:
    hot = alarm("when: {above: {column: limit, default: 30}}\n")
    feed(
        hot, reading(0, 20.0, labels={"limit": "25 °C"}), reading(0, 20.0, "shelf"),
    )  # fmt: skip
    assert ask(hot) == [("temperature", 25.0, "°C", "medium")]
    assert ask(hot, "shelf") == [("temperature", 30.0, None, "medium")]


def test_beyond_the_subjects_that_keep_a_full_state_limits_are_told_too() -> None:
    hot = alarm("when: {above: 30 °C}\n")
    hot.engine.states_kept = 1
    feed(hot, reading(0, 20.0), reading(0, 20.0, "shelf"))
    assert hot.engine.slots["room/too_hot"]["shelf"].state is None
    assert ask(hot, "shelf") == [("temperature", 30.0, "°C", "medium")]
    assert hot.engine.slots["room/too_hot"]["shelf"].state is None


def test_rules_that_people_wrote_tell_their_limits_to_those_who_see_their_page() -> None:
    market = alarm(MARKET, "pages/market")
    feed(
        market,
        rule(id="r1", subject="EUR/USD", above=1.1, page="a"),
        rule(id="r2", subject="EUR/*", crosses=1.2, page="b"),
        rule(id="r3", subject="EUR/USD", below=1.0, page="a", enabled=False),
        role="rules",
    )
    price = {"metric": "price", "unit": None}
    feed(market, reading(1, 1.05, "EUR/USD", **price), reading(1, 1.05, "EUR/CHF", **price))
    assert ask(market, "EUR/USD") == [
        ("price", 1.1, None, "medium"),
        ("price", 1.2, None, "medium"),
    ]
    assert ask(market, "EUR/CHF") == [("price", 1.2, None, "medium")]
    sees = {"pages": ["b"], "hidden": []}
    assert ask(market, "EUR/USD", sees=sees) == [("price", 1.2, None, "medium")]
    assert ask(market, "EUR/USD", sees={"pages": [], "hidden": []}) == []


def test_limits_of_a_hidden_camera_are_told_to_nobody_who_may_not_see_it() -> None:
    crowd = alarm("when: {above: 5}\n")
    feed(crowd, reading(0, 2.0, "gate", metric="people", unit=None))
    assert ask(crowd, "gate", sees={"pages": None, "hidden": ["gate"]}) == []
    assert ask(crowd, "gate", sees={"pages": None, "hidden": []})
