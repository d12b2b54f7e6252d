import json
from itertools import permutations

import msgspec
import pytest
from prometheus_client import CollectorRegistry, Counter

from api.accounts.principal import Principal
from api.permissions.visibility import EVERYTHING, Visibility
from api.push.client import Client
from api.push.cursor import Position, parse
from api.push.hub import Hub
from api.push.last_values import ChannelStates, LastAlarms, LastReadings
from api.push.send_buffer import Frame, LatestOnly, SendBuffer
from api.push.updates import Update, from_events, from_push
from api.settings import Bounds
from api.web.close_codes import Close
from operators.events import encode_lines
from tests.api.events import alarm, reading

PERSON = Principal(1, "ann", "viewer", 0.0)


class Transport:
    """The near end of a connection that takes everything while it flows."""

    def __init__(self) -> None:
        self.can_write = True
        self.buffered = 0
        self.written: list[bytes] = []
        self.code = 0

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def end(self, close: Close, grace: float) -> None:
        self.code = close.code

    @property
    def text(self) -> str:
        return b"".join(self.written).decode()


class Plain:
    """A protocol that writes the data and a comma."""

    deduplicates = False

    def __init__(self, name: str = "plain") -> None:
        self.name = name
        self.calls = 0

    def encode(self, update: Update) -> bytes:
        self.calls += 1
        return f"{update.data},".encode()


def state(number: int, key: str = "k") -> Frame:
    return Frame(str(number).encode(), ("c", key))


def every(number: int) -> Frame:
    return Frame(str(number).encode())


def all_of(buffer: SendBuffer) -> str:
    return buffer.take(1 << 20).decode()


def update(number: int, channel: str = "c", partition: str = "p", **others: object) -> Update:
    one = Update(channel, str(number), **others)  # type: ignore[arg-type]
    one.set_position(partition, (number, 0))
    return one


def joined(
    hub: Hub,
    protocol: Plain,
    *channels: str,
    visibility: Visibility | None = None,
    now: list[float] | None = None,
) -> Transport:
    """A client of the hub that subscribed to the channels."""
    transport = Transport()
    clock = now or [0.0]
    client = Client(
        transport,
        Bounds(pending_events=3),
        PERSON,
        visibility or Visibility(),
        clock=lambda: clock[0],
    )
    transport.client = client  # type: ignore[attr-defined]
    hub.join(client)
    hub.subscribe(client, protocol, channels)
    return transport


@pytest.fixture
def hub() -> Hub:
    return new_hub()


def new_hub(**bounds: int) -> Hub:
    registry = CollectorRegistry()
    return Hub(
        Bounds(**bounds),  # type: ignore[arg-type]
        Counter("pushed", "", registry=registry),
        Counter("coalesced", "", registry=registry),
    )


def missed_of(
    hub: Hub,
    cursor: dict[str, Position],
    channels: list[str],
    visibility: Visibility = EVERYTHING,
) -> list[str] | None:
    slices = hub.missed(cursor, channels, visibility)
    return None if slices is None else [one.data for part, _ in slices for one in part]


def test_what_waits_comes_in_order() -> None:
    buffer = SendBuffer(Bounds())
    for number in range(5):
        buffer.put(state(number))
    assert all_of(buffer) == "01234"


def test_for_a_client_that_lags_a_newer_state_takes_the_place_of_the_older_at_the_end() -> None:
    buffer = SendBuffer(Bounds(lag=0))
    for frame in (state(1), every(2), state(3), state(4, "other"), every(5)):
        buffer.put(frame)
    assert all_of(buffer) == "2345"
    assert buffer.coalesced == 1


def test_of_pictures_only_the_newest_waits_and_none_is_kept_for_those_who_come_back(
    hub: Hub,
) -> None:
    buffer = SendBuffer(Bounds(pending_events=2))
    for number in range(5):
        buffer.put(Frame(b"%d" % number, LatestOnly("camera_gate", "gate")))
        buffer.put(Frame(b"b%d" % number, LatestOnly("camera_yard", "yard")))
    buffer.put(every(9))
    assert all_of(buffer) == "4b49"
    assert buffer.coalesced == 8
    hub.begin("p", (1, 0))
    hub.publish([update(2), update(3, state_key=LatestOnly("c", "gate")), update(4)])
    assert missed_of(hub, {"p": (1, 0)}, ["c"]) == ["2", "4"]


