"""The archive sink against a real store, and what it does by itself."""

import io
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import Stopped, Writer
from connectors.s3.components import Objects
from connectors.s3.keys import BadKey, KeyTemplate
from connectors.s3.span import Span, digest
from infra.embedded import objects as embedded
from operators.events import Event, Occurrence, Reading
from tests.api.events import alarm
from tests.bucket import Bucket, connection_to
from tests.connectors.recorder import Recorder, reading
from tests.connectors.s3.front import Refusal, before
from tests.waiting import PATIENCE, wait_until

Open = Callable[..., Writer]
MINUTE = 1_795_000_020.0
"""The beginning of a minute: 2026-11-18 11:07 UTC."""


def at(n: int, seconds: float, **more: Any) -> Reading:
    return Reading(
        id=f"r{n}",
        time=MINUTE + seconds,
        subject="rack",
        metric="temperature",
        value=float(n),
        **more,
    )


@pytest.fixture
def opened(recorder: Recorder, objects: embedded.Objects, unique: str) -> Open:
    """Opens an archive sink into a bucket of this test."""

    def open(
        name: str = "archive", share: str | None = None, shape: Any = None, **settings: Any
    ) -> Writer:
        context = recorder.context(name, connection_to(objects), share=share, shape=shape)
        return Objects.model_validate({"bucket": unique, **settings}).open(context)

    return open


@pytest.fixture
def bucket(objects: embedded.Objects, unique: str) -> Bucket:
    return Bucket(connection_to(objects), unique)


def put(sink: Writer, *batches: list[Event]) -> None:
    for batch in batches:
        sink.write(batch)
        sink.flush()
    sink.close()


def test_the_events_of_a_minute_are_one_object_of_json_lines(opened: Open, bucket: Bucket) -> None:
    put(opened(), [at(1, 0), at(2, 59.9)], [at(3, 60), at(4, 1)])
    assert bucket.names() == [
        "test/archive/2026/11/18/1107-0000.jsonl",
        "test/archive/2026/11/18/1108-0000.jsonl",
    ]
    assert bucket.ids() == ["r1", "r2", "r4", "r3"]
    assert bucket.events()[0] == {
        "kind": "reading", "id": "r1", "time": MINUTE, "subject": "rack", "metric": "temperature",
        "value": 1.0,
    }  # fmt: skip
    assert bucket.type(bucket.names()[0]) == "application/x-ndjson"


@pytest.mark.parametrize(("compress", "ending"), [("none", ""), ("gzip", ".gz"), ("zstd", ".zst")])
def test_what_is_written_again_after_a_restart_with_other_batches_is_there_once(
    opened: Open, bucket: Bucket, compress: str, ending: str
) -> None:
    events: list[Event] = [at(n, n / 10) for n in range(1500)]
    put(opened(compress=compress, size=20_000), events[:700], events[700:900])
    put(opened(compress=compress, size=20_000), events[650:1111], events[1111:1300])
    put(opened(compress=compress, size=20_000), events[1000:])
    assert sorted(bucket.ids()) == sorted(event.id for event in events)
    assert all(name.endswith(f".jsonl{ending}") for name in bucket.names())
    largest = max(len(str(line)) for line in bucket.events())
    assert (
        max(sum(len(str(line)) for line in bucket.lines(name)) for name in bucket.names())
        < 25_000 + largest
    )


@pytest.mark.parametrize(("compress", "damaged"), [("gzip", 0), ("gzip", 2), ("zstd", 2)])
def test_a_damaged_object_is_said_and_left_alone_and_nothing_is_lost(
    opened: Open,
    bucket: Bucket,
    recorder: Recorder,
    caplog: pytest.LogCaptureFixture,
    unique: str,
    compress: str,
    damaged: int,
) -> None:
    events: list[Event] = [at(n, n / 100) for n in range(30)]
    put(opened(compress=compress, size=1100), events[:28])
    names = bucket.names()
    assert len(names) == 3
    half = bucket.content(names[damaged])[:-6]
    bucket.client.put_object(unique, names[damaged], io.BytesIO(half), len(half))

    put(opened(compress=compress, size=1100), events)

    assert bucket.content(names[damaged]) == half
    kept = [
        entry["id"]
        for name in bucket.names()
        if name != names[damaged]
        for entry in bucket.lines(name)
    ]
    assert sorted(kept) == sorted(event.id for event in events)
    assert recorder.counts["damaged_object"] == 1
    assert f"the object {names[damaged]!r} is damaged" in caplog.text


@pytest.mark.parametrize("shape", [None, lambda event: {"at": event.recorded}])
def test_a_transition_that_is_made_again_later_after_a_restart_is_there_once(
    opened: Open, bucket: Bucket, shape: Any
) -> None:
    first = alarm(1, time=MINUTE, recorded=MINUTE + 1)
    again = alarm(1, time=MINUTE, recorded=MINUTE + 9, id=first.id)
    other = alarm(2, time=MINUTE, recorded=MINUTE + 9)
    put(opened(shape=shape), [first])
    put(opened(shape=shape), [again, other], [again])
    assert bucket.ids() == [first.id, other.id]


