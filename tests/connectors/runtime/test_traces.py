import itertools
import math
import random
import threading
from collections.abc import Sequence

import pytest
from pydantic import ValidationError

from connectors.config.traces_section import TracesSection
from connectors.runtime.tracing.span import Span
from connectors.runtime.tracing.traces import BEGUN_A_SECOND, BOUND, Traces, sampled
from operators.events import Event, Reading
from tests.waiting import wait_until

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def readings(count: int, trace: str | None = None) -> list[Event]:
    return [
        Reading(id=str(n), time=0.0, subject="rack", metric="temperature", trace=trace)
        for n in range(count)
    ]


def test_the_share_that_was_asked_for_is_drawn_and_a_second_begins_so_many_at_most() -> None:
    now = [100.0]
    chances = iter([0.005, 0.015, 0.636])
    traces = Traces(0.01, lambda _: True, lambda: now[0], lambda: next(chances, 0.0))
    assert traces.drawn(readings(4)) == [0, 2]
    assert traces.drawn(readings(1)) == []
    assert len(traces.drawn(readings(1000))) == BEGUN_A_SECOND - 2
    now[0] = 101.0
    assert len(traces.drawn(readings(1000))) == BEGUN_A_SECOND
    assert len(traces.drawn(readings(300, TRACE))) == 300, "what came with a trace is followed"
    traces.close()


@pytest.mark.parametrize("sample", [0.01, 0.3, 1.0])
def test_events_are_drawn_with_the_chance_that_was_asked_for_whatever_their_batches(
    sample: float,
) -> None:
    seconds = itertools.count()
    traces = Traces(sample, lambda _: True, lambda: next(seconds), random.Random(7).random)
    drawn = sum(len(traces.drawn(readings(size))) for size in (1, 7, 100, 3) * 500)
    expected = sample * 111 * 500
    assert abs(drawn - expected) <= 5 * math.sqrt(expected * (1 - sample))
    traces.close()


def test_a_span_has_its_parents_trace_and_an_id_of_its_own() -> None:
    taken: list[Span] = []
    traces = Traces(1, lambda spans: not taken.extend(spans))
    first = traces.span("receive", None, 1.0, 2.0, "consumer")
    second = traces.span("read", first, 2.0, 3.0)
    traces.span("write", TRACE, 2.0, 3.0)
    traces.close()
    root, child, foreign = taken
    assert (root.parent, child.parent, child.trace) == (0, root.id, root.trace)
    assert second[:35] == first[:35]
    assert foreign.trace == 0x4BF92F3577B34DA6A3CE929D0E0E4736
    assert foreign.parent == 0x00F067AA0BA902B7
    assert traces.sent == 3


def test_nobody_waits_for_a_receiver_that_hangs_and_what_is_dropped_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connectors.runtime.tracing.traces.EVERY", 0.01)
    hangs, goes_on = threading.Event(), threading.Event()

    def export(spans: Sequence[Span]) -> bool:
        hangs.set()
        return not goes_on.wait(60)

    traces = Traces(1, export)
    traces.span("first", None, 0.0, 1.0)
    assert hangs.wait(60)
    for _ in range(BOUND + 7):
        traces.span("next", None, 0.0, 1.0)
    assert traces.dropped == 7
    goes_on.set()
    wait_until(lambda: traces.sent + traces.dropped == BOUND + 8, what="the end of what waited")
    traces.close()
    assert traces.sent == 0


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "hello",
        TRACE[:-2] + "00",
        "01" + TRACE[2:],
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
    ],
)
def test_only_a_traceparent_that_asks_for_it_is_followed(wrong: str) -> None:
    assert sampled(wrong) is None
    assert sampled(f" {TRACE.upper()} ") == TRACE


def test_the_address_gets_the_usual_path_and_must_be_one() -> None:
    assert TracesSection(to="http://collector:4318").to == "http://collector:4318/v1/traces"
    assert TracesSection(to="https://h/otlp/v1/traces").to == "https://h/otlp/v1/traces"
    for wrong in ("collector:4318", "grpc://collector:4317", ""):
        with pytest.raises(ValidationError, match="not the address of a receiver of traces"):
            TracesSection(to=wrong)