def test_what_must_not_be_dropped_is_kept_up_to_the_bound_and_then_the_client_is_overrun() -> None:
    buffer = SendBuffer(Bounds(pending_events=3))
    for number in range(3):
        buffer.put(every(number))
    assert not buffer.overflowed
    buffer.put(every(3))
    assert buffer.overflowed
    buffer.put(every(4))
    assert len(buffer) == 0


def test_states_have_a_bound_of_their_own() -> None:
    buffer = SendBuffer(Bounds(pending_events=1, pending_states=2, lag=0))
    buffer.put(state(1, "a"))
    buffer.put(state(2, "b"))
    buffer.put(state(3, "a"))
    assert not buffer.overflowed
    buffer.put(state(4, "c"))
    assert buffer.overflowed


def test_states_that_were_taken_make_room() -> None:
    buffer = SendBuffer(Bounds(pending_states=2))
    for number in range(10):
        buffer.put(state(number, str(number)))
        assert all_of(buffer) == str(number)
    assert not buffer.overflowed


def test_what_was_missed_comes_before_what_waits_and_has_no_bound() -> None:
    buffer = SendBuffer(Bounds(pending_events=2))
    buffer.replay([b"1", b"2", b"3"])
    buffer.put(every(4))
    assert not buffer.overflowed
    assert buffer.take(2) == b"12"
    assert all_of(buffer) == "34"


def test_an_update_is_encoded_once_for_all_clients_of_a_protocol(hub: Hub) -> None:
    one, two = Plain("one"), Plain("two")
    wires = [joined(hub, one, "c") for _ in range(3)] + [
        joined(hub, one, "c", "d"),
        joined(hub, two, "c"),
    ]
    hub.publish([update(1), update(2)])
    assert (one.calls, two.calls) == (2, 2)
    assert [transport.text for transport in wires] == ["1,2,"] * 5
    assert [len(transport.written) for transport in wires] == [1] * 5


def test_a_pattern_of_subjects_takes_readings_and_alarms_of_them_once(hub: Hub) -> None:
    transport = joined(hub, Plain(), "subject:kitchen*", "readings")
    only = joined(hub, Plain(), "subject:kitchen*")
    hub.publish(
        [
            update(1, "readings", subject="kitchen_1"),
            update(2, "readings", subject="hall"),
            update(3, "alarms", subject="kitchen_2"),
            update(4, "c", subject="kitchen_2"),
        ]
    )
    assert (transport.text, only.text) == ("1,2,3,", "1,3,")


def test_whoever_left_gets_nothing_and_is_forgotten(hub: Hub) -> None:
    transport = joined(hub, Plain(), "c")
    hub.leave(transport.client)  # type: ignore[attr-defined]
    hub.publish([update(1)])
    assert (transport.text, hub.clients) == ("", set())


def test_nobody_gets_alarms_or_channels_of_pages_he_may_not_see(hub: Hub) -> None:
    visibility = Visibility(frozenset({"mine"}))
    transport = joined(hub, Plain(), "alarms", "page/mine", "page/yours", visibility=visibility)
    hub.publish(
        [update(1, "alarms", page="mine"), update(2, "alarms", page="yours"), update(3, "alarms")]
    )
    hub.publish([update(4, "page/mine"), update(5, "page/yours")])
    assert transport.text == "1,3,4,"
    channels = ["alarms", "page/mine", "page/yours"]
    assert missed_of(hub, {}, channels, visibility) == ["1", "3", "4"]


def test_an_event_that_a_flow_writes_twice_goes_out_once(hub: Hub) -> None:
    transport = joined(hub, Plain(), "c")
    hub.publish([update(1, dedup_key="a"), update(2, dedup_key="b"), update(3, dedup_key="a")])
    assert transport.text == "1,2,"
    assert parse(hub.cursor) == {"p": (3, 0)}


def test_a_client_that_lags_gets_the_rest_when_it_reads_again(hub: Hub) -> None:
    transport = joined(hub, Plain(), "c")
    transport.can_write = False
    hub.publish([update(1), update(2)])
    assert transport.text == ""
    transport.can_write = True
    transport.client.drain()  # type: ignore[attr-defined]
    hub.publish([update(3)])
    assert transport.text == "1,2,3,"


