import threading

import pytest

from connectors.base import ConnectorError, Stopped
from connectors.runtime import batch_writer
from connectors.runtime.batch_writer import BatchWriter
from connectors.runtime.threaded_writer import Retry
from operators.events import Event
from tests.connectors.recorder import Recorder, ids, reading
from tests.waiting import PATIENCE, wait_until


class FarEnd:
    """Takes batches; `answers` are exceptions it raises first, in order."""

    def __init__(self, *answers: BaseException) -> None:
        self.answers = list(answers)
        self.batches: list[list[Event]] = []
        self.open = threading.Event()
        self.open.set()

    def deliver(self, events: list[Event]) -> None:
        self.open.wait(60)
        if self.answers:
            raise self.answers.pop(0)
        self.batches.append(list(events))

    def ids(self) -> list[str]:
        return ids([event for batch in self.batches for event in batch])


def test_a_flush_returns_when_everything_is_delivered_in_order() -> None:
    far = FarEnd()
    writer = BatchWriter(Recorder().context("out", None), far.deliver, max_events=10, max_wait=60)
    events: list[Event] = [reading(n) for n in range(35)]
    writer.write(events[:20])
    writer.write(events[20:])
    writer.flush()
    assert far.ids() == ids(events)
    assert max(map(len, far.batches)) == 10
    writer.close()


def test_a_batch_goes_out_when_its_time_is_over() -> None:
    far = FarEnd()
    writer = BatchWriter(
        Recorder().context("out", None), far.deliver, max_events=1000, max_wait=0.05
    )
    writer.write([reading(1)])
    wait_until(lambda: far.ids() == ["r1"], what="the batch without a flush")
    writer.close()


def test_a_far_end_that_is_down_degrades_and_gets_everything_when_it_is_back() -> None:
    far = FarEnd(Retry("no answer; is it running?"), Retry("still no answer"))
    recorder = Recorder()
    writer = BatchWriter(recorder.context("out", None), far.deliver)
    writer.write([reading(n) for n in range(3)])
    writer.flush()
    assert far.ids() == ["r0", "r1", "r2"]
    wait_until(lambda: len(recorder.reports) == 2, what="the report that it is back")
    assert recorder.reports == [
        ("out", False, "no answer; is it running?"),
        ("out", True, "is back"),
    ]
    writer.close()


def test_a_far_end_that_says_when_it_wants_the_events_again_gets_them_then() -> None:
    far = FarEnd(*[Retry("busy", after=0.0)] * 40)
    writer = BatchWriter(Recorder().context("out", None), far.deliver)
    writer.write([reading(1)])
    wait_until(lambda: far.ids() == ["r1"], what="the batch after forty refusals")
    writer.close()


def test_what_the_far_end_took_before_it_broke_is_not_sent_again() -> None:
    far = FarEnd(Retry("broke", delivered=2))
    writer = BatchWriter(Recorder().context("out", None), far.deliver)
    writer.write([reading(n) for n in range(5)])
    writer.flush()
    assert far.ids() == ["r2", "r3", "r4"]
    writer.close()


def test_writing_blocks_when_the_queue_is_full_and_goes_on_when_there_is_room() -> None:
    far = FarEnd()
    far.open.clear()
    writer = BatchWriter(Recorder().context("out", None), far.deliver, max_events=5, queue_bound=10)
    written: list[int] = []

    def write() -> None:
        for n in range(40):
            writer.write([reading(n)])
            written.append(n)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    wait_until(lambda: len(written) >= 10, what="the queue to fill")
    thread.join(0.3)
    assert thread.is_alive()
    assert len(written) <= 15
    far.open.set()
    thread.join(PATIENCE)
    writer.flush()
    assert far.ids() == [f"r{n}" for n in range(40)]
    writer.close()


def test_a_stop_while_the_far_end_is_down_ends_a_flush() -> None:
    far = FarEnd(*[Retry("down")] * 100)
    recorder = Recorder()
    writer = BatchWriter(recorder.context("out", None), far.deliver)
    writer.write([reading(1)])
    wait_until(lambda: recorder.health.down, what="the sink to be degraded")
    recorder.stopping.set()
    with pytest.raises(Stopped, match="out: down"):
        writer.flush()
    writer.close()


def test_a_stop_does_not_cut_a_flush_short_while_the_far_end_is_up() -> None:
    far = FarEnd()
    recorder = Recorder()
    recorder.stopping.set()
    writer = BatchWriter(recorder.context("out", None), far.deliver)
    writer.write([reading(1)])
    writer.flush()
    assert far.ids() == ["r1"]
    writer.close()


def test_an_event_of_which_nothing_can_be_made_is_a_dead_letter_and_the_others_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch_writer, "FIRST_BACKOFF", 0.001)
    monkeypatch.setattr(batch_writer, "LONGEST_BACKOFF", 0.001)
    taken: list[str] = []

    def deliver(events: list[Event]) -> None:
        if "r7" in ids(events):
            raise OverflowError("the number is too large")
        taken.extend(ids(events))

    recorder = Recorder()
    writer = BatchWriter(recorder.context("out", None), deliver, max_events=20)
    writer.write([reading(n) for n in range(50)])
    writer.flush()
    assert taken == [f"r{n}" for n in range(50) if n != 7]
    (letter,) = recorder.letters
    assert (letter.id, letter.reason) == ("r7/out", "not_taken")
    assert "OverflowError: the number is too large" in letter.detail
    writer.close()


def test_an_error_of_the_settings_reaches_the_flow() -> None:
    far = FarEnd(ConnectorError("no such table"))
    writer = BatchWriter(Recorder().context("out", None), far.deliver)
    writer.write([reading(1)])
    with pytest.raises(ConnectorError, match="no such table"):
        writer.flush()
    with pytest.raises(ConnectorError, match="no such table"):
        writer.write([reading(2)])
    writer.close()


def test_an_idle_writer_notices_that_the_far_end_went_away() -> None:
    recorder = Recorder()
    gone = threading.Event()

    def idle() -> None:
        if gone.is_set():
            raise Retry("gone")

    writer = BatchWriter(recorder.context("out", None), FarEnd().deliver, idle=idle)
    gone.set()
    wait_until(lambda: recorder.health.down == {"out": "gone"}, what="the report")
    gone.clear()
    wait_until(lambda: not recorder.health.down, what="the report that it is back")
    writer.close()


def test_a_far_end_that_does_not_answer_is_reported_while_the_flow_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch_writer, "ANSWER_TIMEOUT", 0.0)
    far, recorder = FarEnd(), Recorder()
    far.open.clear()
    writer = BatchWriter(recorder.context("out", None), far.deliver)
    writer.write([reading(1)])
    waiting = threading.Thread(target=writer.flush)
    waiting.start()
    wait_until(lambda: recorder.reports, what="the report")
    far.open.set()
    waiting.join(PATIENCE)
    assert far.ids() == ["r1"]
    wait_until(lambda: len(recorder.reports) == 2, what="the report that it is back")
    assert recorder.reports[0][:2] == ("out", False) and "no answer for" in recorder.reports[0][2]
    assert recorder.reports[1] == ("out", True, "is back")
    writer.close()
