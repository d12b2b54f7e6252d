"""Notifications: alarms in groups, again until somebody cares, and floods; whatever the batches
and restarts.
"""

import random
from typing import Any

import pytest

from operators.component import Now
from operators.events import AlarmTransition, Event, Occurrence
from operators.notifications.notify import Notify
from tests.operators.shard import CONTEXT, Shard, reading, step

Notified = tuple[float, str, str, list[str], list[str]]


def change(
    at: float,
    event: str,
    subject: str = "rack",
    flags: str = "active unacked",
    annunciate: bool = False,
    **more: Any,
) -> AlarmTransition:
    fields: dict[str, Any] = {
        "priority": "high",
        "value": 31.0,
        "unit": "°C",
        "labels": {"room": "hall"},
        "annunciation": "start" if annunciate else None,
        **more,
    }
    return AlarmTransition(
        id=f"{subject}@{at}", time=at, recorded=at, rule="room/hot", alarm="hot", subject=subject,
        occ=1, seq=1,
        event=event, change=event, state="x", isa="B", flags=flags.split(), annunciate=annunciate,
        **fields,
    )  # fmt: skip


def raised(at: float, subject: str = "rack", **more: Any) -> AlarmTransition:
    return change(at, "activated", subject, annunciate=True, **more)


def returned(at: float, subject: str = "rack") -> AlarmTransition:
    return change(at, "returned", subject, flags="unacked")


class Notifications:
    """A step fed with changes at their own times, with a restart after each."""

    def __init__(self, text: str, restarts: bool = True) -> None:
        self.shard = Shard(step(Notify, text), restarts=restarts)

    def feed(self, *events: Event) -> list[Notified]:
        return [one for event in events for one in notified(self.shard.feed(event))]

    def wait(self, until: float) -> list[Notified]:
        until += 3e-6  # what is due at an instant comes after what happens at it
        found: list[Event] = []
        while (due := self.shard.logic.next_time().wall) <= until:
            found += self.shard.logic.on_time(Now(due, due))
        return notified([*found, *self.shard.logic.on_time(Now(until, until))])


def notified(events: list[Event]) -> list[Notified]:
    found = []
    for event in events:
        assert isinstance(event, Occurrence)
        data = event.data
        found.append(
            (
                event.time,
                event.subject,
                data["what"],
                *([one["subject"] for one in data[key]] for key in ("raised", "over")),
            )
        )
    return found


def test_others_are_told_of_what_nobody_has_acknowledged() -> None:
    said = Notifications("notify: {unacknowledged: 15min, wait: 0s, repeat: 1h}")
    assert said.feed(raised(0), raised(10, "seen"), raised(20, "over"), raised(30, "hidden")) == []
    said.feed(
        change(60, "acked", "seen", flags="active"),
        returned(70, "over"),
        change(80, "shelved", "hidden", flags="active unacked shelved:timed"),
        change(100, "escalated", "rack", annunciate=True),
    )
    assert said.wait(4000) == [(900, "alarms", "first", ["rack"], [])]
    assert said.wait(4500) == [(4500, "alarms", "repeat", ["rack"], [])]
    assert said.feed(returned(4600)) == []
    assert said.wait(5000) == [(4800, "alarms", "update", [], ["rack"])]


def test_what_is_hidden_while_it_is_held_back_is_told_to_nobody_after_a_restart_either() -> None:
    """Though the end of its occurrence before waits to be told in another group."""
    said = Notifications(
        "notify: {by: priority, unacknowledged: 15min, wait: 0s, interval: 1h}", restarts=False
    )
    hidden = {"flags": "active unacked shelved:timed", "priority": "low"}
    assert said.feed(raised(0), returned(1000)) == [(900, "high", "first", ["rack"], [])]
    said.feed(raised(1100, priority="low"), change(1100, "shelved", **hidden))
    said.feed(change(1200, "unshelved", annunciate=True, priority="low"))
    said.shard.restart()
    said.feed(change(1300, "shelved", **hidden))
    assert said.wait(9000) == [(4500, "high", "update", [], ["rack"])]