def test_late_events_find_their_object_even_when_it_was_let_go(
    opened: Open, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.s3.writer.OPEN_SPANS", 2)
    put(opened(), [at(n, 60 * n) for n in range(6)], [at(100, 1), at(0, 0), at(101, 301)])
    assert sorted(
        bucket.lines("test/archive/2026/11/18/1107-0000.jsonl"), key=lambda line: line["id"]
    ) == [
        {
            "kind": "reading",
            "id": "r0",
            "time": MINUTE,
            "subject": "rack",
            "metric": "temperature",
            "value": 0.0,
        },
        {
            "kind": "reading",
            "id": "r100",
            "time": MINUTE + 1,
            "subject": "rack",
            "metric": "temperature",
            "value": 100.0,
        },
    ]
    assert len(bucket.ids()) == 8


def test_a_key_with_the_id_makes_an_object_of_each_event(opened: Open, bucket: Bucket) -> None:
    settings = {"key": "alarms/{time:%Y/%m/%d}/{subject}/{id}.json"}
    put(opened(**settings), [at(1, 0), at(2, 0)])
    put(opened(**settings), [at(2, 0), at(3, 0)])
    assert bucket.names() == [f"alarms/2026/11/18/rack/r{n}.json" for n in (1, 2, 3)]
    assert bucket.ids() == ["r1", "r2", "r3"]
    assert bucket.type(bucket.names()[0]) == "application/json"


def test_a_shape_is_written_with_the_id_of_its_event(opened: Open, bucket: Bucket) -> None:
    put(
        opened(shape=lambda event: {"v": event.value}),
        [at(1, 0), at(2, 0), at(3, 0, quality="bad")],
    )
    assert bucket.events() == [
        {"id": "r1", "v": 1.0},
        {"id": "r2", "v": 2.0},
        {"id": "r3", "v": 3.0},
    ]


def test_each_process_of_a_shared_flow_has_objects_of_its_own_and_knows_the_others(
    opened: Open, bucket: Bucket
) -> None:
    put(opened(), [at(1, 0), at(2, 0)])
    put(opened(share="1of2"), [at(2, 0), at(3, 0)])
    put(opened(share="2of2"), [at(4, 0)])
    put(opened(compress="gzip"), [at(n, 0) for n in range(6)])
    beginning = "test/archive/2026/11/18/1107"
    assert bucket.names() == [
        f"{beginning}-0000.jsonl",
        f"{beginning}-0000.jsonl.gz",
        f"{beginning}-p1of2-0000.jsonl",
        f"{beginning}-p2of2-0000.jsonl",
    ]
    assert bucket.ids() == ["r1", "r2", "r0", "r5", "r3", "r4"]


@pytest.mark.parametrize(
    ("key", "event", "why"),
    [
        ("{camera}/{id}", reading(1), "no field 'camera'"),
        ("x/{subject}/{id}", reading(1, subject="../../etc"), "none that is '.' or '..'"),
        ("x/{subject}/{id}", reading(1, subject="a//b"), "no empty part"),
        ("x/{subject}/{id}", reading(1, subject="a\nb"), "no control characters"),
        ("x/{subject}/{id}", reading(1, subject="a\\b"), "no backslash, which some stores take"),
        ("x/{subject}/{id}", reading(1, subject="é" * 600), "at most 1024 bytes"),
        (
            "x/{time:%Y}",
            Occurrence(id="o", time=1e18, subject="s", type="t"),
            "no key can be made of the time",
        ),
        (
            "x/{time:%Y}",
            Occurrence(id="o", time=float("nan"), subject="s", type="t"),
            "needs a time",
        ),
    ],
)
def test_an_event_without_a_key_goes_to_dead_letters_and_the_others_are_stored(
    opened: Open, bucket: Bucket, recorder: Recorder, key: str, event: Event, why: str
) -> None:
    good = Occurrence(id="good", time=MINUTE, subject="s", type="t", labels={"camera": "hall"})
    put(opened(key=key), [event, good])
    assert [(letter.reason, letter.id) for letter in recorder.letters] == [
        ("bad_key", f"{event.id}/archive")
    ]
    assert why in recorder.letters[0].detail
    assert bucket.ids() == ["good"]


def test_a_store_that_is_down_blocks_the_sink_and_gets_everything_when_it_is_back(
    recorder: Recorder, own: Callable[[embedded.Objects], embedded.Objects], tmp: Path
) -> None:
    server = own(embedded.Objects(tmp / "objects"))
    connection = connection_to(server)
    sink = Objects(bucket="archive").open(recorder.context("archive", connection))
    sink.write([at(n, n / 100) for n in range(200)])
    sink.flush()
    server.stop()
    sink.write([at(n, n / 100) for n in range(200, 400)])
    flush = threading.Thread(target=sink.flush)
    flush.start()
    wait_until(
        lambda: "is it running there?" in recorder.health.down.get("archive", ""),
        what="the sink to be degraded",
    )
    assert flush.is_alive()
    server.start().wait_ready()
    flush.join(PATIENCE)
    assert not flush.is_alive()
    assert Bucket(connection, "archive").ids() == [f"r{n}" for n in range(400)]
    wait_until(lambda: recorder.reports[-1][1], what="the report that it is back")
    assert [up for _, up, _ in recorder.reports] == [True, False, True]
    server.stop()
    recorder.stopping.set()
    sink.write([at(1000, 0)])
    with pytest.raises(Stopped):
        sink.flush()
    sink.close()


def test_wrong_keys_degrade_with_the_remedy_and_are_not_shown(
    recorder: Recorder, objects: embedded.Objects, unique: str
) -> None:
    connection = connection_to(objects, secret_key="wr0ng-secret")
    sink = Objects(bucket=unique).open(recorder.context("archive", connection))
    sink.write([at(1, 0)])
    detail = wait_until(lambda: recorder.health.down.get("archive"), what="the sink to be degraded")
    assert "check access_key, secret_key and region of the connection 'minio'" in detail
    assert "wr0ng-secret" not in detail + repr(connection)
    sink.close()


def test_a_bucket_that_is_missing_and_must_not_be_made_is_said(
    opened: Open, recorder: Recorder, unique: str
) -> None:
    sink = opened(create=False)
    sink.write([at(1, 0)])
    detail = wait_until(lambda: recorder.health.down.get("archive"), what="the sink to be degraded")
    assert f"has no bucket {unique!r}; make it, or set create to true" in detail
    sink.close()


def test_a_store_without_life_cycle_rules_is_said_once(
    recorder: Recorder,
    objects: embedded.Objects,
    bucket: Bucket,
    unique: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(method: str, path: str) -> Refusal | None:
        return (501, b"") if "lifecycle" in path else None

    with before(objects, refuse) as url:
        context = recorder.context("archive", connection_to(objects, url=url))
        sink = Objects.model_validate({"bucket": unique, "keep": "90d"}).open(context)
        put(sink, [at(1, 0)], [at(2, 0)])
    assert bucket.ids() == ["r1", "r2"]
    said = [record.getMessage() for record in caplog.records if "life-cycle" in record.getMessage()]
    assert len(said) == 1
    assert "delete those older than 90 days by a task of your own" in said[0]


# By itself


class Disk:
    """Objects of one span; `fail` makes the next writes raise."""

    def __init__(self) -> None:
        self.objects: dict[int, bytes] = {}
        self.fail = 0

    def put(self, number: int, content: bytes) -> None:
        if self.fail:
            self.fail -= 1
            raise OSError("down")
        self.objects[number] = content

    def lines(self) -> list[bytes]:
        return [
            line
            for _, content in sorted(self.objects.items())
            for line in content.splitlines(keepends=True)
        ]


@pytest.mark.parametrize("seed", range(20))
def test_any_crashes_and_any_cuts_leave_every_line_once(seed: int) -> None:
    chance = random.Random(seed)
    disk = Disk()
    lines = [b"%d %s\n" % (n, b"x" * chance.randrange(30)) for n in range(400)]
    done = 0
    while done < len(lines):
        span = Span(chance.choice([100, 1000, 5000]))
        for number in sorted(disk.objects):
            span.read_back(number, disk.objects[number])
        assert span.number == max(disk.objects, default=0)
        position = max(done - chance.randrange(60), 0)
        for _ in range(chance.randrange(1, 6)):
            cut = position + chance.randrange(1, 50)
            span.add((digest(line), line) for line in lines[position:cut])
            disk.fail = chance.choice([0, 0, 0, 1])
            for _ in range(2):
                try:
                    span.write(disk.put)
                except OSError:
                    continue
            done = max(done, min(cut, len(lines)))
            position = min(cut, len(lines))
    assert disk.lines() == lines


def test_half_a_line_that_a_store_kept_is_written_again() -> None:
    span, disk = Span(1000), Disk()
    span.read_back(0, b"one\ntw")
    span.add((digest(line), line) for line in (b"one\n", b"two\n"))
    span.write(disk.put)
    assert disk.lines() == [b"one\n", b"two\n"]


def test_keys_are_in_utc_and_begin_their_span() -> None:
    keys = KeyTemplate("a/{time:%Y%m%d_%H%M%S}", 600)
    assert keys.key(at(1, 599)) == "a/20261118_111000"
    with pytest.raises(BadKey):
        keys.key(at(1, float("inf")))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"key": "archive"}, "is one key for ever"),
        ({"key": "/a/{id}"}, "begins with no '/'"),
        ({"key": "a/../{id}"}, "no part that is empty"),
        ({"key": "a\\{id}"}, "has no backslash"),
        ({"key": "{time:%Y}/x", "keep": "30d"}, "begins with a fixed text"),
        ({"keep": "3h"}, "at least 1d"),
        ({"every": "10ms"}, "at least 1s"),
        ({"bucket": "My_Bucket"}, "pattern"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Objects.model_validate({"bucket": "archive", **settings})
