"""A key that a store never takes: the others pass, and it becomes a dead letter."""

import itertools
from collections.abc import Iterator

import pytest

from connectors.runtime import batch_writer
from connectors.s3.components import Objects
from infra.embedded import objects as embedded
from tests.bucket import Bucket, connection_to
from tests.connectors.recorder import Recorder, reading
from tests.connectors.s3.front import Refusal, before

REFUSAL = b"<Error><Code>InternalError</Code><Message>We are sorry.</Message></Error>"


SICK = {"everything": ("HEAD", "GET", "PUT"), "writes": ("PUT",), "reads": ("GET",)}
TIMES = 100


@pytest.fixture(params=["PUT", "GET"])
def poisoned(objects: embedded.Objects, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a store that answers 500 to a method wherever a key holds `poison`, or to all
    requests of some methods, so many times.
    """
    requests = itertools.count()

    def refuse(method: str, path: str) -> Refusal | None:
        if request.param in SICK:
            refused = method in SICK[request.param] and next(requests) < TIMES
        else:
            refused = method == request.param and "poison" in path
        return (500, REFUSAL) if refused else None

    with before(objects, refuse) as url:
        yield url


@pytest.mark.parametrize("among_others", [True, False])
def test_a_key_that_the_store_never_takes_is_a_dead_letter_and_the_others_pass(
    poisoned: str,
    among_others: bool,
    objects: embedded.Objects,
    unique: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch_writer, "FIRST_BACKOFF", 0.001)
    monkeypatch.setattr(batch_writer, "LONGEST_BACKOFF", 0.001)
    recorder = Recorder()
    connection = connection_to(objects, url=poisoned)
    sink = Objects.model_validate(
        {"bucket": unique, "key": "{subject}/{time:%H%M}", "every": "1min"}
    ).open(recorder.context("archive", connection))
    others = [reading(1, "hall"), reading(3, "yard")] if among_others else []
    sink.write([*others[:1], reading(2, "poison"), *others[1:]])
    sink.flush()
    sink.write([reading(4, "hall")])
    sink.flush()
    sink.close()

    (letter,) = recorder.letters
    assert (letter.id, letter.reason) == ("r2/archive", "refused")
    assert "InternalError" in letter.detail
    kept = Bucket(connection_to(objects), unique).ids()
    assert kept == (["r1", "r4", "r3"] if among_others else ["r4"])


@pytest.mark.parametrize("poisoned", SICK, indirect=True)
def test_a_store_that_fails_at_everything_costs_no_event_however_long(
    poisoned: str, objects: embedded.Objects, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_writer, "FIRST_BACKOFF", 0.001)
    monkeypatch.setattr(batch_writer, "LONGEST_BACKOFF", 0.001)
    recorder = Recorder()
    connection = connection_to(objects, url=poisoned)
    sink = Objects.model_validate({"bucket": unique, "key": "{subject}/{id}"}).open(
        recorder.context("archive", connection)
    )
    sink.write([reading(1, "hall"), reading(2, "poison")])
    sink.flush()
    sink.close()
    assert recorder.letters == []
    assert Bucket(connection_to(objects), unique).ids() == ["r1", "r2"]