@pytest.mark.parametrize("restarts", [False, True])
def test_what_is_raised_again_is_held_back_anew(restarts: bool) -> None:
    said = Notifications(
        "notify: {by: priority, unacknowledged: 15min, wait: 0s, interval: 1h}", restarts
    )
    assert said.feed(raised(0), returned(1000)) == [(900, "high", "first", ["rack"], [])]
    said.feed(raised(1100, priority="low"))
    assert said.wait(9000) == [
        (2000, "low", "first", ["rack"], []),
        (4500, "high", "update", [], ["rack"]),
    ]


def test_what_is_raised_again_before_its_end_is_told_stands_as_it_did() -> None:
    said = Notifications("notify: {unacknowledged: 15min, wait: 0s, interval: 1h}")
    assert said.feed(raised(0), returned(1000)) == [(900, "alarms", "first", ["rack"], [])]
    said.feed(raised(1100))
    assert said.wait(9000) == [(4500, "alarms", "update", ["rack"], [])]


def test_what_is_raised_within_the_wait_is_one_notification() -> None:
    notifications = Notifications("notify: {wait: 30s, interval: 5min}")
    assert notifications.feed(raised(0, "a"), raised(10, "b"), raised(29, "c")) == []
    assert notifications.wait(60) == [(30, "alarms", "first", ["a", "b", "c"], [])]


def test_later_changes_wait_for_the_interval() -> None:
    notifications = Notifications("notify: {wait: 30s, interval: 5min}")
    notifications.feed(raised(0, "a"))
    notifications.wait(30)
    notifications.feed(returned(100, "a"), raised(200, "b"))
    assert notifications.wait(400) == [(330, "alarms", "update", ["b"], ["a"])]


def test_each_value_of_by_is_a_group() -> None:
    notifications = Notifications("notify: {by: [label.room, priority], wait: 10s}")
    notifications.feed(
        raised(0, "a"), raised(1, "b", labels={"room": "attic"}), raised(2, "c", labels={})
    )
    assert [(at, subject) for at, subject, *_ in notifications.wait(20)] == [
        (10, "hall/high"),
        (11, "attic/high"),
        (12, "-/high"),
    ]


def test_what_was_over_before_it_was_told_is_not_told() -> None:
    notifications = Notifications("notify: {wait: 30s}")
    assert notifications.feed(raised(0), returned(10)) == []
    assert notifications.wait(1000) == []


def test_a_masked_alarm_is_left_out_and_comes_back() -> None:
    notifications = Notifications("notify: {wait: 10s, interval: 1min, repeat: 5min}")
    notifications.feed(raised(0))
    notifications.wait(10)
    notifications.feed(change(20, "shelved", flags="active unacked shelved:timed"))
    assert notifications.wait(1000) == []
    notifications.feed(change(1001, "unshelved", flags="active unacked", annunciate=True))
    assert notifications.wait(1011) == [(1011, "alarms", "update", ["rack"], [])]


def test_it_is_told_again_until_it_is_acknowledged() -> None:
    notifications = Notifications("notify: {wait: 0s, repeat: 10min}")
    notifications.feed(raised(0))
    assert [(at, what) for at, _, what, *_ in notifications.wait(1300)] == [
        (0, "first"),
        (600, "repeat"),
        (1200, "repeat"),
    ]
    notifications.feed(change(1301, "acked", flags="active"))
    assert notifications.wait(10_000) == []


def test_without_repeat_it_is_told_once() -> None:
    notifications = Notifications("notify: {wait: 0s}")
    notifications.feed(raised(0))
    assert len(notifications.wait(1e6)) == 1


def test_a_flood_is_told_at_once_and_then_once_a_span_until_it_is_over() -> None:
    notifications = Notifications(
        "notify: {wait: 30s, interval: 1min, flood: {alarms: 4, in: 10min}}"
    )
    subjects = [f"s{n}" for n in range(40)]
    said = notifications.feed(*(raised(float(n), subject) for n, subject in enumerate(subjects)))
    assert [(at, what, len(some)) for at, _, what, some, _ in said] == [(3, "flood_on", 4)]
    said = notifications.wait(603)
    assert [(at, what, len(some)) for at, _, what, some, _ in said] == [(603, "update", 40)]
    said = notifications.wait(899)
    assert [(at, what, len(some)) for at, _, what, some, _ in said] == [(638, "flood_off", 40)]
    notifications.feed(raised(900, "s40"))
    said = notifications.wait(2000)
    assert [(at, what, len(some)) for at, _, what, some, _ in said] == [(930, "update", 41)]