def test_a_client_over_its_bound_or_that_reads_nothing_is_closed_and_the_others_do_not_notice(
    hub: Hub,
) -> None:
    now = [0.0]
    good, full, mute = (joined(hub, Plain(), "c", now=now) for _ in range(3))
    full.can_write = mute.can_write = False
    hub.publish([update(1)])
    hub.leave(mute.client)  # type: ignore[attr-defined]
    hub.publish([update(n) for n in (2, 3, 4)])
    assert full.code == 4429
    hub.join(mute.client)  # type: ignore[attr-defined]
    now[0] = 30.0
    hub.sweep()
    assert mute.code == 0
    now[0] = 30.1
    hub.sweep()
    assert (mute.code, good.code, good.text) == (4429, 0, "1,2,3,4,")


@pytest.mark.parametrize(
    ("cursor", "missed"),
    [
        ({}, None),
        ({"p": (2, 0)}, None),
        ({"p": (3, 0), "q": (1, 0)}, ["4", "5"]),
        ({"p": (5, 0), "q": (1, 0)}, []),
        ({"p": (5, 0), "q": (1, 0), "gone": (1, 0)}, None),
    ],
)
def test_a_cursor_gives_what_came_after_it_or_nothing_if_some_of_that_is_gone(
    cursor: dict[str, Position], missed: list[str] | None
) -> None:
    hub = new_hub(replay_updates=3)
    hub.begin("p", (1, 0))
    hub.begin("q", (1, 0))
    hub.publish([update(n) for n in (1, 2, 3, 4, 5)])
    assert missed_of(hub, cursor, ["c"]) == missed


def test_readings_out_of_order_and_twice_do_not_move_the_memory_back() -> None:
    memory = LastReadings(10, 3)
    assert memory.add(reading(5, 1.0))
    assert not memory.add(reading(4, 2.0))
    assert not memory.add(reading(5, 3.0))
    assert memory.latest()[0]["value"] == 1.0


def test_the_course_holds_the_last_good_numbers_only() -> None:
    memory = LastReadings(10, 3)
    for n in range(5):
        memory.add(reading(n, float(n)))
    memory.add(reading(6, None, quality="bad"))
    memory.add(reading(7, None, text="on"))
    assert memory.latest(course=True)[0]["course"] == [(2.0, 2.0), (3.0, 3.0), (4.0, 4.0)]


def test_the_signal_that_was_silent_longest_is_forgotten_first() -> None:
    memory = LastReadings(2, 3)
    for n, subject in enumerate(["a", "b", "a", "c"]):
        memory.add(reading(n, subject=subject))
    assert [entry["subject"] for entry in memory.latest()] == ["a", "c"]


def test_alarms_are_ordered_by_state_then_priority_then_age() -> None:
    alarms = LastAlarms()
    rows = ["C critical", "B low", "B high", "D medium", "E high", "A high", "B high"]
    for time, (isa, priority) in enumerate((row.split() for row in rows), 1):
        alarms.add(alarm(1, isa, subject=f"s{time}", priority=priority, time=float(time)))
    assert [entry["subject"] for entry in alarms.current()] == ["s7", "s3", "s2", "s4", "s1", "s5"]
    assert len(alarms.current(everything=True)) == 7


def test_a_transition_that_comes_again_or_late_changes_nothing() -> None:
    alarms = LastAlarms()
    assert alarms.add(alarm(1, "B"))
    assert alarms.add(alarm(2, "C"))
    assert not alarms.add(alarm(2, "C"))
    assert not alarms.add(alarm(1, "B"))
    assert alarms.current()[0]["state"] == "acked"


SHELVED = alarm(
    2, "E", event="shelved", until=3600.0, user="ada", comment="new pump", reason="command",
    flags=["active", "unacked", "shelved:timed"],
)  # fmt: skip


