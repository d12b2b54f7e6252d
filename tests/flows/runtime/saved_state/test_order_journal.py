"""Subjects that lie in several partitions, and kills: what is taken again comes in its order."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Batch
from connectors.kafka.admin import partition_of
from flows.dataflow import alignment
from flows.dataflow.plan import Plan
from flows.dataflow.routing import Router
from flows.runtime.runtime_context import Input, RuntimeContext
from flows.runtime.sources import order_journal, taken_again
from flows.runtime.sources.order_journal import OrderJournal
from flows.runtime.sources.reader import SourceReader
from operators.events import Event, Reading

PARTS = ["t/0", "t/1", "t/2"]
TWO_TOPICS = ["t/0", "t/1", "u/0", "u/1"]
Log = dict[str, list[Event]]
Groups = list[tuple[str, list[tuple[str, list[str]]]]]


def written(chance: random.Random, count: int) -> Log:
    """What a writer without keys put into the partitions."""
    log: Log = {part: [] for part in PARTS}
    for event in readings(count):
        log[chance.choice(PARTS)].append(event)
    return log


def keyed(chance: random.Random, count: int) -> Log:
    """What two writers put into two topics, each subject where it belongs."""
    log: Log = {part: [] for part in TWO_TOPICS}
    for event in readings(count):
        log[f"{chance.choice('tu')}/{partition_of(event.subject, 2)}"].append(event)
    return log


def readings(count: int) -> list[Reading]:
    return [
        Reading(id=f"e{n}", time=100.0 + n, subject=f"s{n % 5}", metric="m", value=1.0)
        for n in range(count)
    ]


class Slow:
    """A reader of a log to which events come at any time."""

    def __init__(self, events: list[Event], at: int, chance: random.Random) -> None:
        self.at, self._events, self._chance = at, events, chance

    def read(self) -> Batch | None:
        some = self._events[self.at :][: self._chance.randrange(4)]
        if self._chance.random() < 0.5 or not some:
            return Batch([], 100.0 + self.at, True) if self._chance.random() < 0.1 else None
        self.at += len(some)
        arrivals = [(1, event.time) for event in some]
        return Batch(some, some[-1].time, self._chance.random() < 0.5, arrivals=arrivals)

    def position(self) -> int:
        return self.at

    def read_until(self) -> float:
        return float("-inf") if self._chance.random() < 0.7 else 1e9

    def lag(self) -> int:
        return len(self._events) - self.at

    def close(self) -> None:
        pass


class Run:
    """A process from a saved state on, up to its kill."""

    def __init__(
        self, log: Log, saved: bytes | None, chance: random.Random, path: Path, shards: int = 1
    ) -> None:
        context = RuntimeContext(Plan("f", (), ()), threading.Event())
        context.router = Router(shards, list(map(str, range(shards))))
        context.router.partitions |= Counter(part[0] for part in log)
        context.journal = lambda source: OrderJournal(path)
        context.wakeup.idle = lambda is_waiting=False: None  # type: ignore[method-assign]
        self.readers: list[Slow] = []

        def open_part(part: str, position: Any) -> Slow:
            self.readers.append(Slow(log[part], position or 0, chance))
            return self.readers[-1]

        source = Input("in", list(log), open_part)
        context.join(source)
        self.reader = SourceReader(context, source, saved)
        self.given: Groups = []

    def step(self) -> None:
        for shard, (_, together) in self.reader.next_batch():
            brought = [(one.part, [e.id for e in one.batch.events]) for one in together]
            if brought := [(part, ids) for part, ids in brought if ids]:
                self.given.append((shard, brought))

    def is_at_end(self) -> bool:
        some = any(reader.lag() for reader in self.readers)
        return not some and not self.reader._order().held()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events pass after a few looks, whatever may still come of other partitions."""
    monkeypatch.setattr(alignment, "MOST_LATE", -1.0)
    monkeypatch.setattr(alignment, "LEAST_LOOKS", 2)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize(
    ("write", "shards"), [(written, 1), (keyed, 1), (keyed, 2)], ids=["apart", "together", "keyed"]
)
def test_what_a_killed_run_took_is_taken_again_in_its_order(
    seed: int, write: Callable[[random.Random, int], Log], shards: int, tmp: Path
) -> None:
    chance = random.Random(seed)
    log = write(chance, 300)
    saved, before, since = None, Groups(), Groups()
    for _ in range(5):
        run = Run(log, saved, chance, tmp / "order", shards)
        steps, at, behind = chance.randrange(5, 60), chance.randrange(60), None
        for step in range(steps):
            run.step()
            if step == at:
                behind = run.reader.snapshot(), len(run.given)
        again = min(len(since), len(run.given))
        assert run.given[:again] == since[:again]
        since = run.given + since[again:]
        if behind is not None:
            saved, kept = behind
            before, since = before + since[:kept], since[kept:]
        run.reader.close()
    last = Run(log, saved, chance, tmp / "order", shards)
    while not last.is_at_end():
        last.step()
    assert last.given[: len(since)] == since
    for part in log:
        found = [id for _, one in before + last.given for of, ids in one if of == f"in:{part}"
                 for id in ids]  # fmt: skip
        assert found == [event.id for event in log[part]], "each event once, in its order"


def test_a_journal_lets_go_of_what_is_old_and_passes_over_a_line_that_was_not_finished(
    tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_journal, "MOST_BYTES", 1000)
    journal = OrderJournal(tmp / "order")
    for n in range(1, 200):
        journal.add({"in:t/0": n})
    assert sum(file.stat().st_size for file in tmp.glob("order*")) <= 2000
    with (tmp / "order").open("ab") as file:
        file.write(b'{"in:t/0": 2\n')
    journal.add({"in:t/0": 201})
    after = OrderJournal(tmp / "order").after({"in:t/0": 150})
    assert after == [{"in:t/0": n} for n in (*range(151, 200), 201)]


def test_what_cannot_be_had_any_more_is_waited_for_a_while_only(
    tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(1)
    log = written(chance, 30)
    OrderJournal(tmp / "order").replace([{f"in:{PARTS[0]}": 1000}])
    run = Run(log, None, chance, tmp / "order")
    for _ in range(50):
        run.step()
    assert run.given == []
    monkeypatch.setattr(taken_again, "PATIENCE", -1.0)
    for _ in range(100):
        run.step()
    assert sum(len(ids) for _, one in run.given for _, ids in one) == 30