def test_it_reads_as_a_text_the_most_urgent_first_and_long_lists_are_cut() -> None:
    flood = Shard(step(Notify, "notify: {wait: 0s, flood: {alarms: 2, in: 1min}}"))
    flood.feed(
        raised(0, "a", priority="low", message="A is a bit warm"),
        raised(1, "b", priority="critical"),
    )
    (first,) = flood.logic.on_time(Now(1.1, 1.1))
    assert isinstance(first, Occurrence)
    assert (first.data["count"], first.data["priority"]) == (2, "critical")
    assert (
        first.data["text"]
        == "flood: 2 alarms raised\ncritical: hot of b at 31 °C\nlow: A is a bit warm"
    )
    many = Shard(step(Notify, "notify: {wait: 1min}"))
    many.feed(*(raised(0, f"s{n:02}") for n in range(25)))
    (event,) = many.logic.on_time(Now(60.1, 60.1))
    assert isinstance(event, Occurrence)
    assert event.data["text"].splitlines()[-1] == "and 5 more"
    assert len(event.data["raised"]) == 25


def test_what_is_no_alarm_is_counted_and_left_out() -> None:
    shard = Shard(step(Notify, "notify: {wait: 0s}"))
    assert shard.feed(reading(0, 1.0)) == []
    assert shard.counts == {"no_alarm": 1}


def test_a_group_that_is_over_is_freed() -> None:
    notifications = Notifications(
        "notify: {by: subject, wait: 0s, interval: 1s, flood: {alarms: 2, in: 1min}}"
    )
    notifications.feed(
        *(raised(n, f"s{n}") for n in range(50)), *(returned(100 + n, f"s{n}") for n in range(50))
    )
    notifications.wait(1000)
    assert notifications.shard.logic.snapshot()[0] == {}  # type: ignore[index]


def test_a_changed_definition_counts_from_the_restart_on() -> None:
    notifications = Notifications("notify: {wait: 0s}")
    notifications.feed(raised(0))
    notifications.wait(1)
    again = step(Notify, "notify: {wait: 0s, repeat: 1min}").logic(CONTEXT)
    again.restore(notifications.shard.logic.snapshot(), 1)
    assert again.next_time().wall == pytest.approx(60)


@pytest.mark.parametrize("seed", range(60))
def test_where_batches_end_and_restarts_come_makes_no_difference(seed: int) -> None:
    dice = random.Random(seed)
    more = dice.choice(
        [
            "",
            ", repeat: 40s",
            ", flood: {alarms: 3, in: 30s}",
            ", repeat: 20s, flood: {alarms: 2, in: 1min}",
            ", repeat: 40s, unacknowledged: 12s",
        ]
    )
    operator = step(
        Notify, f"notify: {{by: label.room, wait: {dice.choice((0, 5, 20))}s, interval: 15s{more}}}"
    )
    at, events = 0.0, list[Event]()
    for _ in range(dice.choice((3, 15, 60))):
        at += dice.choice((0, 1, 3, 10, 45))
        room = dice.choice(("hall", "attic"))
        what = dice.choice(
            (
                "activated",
                "activated",
                "returned",
                "acked",
                "shelved",
                "unshelved",
                "realarmed",
                "removed",
            )
        )
        flags = {"returned": "", "acked": "active", "shelved": "active unacked shelved:timed"}.get(
            what, "active unacked"
        )
        some = what in ("activated", "unshelved", "realarmed") and dice.random() < 0.8
        events.append(change(at, what, dice.choice("abcde"), flags, some, labels={"room": room}))
    results = []
    for cut in range(3):
        cuts, logic, said = random.Random(cut), operator.logic(CONTEXT), list[Event]()
        rest = list(events)
        while rest:
            size = cuts.choice((1, 2, 5, 60))
            said += logic.on_batch(rest[:size], Now(0, 0))
            rest = rest[size:]
            if cuts.random() < 0.5:
                fresh = operator.logic(CONTEXT)
                fresh.restore(logic.snapshot(), fresh.VERSION)
                logic = fresh
        said += logic.on_time(Now(at + 500, at + 500))
        results.append(said)
    assert results[0] == results[1] == results[2]
    assert len({event.id for event in results[0]}) == len(results[0])
