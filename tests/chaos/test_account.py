"""The account of the fault runs by itself: it must see what is lost, doubled, repeated and out
of order.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from flows.language.catalogue import SINKS, SOURCES
from tests.chaos import page
from tests.chaos.account import Account, counted
from tests.chaos.ends.numbers import DEVICES, Numbers
from tests.chaos.ends.observers import Arrived, Deliveries, Observer, Sequence
from tests.chaos.ends.senders import Sender
from tests.chaos.faults import FULL, kill_times
from tests.chaos.street.table import Passes
from tests.chaos.street.table import table as passes_table
from tests.chaos.table import Row, load, recovery, save, table

NUMBERS = Numbers(1_700_000_000)


class Fixed(Observer):
    """A far end that has what it is told."""

    def __init__(self, arrived: Arrived) -> None:
        super().__init__(NUMBERS)
        self._arrived = arrived

    def seen(self) -> int:
        return len(self._arrived.numbers)

    def arrived(self) -> Arrived:
        return self._arrived


def row(arrived: Arrived, source: str = "mqtt", copies: dict[int, int] | None = None) -> Row:
    account = Account(
        NUMBERS, {source: Sender(NUMBERS, 1.0)}, {(source, "clickhouse"): Fixed(arrived)}
    )
    for number, count in (copies or {}).items():
        account.copies[source, number] = count
    return account.rows({source: 10})[0]


ALL = frozenset(range(10))


def test_a_complete_far_end_has_lost_and_doubled_nothing() -> None:
    made = row(Arrived(10, ALL))
    assert (made.sent, made.stored, made.lost, made.duplicated) == (10, 10, 0, 0)


def test_an_event_that_is_missing_is_lost() -> None:
    made = row(Arrived(9, ALL - {3}))
    assert (made.stored, made.lost, made.duplicated) == (9, 1, 0)


@pytest.mark.parametrize("arrived", [Arrived(11, ALL), Arrived(11, ALL | {77})])
def test_an_event_that_is_there_twice_or_was_never_sent_is_a_duplicate(arrived: Arrived) -> None:
    assert row(arrived).duplicated == 1


def test_only_copies_of_payloads_without_an_id_may_be_there_twice() -> None:
    allowed = row(Arrived(12, ALL), "mqtt_plain", {1: 2, 4: 2, 5: 1})
    assert (allowed.redelivered, allowed.duplicated) == (2, 0)
    one_more = row(Arrived(13, ALL), "mqtt_plain", {1: 2, 4: 2, 5: 1})
    assert (one_more.redelivered, one_more.duplicated) == (2, 1)
    assert row(Arrived(12, ALL), "mqtt", {1: 2, 4: 2}).duplicated == 2


def test_a_consumer_leaves_out_known_ids_and_notices_what_comes_late() -> None:
    sequence = Sequence()
    for id, subject, number in [
        ("a", "d0", 0),
        ("b", "d0", 20),
        ("b", "d0", 20),
        ("c", "d0", 10),
        ("d", "d1", 1),
    ]:
        sequence.add(id, subject, number)
    assert sequence.arrived() == Arrived(4, frozenset({0, 20, 10, 1}), 1, 1)


def test_deliveries_are_numbered_by_the_times_of_the_events() -> None:
    deliveries = Deliveries(NUMBERS)
    deliveries.take([{"id": "x", "subject": "d3", "time": NUMBERS.time(123)}])
    assert deliveries.arrived().numbers == {123}


@pytest.mark.parametrize("devices", [1, 5, DEVICES])
def test_the_share_of_some_devices_is_what_they_send(devices: int) -> None:
    for sent in (0, 1, 9, 10, 11, 57):
        assert Numbers.share(sent, devices) == sum(
            number % DEVICES < devices for number in range(sent)
        )


def test_a_recovery_that_never_came_makes_the_row_fail(tmp: Path) -> None:
    assert recovery([1.0, 3.0, 2.0]) == (3.0, 2.0)
    assert recovery([1.0, float("inf")]) == (None, None)
    whole = replace(row(Arrived(10, ALL)), recovery_s=1.0, recovery_median_s=1.0)
    assert whole.good
    assert not replace(whole, recovery_s=None).good
    assert not replace(whole, out_of_order=1).good
    assert not replace(whole, lost=1).good
    other = replace(whole, sink="another")
    save([replace(whole, lost=1), other], tmp / "chaos.json")
    save([whole], tmp / "chaos.json")
    assert load(tmp / "chaos.json") == [other, whole]
    assert "| 10 | 10 | 0 | 0 | 0 | – | 1 (worst 1) |" in table([whole])


def test_each_flow_is_killed_as_often_as_the_scale_says_at_the_same_moments_for_a_seed() -> None:
    times = kill_times(FULL, ["a", "b"])
    assert [source for _, source in times].count("b") == FULL.kills
    assert times == kill_times(FULL, ["a", "b"]) != kill_times(replace(FULL, seed=2), ["a", "b"])


def test_the_faults_are_said_once_with_their_number() -> None:
    assert counted(["kill -9", "SIGTERM", "kill -9"]) == "2 × kill -9, SIGTERM"


def test_the_page_names_every_source_and_sink_that_runs() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    promised = [line.partition(": ")[0] for line in page.guarantees().splitlines()]
    assert len(promised) > 10
    assert [name for name in promised if f"{name}:" not in text] == [], (
        f"write it anew: {page.COMMAND}"
    )
    assert {name for kind, name in (line.removeprefix("- ").split(" ") for line in promised)} <= {
        f"`{name}`" for name in (*SOURCES, *SINKS)
    }


def people(lost: int, untold: int = 0) -> Passes:
    return Passes(
        cameras=4,
        seconds=60.0,
        passes=10,
        kills={"flow": 3},
        taken=99,
        looked=98,
        told=9,
        lost=lost,
        doubled=0,
        broken=0,
        unseen=1,
        untold=untold,
        stored=18,
        said_lost=0,
        neither=0,
        date="today",
        machine="2 cores",
    )


def test_the_run_of_cameras_is_a_row_and_one_lost_event_or_untold_time_fails_it() -> None:
    assert people(lost=0).good
    assert not people(lost=1).good
    assert not people(lost=0, untold=1).good
    assert passes_table(people(lost=1)).splitlines()[-1] == (
        "| 10 | 3 | 99 | 98 | 9 | 1 | 0 | 0 | 1 | 0 | 18 | 0 | 0 |"
    )


def test_a_page_without_its_marks_is_refused(tmp: Path) -> None:
    path = tmp / "page.md"
    path.write_text("# A page\n")
    with pytest.raises(ValueError, match="expected the lines"):
        page.write([row(Arrived(10, ALL))], [], people(lost=0), path)
