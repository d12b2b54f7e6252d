"""Limits of an alarm changed in the text of its definition, which stays as people wrote it."""

import random

import pytest

from flows.site.plans.limits import NoLimit, limits_of, with_limits

TEXT = """\
vigie: 1   # the plant
flow: cool
alarms:
  hot:
    from: readings
    when: {above: "30 °C", clear: 28 °C,   for: 2min}  # 30 since May
    levels:
      - {priority: high, above: 35}       # -1 is not it
      - priority: critical
        above: {column: spoils_at, default: -40.5 °F}
    escalate_after: '1min'
    response: Cool it to 30 °C.
  wet:
    from: readings
    when:
      outside: [40 %, 60%]  # as the vendor says
      clear: [42 %, 58 %]
    response: Look.
  gone: {from: readings, when: {silent: 15min}, response: Look.}
  rows: {from: readings, rules: r, response: Look.}
"""


def test_the_limits_and_spans_of_an_alarm_are_found_with_their_units() -> None:
    found = {limit.place: (limit.value, limit.unit) for limit in limits_of(TEXT, "hot")}
    assert found == {
        "when.above": ("30", "°C"),
        "when.clear": ("28", "°C"),
        "when.for": ("2min", None),
        "levels.0.above": ("35", ""),
        "levels.1.above.default": ("-40.5", "°F"),
        "escalate_after": ("1min", None),
    }
    assert [limit.place for limit in limits_of(TEXT, "wet")] == [
        "when.outside.0", "when.outside.1", "when.clear.0", "when.clear.1", "when.for",
    ]  # fmt: skip
    assert [limit.place for limit in limits_of(TEXT, "gone")] == ["when.silent"]


def test_only_the_numbers_that_were_changed_differ() -> None:
    values = {
        "when.above": "31.5",
        "when.for": "90s",
        "levels.0.above": "36",
        "levels.1.above.default": "-12",
        "escalate_after": "2min",
    }
    edited = with_limits(TEXT, "hot", values)
    assert edited == TEXT.replace('"30 °C"', '"31.5 °C"').replace("2min}", "90s}").replace(
        "above: 35", "above: 36"
    ).replace("-40.5 °F", "-12 °F").replace("'1min'", "'2min'")
    assert with_limits(TEXT, "wet", {"when.outside.1": "65"}) == TEXT.replace("60%]", "65%]")
    assert with_limits(TEXT, "hot", {"when.above": "30"}) == TEXT


def test_a_hold_is_written_where_none_was() -> None:
    edited = with_limits(TEXT, "wet", {"when.for": "5min"})
    assert edited.replace("      for: 5min\n", "") in (TEXT, edited)
    again = {limit.place: limit.value for limit in limits_of(edited, "wet")}
    assert again["when.for"] == "5min"


@pytest.mark.parametrize("seed", range(5))
def test_any_values_are_read_back_and_put_back(seed: int) -> None:
    draw = random.Random(seed)
    for alarm in ("hot", "wet", "gone"):
        before = {one.place: one for one in limits_of(TEXT, alarm) if one.value}
        values = {
            place: f"{draw.randint(1, 99)}min"
            if one.unit is None
            else f"{draw.uniform(-99, 99):.2f}"
            for place, one in before.items()
        }
        edited = with_limits(TEXT, alarm, values)
        assert {one.place: one.value for one in limits_of(edited, alarm) if one.value} == values
        back = {place: one.value for place, one in before.items()}
        assert with_limits(edited, alarm, back) == TEXT


@pytest.mark.parametrize(
    ("alarm", "values", "why"),
    [
        ("hot", {"when.above": "30 °C"}, "needs a number"),
        ("hot", {"when.above": "1}, x: {y: 2"}, "needs a number"),
        ("hot", {"when.for": "5"}, "5 has no unit; write 5s"),
        ("hot", {"when.for": "1min 5s"}, "without spaces"),
        ("hot", {"when.below": "5"}, "has no limit 'when.below'; it has when.above"),
        ("cold", {}, "no alarm 'cold'"),
        ("rows", {}, "rows that people write"),
    ],
)
def test_what_is_no_limit_is_refused_with_the_remedy(
    alarm: str, values: dict[str, str], why: str
) -> None:
    with pytest.raises(NoLimit, match=why):
        with_limits(TEXT, alarm, values)
