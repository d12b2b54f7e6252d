import pytest
from pydantic import ValidationError

from operators.stateful.vote import Vote
from tests.operators.shard import Shard, reading, states, step


def smoke(time: float, detector: str, value: float = 1.0, room: str = "hall"):
    return reading(time, value, subject=detector, metric="smoke", labels={"room": room})


def test_it_is_on_while_enough_signals_are_on() -> None:
    shard = Shard(step(Vote, "vote: {need: 2, same: label.room, max_age: 10min}"), restarts=True)
    out = shard.feed(
        smoke(0, "a"),
        smoke(1, "a"),
        smoke(2, "b"),
        smoke(3, "c"),
        smoke(4, "a", 0.0),
        smoke(5, "b", 0.0),
    )
    assert states(out) == [(2, "agreement", 1.0), (5, "agreement", 0.0)]
    assert {(getattr(e, "subject", ""), getattr(e, "labels", {})["room"]) for e in out} == {
        ("hall", "hall")
    }


def test_rooms_vote_apart() -> None:
    shard = Shard(step(Vote, "vote: {need: 2, same: label.room, max_age: 10min}"))
    assert shard.feed(smoke(0, "a"), smoke(1, "b", room="attic")) == []


def test_a_vote_that_is_too_old_counts_no_longer() -> None:
    shard = Shard(
        step(Vote, "vote: {need: 2, subject: house, metric: fire, max_age: 30s}"), restarts=True
    )
    assert states(shard.feed(smoke(0, "a"), smoke(10, "b"))) == [(10, "fire", 1.0)]
    assert states(shard.wait_until(30)) == [(30, "fire", 0.0)]
    assert shard.wait_until(100) == []
    assert shard.logic.snapshot()[0] == []  # type: ignore[index]


def test_what_has_no_vote_is_counted() -> None:
    shard = Shard(step(Vote, "vote: {need: 1, same: label.room, max_age: 30s}"))
    shard.feed(reading(0, 1.0, metric="smoke"), reading(0, 7.0), smoke(5, "a"), smoke(4, "a"))
    assert shard.counts == {"unplaced": 1, "not_data": 1}
    assert len(shard.late) == 1


def test_it_needs_a_place_or_a_name() -> None:
    with pytest.raises(ValidationError, match="needs 'same'"):
        step(Vote, "vote: {need: 1, max_age: 1s}")