def test_what_later_changes_do_not_repeat_still_holds_in_whichever_order_they_come() -> None:
    life = [
        alarm(1, value=31.0, flags=["active", "unacked"]),
        SHELVED,
        alarm(3, "E", event="acked", user="bob", flags=["active", "shelved:timed"], value=33.0),
        alarm(4, "F", event="suppressed", reason="inhibit:power", flags=["active", "shelved:timed", "suppressed"]),
        alarm(5, "E", event="commented", user="eve", comment="seen", response=None, limit=None,
              flags=["active", "shelved:timed"]),
    ]  # fmt: skip
    in_order = LastAlarms()
    in_order.extend(life)
    (shown,) = in_order.current()
    assert shown["until"] == 3600.0
    assert shown["lasting"] == {
        "shelved": {
            "time": 2.0, "until": 3600.0, "user": "ada", "comment": "new pump", "reason": "command",
        },
        "acked": {"time": 3.0, "user": "bob"},
        "commented": {"time": 5.0, "user": "eve", "comment": "seen"},
    }  # fmt: skip
    assert (shown["since"], shown["first_value"]) == (1.0, 31.0)
    assert (shown["response"], shown["limit"]) == (life[0].response, 30.0)
    assert json.loads(in_order.texts(EVERYTHING)[0]) == shown
    for order in permutations(life[:4]):
        others = LastAlarms()
        others.extend([life[4], *order])
        (again,) = others.current()
        assert again["lasting"] == shown["lasting"]
        assert (again["until"], again["since"]) == (3600.0, 1.0)


def test_what_no_longer_holds_is_not_told() -> None:
    alarms = LastAlarms()
    alarms.extend([SHELVED, alarm(3, event="unshelved", flags=["active", "unacked"])])
    (shown,) = alarms.current()
    assert "until" not in shown
    assert [*shown["lasting"]] == ["commented"]
    alarms.add(alarm(4, occ=2, value=40.0))
    (shown,) = alarms.current()
    assert "lasting" not in shown
    alarms.extend([alarm(5, "A", event="returned"), alarm(6, "E", event="shelved")])
    (shown,) = alarms.current()
    assert shown["lasting"] == {"shelved": {"time": 6.0}}


def test_a_comment_is_not_told_on_another_page_than_it_was_made_on() -> None:
    alarms = LastAlarms()
    flags = ["active", "shelved:timed"]
    alarms.extend([
        msgspec.structs.replace(SHELVED, page="boiler"),
        alarm(3, "A", event="removed", reason="page", page="boiler"),
        alarm(4, "E", event="rule_changed", reason="page", page="hall", flags=flags),
    ])  # fmt: skip
    (shown,) = alarms.current()
    assert shown["until"] == 3600.0
    assert shown["lasting"] == {"shelved": {"time": 2.0, "until": 3600.0}}


def test_beyond_the_bound_alarms_that_are_normal_go_first() -> None:
    alarms = LastAlarms(limit=2)
    alarms.add(alarm(1, "B", subject="old"))
    alarms.add(alarm(1, "A", subject="normal"))
    alarms.add(alarm(1, "C", subject="new"))
    assert {entry["subject"] for entry in alarms.current(everything=True)} == {"old", "new"}


def test_a_record_may_hold_many_lines() -> None:
    packed = encode_lines([reading(1), reading(2, quality="stale"), alarm(1)])
    updates = from_events(packed, live=True)
    assert [one.channel for one in updates] == ["readings", "readings", "alarms"]
    assert '"quality":"good"' in updates[0].data
    assert updates[1].data.count("quality") == 1
    line = b'{"channel":"c","id":"1","time":1,"subject":"s","data":{"a": 1.50}}'
    assert [one.data for one in from_push(line + b"\n" + line, live=True)] == ['{"a": 1.50}'] * 2


@pytest.mark.parametrize("data", [b'"\xff"', b'"\\ud800"', b"[" * 100_000, b""])
def test_a_record_that_no_flow_wrote_is_refused(data: bytes) -> None:
    head = b'{"channel":"c","id":"1","time":1,"subject":"s","data":'
    with pytest.raises(msgspec.MsgspecError):
        from_push(head + data + b"}", live=True)


def test_a_channel_s_oldest_origins_are_forgotten_beyond_the_bound() -> None:
    pushed = ChannelStates(2)
    for channel, origin in [("c", "a"), ("d", "b"), ("c", "a"), ("e", "f")]:
        pushed.add(Update(channel, f"{channel}{origin}", origin=origin))
    assert [pushed.latest(channel) for channel in "cde"] == [["ca"], [], ["ef"]]
