"""A model in a process of its own: what becomes of it, and of the pictures, in a fault."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from connectors.detector.lookup import Places, find_model
from connectors.detector.measurement import SLOWEST_RUN, Choice, choose, thread_counts
from connectors.detector.worker import ATTEMPTS, STRIKES, Worker
from connectors.detector.worker_messages import Found, Setup, Work
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

JPEG = cv2.imencode(".jpg", np.full((48, 64, 3), 200, np.uint8))[1].tobytes()


class Reports:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.up_now: set[str] = set()
        self.details: list[str] = []

    def count(self, word: str, n: int = 1) -> None:
        self.counts[word] += n

    def up(self, name: str) -> None:
        self.up_now.add(name)

    def down(self, name: str, detail: str) -> None:
        self.up_now.discard(name)
        self.details.append(f"{name}: {detail}")

    def seen(self, camera: str) -> None:
        pass

    def detector(self, source: str, facts: Mapping[str, str]) -> None:
        pass


class Bench:
    """A worker, and what it answered."""

    def __init__(self, model: str, backends: Sequence[str], hangs_after: float = 10.0) -> None:
        self.reports = Reports()
        self.found: list[str] = []
        self.lost: list[str] = []
        self.answers: list[Found] = []
        self.worker: Worker[str] = Worker(
            "detector", Setup("", model, threads=1, batch=4), backends,
            self._take, self.lost.extend, self.reports, hangs_after,
        )  # fmt: skip
        self.worker.start()

    def _take(self, items: Sequence[str], answer: Found) -> None:
        self.found += items
        self.answers.append(answer)

    def submit(self, *items: str) -> None:
        self.worker.submit(items, Work([JPEG] * len(items)))


Make = Callable[..., Bench]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Bench] = []

    def start(*arguments: object, **more: object) -> Bench:
        made.append(Bench(*arguments, **more))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for each in made:
        each.worker.close()


def test_batches_are_answered_in_their_order(make):
    bench = make("fake:", ["fake"])
    for number in range(20):
        bench.submit(f"a{number}", f"b{number}")
    wait_until(lambda: len(bench.found) == 40, what="every picture")
    assert bench.found == [f"{name}{number}" for number in range(20) for name in "ab"]
    assert bench.lost == []


def test_a_killed_process_is_replaced_and_what_it_had_is_looked_at(make):
    bench = make("fake:?ms=200", ["fake"])
    wait_until(lambda: bench.worker.ready, what="the model")
    bench.submit("a")
    bench.submit("b")
    os.kill(bench.worker.pid, signal.SIGKILL)
    wait_until(lambda: bench.found == ["a", "b"], what="both pictures")
    assert bench.reports.counts["worker_died"] == 1
    assert "its process ended with -9" in bench.reports.details[0]


def test_a_stopped_process_hangs_and_is_replaced(make):
    bench = make("fake:", ["fake"], hangs_after=2.0)
    wait_until(lambda: bench.worker.ready, what="the model")
    os.kill(bench.worker.pid, signal.SIGSTOP)
    bench.worker.submit(["a"] * 50, Work([JPEG + bytes(50_000)] * 50))  # more than a pipe holds
    wait_until(lambda: len(bench.found) == 50, what="every picture")
    assert bench.reports.counts["hung"] >= 1


def test_after_repeated_hangs_the_next_backend_takes_over_and_it_is_told(make, tmp_path):
    hang = tmp_path / "hang"
    hang.touch()
    bench = make(f"fake:?hang={hang}", ["fake", "fake"], hangs_after=1.0)
    bench.submit("a")
    wait_until(lambda: bench.reports.counts["backend_changed"], what="the next backend")
    hang.unlink()
    wait_until(lambda: bench.found == ["a"], what="the picture")
    assert bench.reports.counts["hung"] >= STRIKES
    assert any("detector backend:" in each and "until a restart" in each
               for each in bench.reports.details)  # fmt: skip
    assert "detector" in bench.reports.up_now
    assert "detector backend" not in bench.reports.up_now


def test_a_batch_that_ends_every_process_is_given_up_and_the_next_is_looked_at(make, tmp_path):
    hang = tmp_path / "hang"
    hang.touch()
    bench = make(f"fake:?hang={hang}", ["fake"], hangs_after=0.5)
    bench.submit("bad")
    wait_until(lambda: bench.lost == ["bad"], what="the end of the attempts")
    hang.unlink()
    bench.submit("good")
    wait_until(lambda: bench.found == ["good"], what="the next picture")
    assert bench.reports.counts["hung"] >= ATTEMPTS


def test_a_backend_that_is_not_there_gives_way_to_one_that_is(make):
    bench = make(find_model("demo8n", Places()), ["openvino-npu", "onnxruntime"])
    bench.submit("a")
    wait_until(lambda: bench.found == ["a"], what="the picture")
    assert any("openvino" in each.lower() for each in bench.reports.details)


def test_a_model_that_is_none_is_told_in_words(make, tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(b"hello")
    bench = make(str(path), ["onnxruntime"])
    wait_until(lambda: bench.reports.details, what="the refusal")
    assert "is no ONNX model that runs here" in bench.reports.details[0]


def test_closing_ends_a_process_that_hangs(make, tmp_path):
    hang = tmp_path / "hang"
    hang.touch()
    bench = make(f"fake:?hang={hang}", ["fake"])
    wait_until(lambda: bench.worker.ready, what="the model")
    pid = bench.worker.pid
    bench.submit("a")
    bench.worker.close()
    assert not Path(f"/proc/{pid}").exists()


def test_the_measurement_takes_the_quickest_that_is_worth_its_threads_and_pictures():
    measured = [Choice(2, 1, 0.010), Choice(2, 4, 0.0062), Choice(2, 8, 0.006), Choice(1, 8, 0.009)]
    assert choose(measured) == Choice(2, 4, 0.0062)


def test_one_thread_is_taken_where_two_gain_nothing():
    assert choose([Choice(2, 4, 0.0060), Choice(1, 4, 0.0061)]).threads == 1


def test_a_batch_that_holds_its_first_picture_up_is_not_taken():
    slow = SLOWEST_RUN / 4
    assert choose([Choice(2, 1, slow * 1.5), Choice(2, 8, slow)]).batch == 1
    assert choose([Choice(2, 1, 3.0), Choice(2, 8, 2.0)]).batch == 1


def test_all_cores_and_fewer_are_tried():
    assert thread_counts(1) == [1]
    assert thread_counts(2) == [2, 1]
    assert thread_counts(16) == [16, 15, 8]
