"""How long sources are known to have been silent, and how far behind a flow is."""

import math

from connectors.base import Batch
from flows.dataflow.clock import Silence
from flows.runtime.source_progress import SourceProgress


class Reading:
    """A reader that is told what it knows."""

    until = -math.inf
    behind: int | None = 0

    def read(self) -> Batch | None:
        return None

    def position(self) -> object:
        return None

    def read_until(self) -> float:
        return self.until

    def lag(self) -> int | None:
        return self.behind

    def close(self) -> None:
        pass


def test_silence_lasts_as_long_as_the_source_was_heard_all_the_time() -> None:
    progress, reader = SourceProgress("f"), Reading()
    progress.add("in:t/0", "in", reader)

    def after(until: float, is_reachable: bool = True) -> Silence | None:
        reader.until = until
        progress.idle("in:t/0", is_reachable)
        return progress.silence.get("in:t/0")

    assert after(100) == Silence(100, 100)
    assert after(101) == Silence(100, 101)
    assert after(103, is_reachable=False) == Silence(100, 101)
    assert after(-math.inf) == Silence(100, 101)
    assert after(120) == Silence(120, 120), (
        "who could not be heard for so long first sends what gathered"
    )
    assert after(122) == Silence(120, 122)


def test_records_of_all_partitions_are_counted_and_the_newest_event_of_a_source_has_an_age() -> (
    None
):
    progress = SourceProgress("f", clock=lambda: 1000.0)
    first, second, rows = Reading(), Reading(), Reading()
    first.behind, second.behind, rows.behind = 3, 4, None
    for part, source, reader in (("a:t/0", "a", first), ("a:t/1", "a", second), ("b:0", "b", rows)):
        progress.add(part, source, reader)
    assert progress.figures() == {"a": {"lag": 7}, "b": {}}
    progress.received("a:t/0", 990.0)
    progress.received("a:t/1", 995.0)
    progress.received("b:0", 1001.0)
    assert progress.figures() == {"a": {"lag": 7, "age": 5.0}, "b": {"age": 0.0}}
