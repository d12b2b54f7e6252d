"""Which evidence is deleted: by days, by priority and by bytes, and never what is pinned."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.s3.retention import Retention, Stored, doomed

DAY = 86_400.0
NOW = 1000 * DAY
RULES = Retention(30 * DAY, {"critical": 365 * DAY, "low": DAY})


def stored(id: str, days: float, bytes: int = 100, priority: str | None = None) -> Stored:
    return Stored(id, f"event {id}", NOW - days * DAY, bytes, priority)


def ids(*args: object, **more: float) -> list[str]:
    return [one.id for one in doomed(*args, **more)]  # type: ignore[arg-type]


def test_each_priority_has_its_days_and_what_is_pinned_stays() -> None:
    some = [
        stored("old", 31), stored("young", 29), stored("low", 2, priority="low"),
        stored("critical", 200, priority="critical"), stored("pinned", 400),
    ]  # fmt: skip
    assert ids(some, RULES, ["event pinned"], now=NOW, hour=0) == ["old", "low"]
    assert doomed(some, RULES, [], NOW, 0)[0].why == "kept for 30 d"


def test_without_rules_nothing_is_deleted() -> None:
    assert ids([stored("old", 10_000)], Retention(), [], now=NOW, hour=1e12) == []


def test_room_for_an_hour_is_made_before_it_is_needed_from_the_oldest_of_least_priority() -> None:
    some = [
        stored("high", 9, priority="high"), stored("newer", 2), stored("older", 3),
        stored("pinned", 8),
    ]  # fmt: skip
    rules = Retention(bytes=450)
    assert ids(some, rules, ["event pinned"], now=NOW, hour=0) == []
    assert ids(some, rules, ["event pinned"], now=NOW, hour=60) == ["older"]
    assert ids(some, rules, ["event pinned"], now=NOW, hour=200) == ["older", "newer"]
    assert ids(some, rules, ["event pinned"], now=NOW, hour=1e9) == ["older", "newer"]


@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.integers(0, 1000), st.sampled_from([None, "low", "high"])),
        max_size=20,
    ),
    st.sets(st.integers(0, 19)),
    st.integers(1, 5000),
    st.floats(0, 1e6),
)
def test_what_stays_fits_unless_it_is_pinned_and_a_second_look_finds_nothing(
    given: list[tuple[float, int, str | None]], pins: set[int], most: int, hour: float
) -> None:
    some = [stored(str(n), *one) for n, one in enumerate(given)]
    rules = Retention(30 * DAY, {"high": 60 * DAY}, most)
    pinned = {f"event {n}" for n in pins}
    gone = set(ids(some, rules, pinned, now=NOW, hour=hour))
    left = [one for one in some if one.id not in gone]
    assert not pinned & {one.event for one in some if one.id in gone}
    free = [one for one in left if one.event not in pinned]
    assert not free or sum(one.bytes for one in left) <= most
    assert ids(left, rules, pinned, now=NOW, hour=hour) == []
