"""Which event a far end never takes, and how little is refused while the far end itself is sick."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.runtime.suspicion import TRIES, Suspicion


def deliver(
    events: list[int],
    poisoned: set[int],
    most_tries: int,
    sick: bool = False,
    proven: bool = False,
) -> tuple[list[int], list[int], int]:
    """What was taken and refused, and the tries, of a batch that is tried until nothing is left."""
    suspicion, left = Suspicion(), events
    taken: list[int] = []
    refused: list[int] = []
    tries = 0
    while left and tries < most_tries:
        tries += 1
        part = left[: suspicion.limit]
        if not sick and poisoned.isdisjoint(part):
            suspicion.taken()
            taken += part
            left = left[len(part) :]
        elif suspicion.failed(len(part), proven) == "refuse":
            refused.append(left[0])
            left = left[1:]
        if not left:
            suspicion.whole_batch()
    return taken, refused, tries


@given(size=st.integers(1, 3000), poisoned=st.sets(st.integers(0, 2999), max_size=4))
def test_all_but_the_poisoned_events_are_taken_in_order(size: int, poisoned: set[int]) -> None:
    events = list(range(size))
    taken, refused, tries = deliver(events, poisoned, 5_000)
    assert taken == [event for event in events if event not in poisoned]
    assert refused == [event for event in events if event in poisoned]
    assert tries < TRIES + 500


def test_one_poisoned_event_among_thousands_is_found_within_some_thirty_tries() -> None:
    _, refused, tries = deliver(list(range(5000)), {3333}, 1_000)
    assert refused == [3333]
    assert tries < 60


@given(poisoned=st.sets(st.integers(0, 199), max_size=200))
def test_many_poisoned_events_side_by_side_take_few_tries_where_the_far_end_takes_others(
    poisoned: set[int],
) -> None:
    events = list(range(200))
    taken, refused, tries = deliver(events, poisoned, 2_000, proven=True)
    assert taken == [event for event in events if event not in poisoned]
    assert refused == sorted(poisoned)
    assert tries <= 20 * len(poisoned) + 20


def test_a_far_end_that_takes_nothing_makes_few_dead_letters() -> None:
    taken, refused, _ = deliver(list(range(5000)), set(), 300, sick=True)
    assert (taken, len(refused)) == ([], 4)
