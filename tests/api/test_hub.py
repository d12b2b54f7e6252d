import asyncio

import pytest
from prometheus_client import CollectorRegistry, Counter

from api.hub import Hub, Outbox
from api.memory import Alarms, Pushed, Readings
from api.settings import Bounds
from api.updates import Update, from_events, from_push
from operators.events import encode_lines
from tests.api.events import alarm, reading


def encode(update: Update) -> str:
    return update.data


def state(number: int, key: str = "k") -> Update:
    return Update("c", str(number), state_key=("c", key))


def every(number: int) -> Update:
    return Update("c", str(number))


def waiting(outbox: Outbox) -> list[str]:
    async def take() -> list[str]:
        return [await outbox.next() for _ in range(len(outbox))]

    return asyncio.run(take())


@pytest.fixture
def hub() -> Hub:
    registry = CollectorRegistry()
    return Hub(Bounds(), Counter("pushed", "", registry=registry), Counter("coalesced", "", registry=registry))


def test_a_client_that_keeps_up_gets_every_state() -> None:
    outbox = Outbox("d", encode, Bounds())
    for number in range(5):
        outbox.put(state(number))
    assert waiting(outbox) == list("01234")


def test_for_a_client_that_lags_a_newer_state_takes_the_place_of_one_that_still_waits() -> None:
    outbox = Outbox("d", encode, Bounds(lag=0))
    for update in (state(1), every(2), state(3), state(4, "other"), every(5)):
        outbox.put(update)
    assert waiting(outbox) == ["3", "2", "4", "5"]
    assert outbox.coalesced == 1


def test_what_must_not_be_dropped_is_kept_up_to_the_bound_and_then_the_client_is_overrun() -> None:
    outbox = Outbox("d", encode, Bounds(pending_events=3))
    for number in range(3):
        outbox.put(every(number))
    assert not outbox.overrun.is_set()
    outbox.put(every(3))
    assert outbox.overrun.is_set()
    outbox.put(every(4))
    assert len(outbox) == 0


def test_states_have_a_bound_of_their_own() -> None:
    outbox = Outbox("d", encode, Bounds(pending_events=1, pending_states=2, lag=0))
    outbox.put(state(1, "a"))
    outbox.put(state(2, "b"))
    outbox.put(state(3, "a"))
    assert not outbox.overrun.is_set()
    outbox.put(state(4, "c"))
    assert outbox.overrun.is_set()


def test_states_that_were_taken_make_room() -> None:
    outbox = Outbox("d", encode, Bounds(pending_states=2))
    for number in range(10):
        outbox.put(state(number, str(number)))
        assert waiting(outbox) == [str(number)]
    assert not outbox.overrun.is_set()


def test_an_update_is_encoded_once_for_all_clients_of_a_dialect(hub: Hub) -> None:
    calls = []

    def slow_encode(update: Update) -> str:
        calls.append(update)
        return update.data

    boxes = [Outbox("one", slow_encode, Bounds()) for _ in range(5)] + [Outbox("two", slow_encode, Bounds())]
    for outbox in boxes:
        hub.join(outbox)
        hub.subscribe(outbox, "c")
    hub.publish([every(1)])
    assert len(calls) == 2
    assert [waiting(outbox) for outbox in boxes] == [["1"]] * 6


def test_whoever_left_gets_nothing_and_is_forgotten(hub: Hub) -> None:
    outbox = Outbox("d", encode, Bounds())
    hub.join(outbox)
    hub.subscribe(outbox, "c")
    hub.leave(outbox)
    hub.publish([every(1)])
    assert len(outbox) == 0
    assert not hub.clients


def test_readings_out_of_order_and_twice_do_not_move_the_memory_back() -> None:
    memory = Readings(10, 3)
    assert memory.add(reading(5, 1.0))
    assert not memory.add(reading(4, 2.0))
    assert not memory.add(reading(5, 3.0))
    assert memory.latest()[0]["value"] == 1.0


def test_the_course_holds_the_last_good_numbers_only() -> None:
    memory = Readings(10, 3)
    for n in range(5):
        memory.add(reading(n, float(n)))
    memory.add(reading(6, None, quality="bad"))
    memory.add(reading(7, None, text="on"))
    assert memory.latest(course=True)[0]["course"] == [(2.0, 2.0), (3.0, 3.0), (4.0, 4.0)]


def test_the_signal_that_was_silent_longest_is_forgotten_first() -> None:
    memory = Readings(2, 3)
    for n, subject in enumerate(["a", "b", "a", "c"]):
        memory.add(reading(n, subject=subject))
    assert [entry["subject"] for entry in memory.latest()] == ["a", "c"]


def test_alarms_are_ordered_by_state_then_priority_then_age() -> None:
    alarms = Alarms()
    rows = ["C critical", "B low", "B high", "D medium", "E high", "A high", "B high"]
    for time, (isa, priority) in enumerate((row.split() for row in rows), 1):
        alarms.add(alarm(1, isa, subject=f"s{time}", priority=priority, time=float(time)))
    assert [entry["subject"] for entry in alarms.current()] == ["s7", "s3", "s2", "s4", "s1", "s5"]
    assert len(alarms.current(everything=True)) == 7


def test_a_transition_that_comes_again_or_late_changes_nothing() -> None:
    alarms = Alarms()
    assert alarms.add(alarm(1, "B"))
    assert alarms.add(alarm(2, "C"))
    assert not alarms.add(alarm(2, "C"))
    assert not alarms.add(alarm(1, "B"))
    assert alarms.current()[0]["state"] == "acked"


def test_beyond_the_bound_alarms_that_are_normal_go_first() -> None:
    alarms = Alarms(limit=2)
    alarms.add(alarm(1, "B", subject="old"))
    alarms.add(alarm(1, "A", subject="normal"))
    alarms.add(alarm(1, "C", subject="new"))
    assert {entry["subject"] for entry in alarms.current(everything=True)} == {"old", "new"}


def test_a_record_may_hold_many_lines() -> None:
    packed = encode_lines([reading(1), reading(2, quality="stale"), alarm(1)])
    updates = from_events(packed, live=True)
    assert [update.channel for update in updates] == ["readings", "readings", "alarms"]
    assert '"quality":"good"' in updates[0].data
    assert updates[1].data.count("quality") == 1
    line = b'{"channel":"c","id":"1","time":1,"subject":"s","data":{"a": 1.50}}'
    assert [update.data for update in from_push(line + b"\n" + line, live=True)] == ['{"a": 1.50}'] * 2


def test_a_channel_s_oldest_origins_are_forgotten_beyond_the_bound() -> None:
    pushed = Pushed(2)
    for channel, origin in [("c", "a"), ("d", "b"), ("c", "a"), ("e", "f")]:
        pushed.add(channel, origin, f"{channel}{origin}")
    assert [pushed.latest(channel) for channel in "cde"] == [["ca"], [], ["ef"]]
