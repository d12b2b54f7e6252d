"""One source of the dataflow: all its partitions, read in turn and sent to the shards."""

import logging
import time
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime

from bytewax.inputs import StatefulSourcePartition

from connectors.base import Batch, Reader, ShownReader
from connectors.kafka.consumer import TopicReader
from connectors.runtime import steady_clock
from flows.dataflow.alignment import PATIENCE, Alignment
from flows.dataflow.input_order import Arrival
from flows.runtime import tracing
from flows.runtime.runtime_context import Input, RuntimeContext
from flows.runtime.saved_state import input_state
from flows.runtime.sources.order_journal import OrderJournal, counted
from flows.runtime.sources.taken_again import Release, TakenAgain

log = logging.getLogger("vigie")

AT_ONCE = datetime.fromtimestamp(0, UTC)
MOST_AT_ONCE = 10_000
"""Once so many events came, the other partitions are read at the next turn: events take several
times as much memory as their bytes.
"""

Item = tuple[str, tuple[str, list[Arrival]]]


class SourceReader(StatefulSourcePartition[Item, bytes]):
    """The partitions of a source, also those that come to it while the flow runs."""

    def __init__(self, context: RuntimeContext, source: Input, saved: bytes | None) -> None:
        self._context = context
        self._source = source
        self._is_data = source.side is None
        self._offset = steady_clock.now.offset
        self._alignment = Alignment(
            [f"{source.name}:{part}" for part in source.parts] if self._is_data else []
        )
        self._readers: dict[str, tuple[str, Reader]] = {}
        self._turn: deque[tuple[str, Reader]] = deque()
        self._others: dict[str, set[str]] = {}  # partitions of other processes, by topic
        self._patient_until: dict[str, float] = {}  # by topic that is not keyed
        self._whole: set[str] = set()  # such topics of which all partitions are read
        state = context.input(source.name) if saved is None else input_state.load(saved)
        self._taken = dict(state.taken or {})
        self._journal = context.journal(source.name) if context.journal and self._is_data else None
        self._is_noted = False  # whether the last release is in the journal
        told = context.crossings.of(source.name) if context.crossings else {}
        if state.taken is None and (state.positions or told):
            self._forget_order()
        self._again = self._to_take_again()
        for part in source.parts:
            # what lies before a place that this process told itself may not have been saved
            told_of = None if source.is_mine(part) else told.get(part)
            self._open(part, state.positions.get(part, told_of))
        for arrival in input_state.waiting_of(source.name, state):
            context.router.look(self._part(arrival.part), arrival.batch.events)
            self._order().take(arrival)

    def _to_take_again(self) -> TakenAgain | None:
        """What the journal has behind the saved state."""
        releases = self._journal.after(self._taken) if self._journal is not None else []
        return TakenAgain(releases, self._taken) if releases else None

    def _forget_order(self) -> None:
        """What was taken is not known here: the state is that of other processes."""
        if self._journal is not None:
            self._journal.replace([])

    def _order(self) -> Alignment | TakenAgain:
        return self._again or self._alignment

    def _open(self, part: str, position: object | None) -> None:
        id = f"{self._source.name}:{part}"
        reader = self._source.open(part, position)
        if (ahead := self._source.ahead(part)) and isinstance(reader, TopicReader):
            reader.cut_at(ahead)
        self._readers[part] = id, reader
        if not self._source.is_mine(part):
            self._others.setdefault(part.rpartition("/")[0], set()).add(part)
        self._turn.append((id, reader))
        if self._is_data:
            name = self._source.name.removesuffix(".unlabelled")
            self._context.source_progress.add(id, name, reader)

    def next_batch(self) -> list[Item]:
        """What the partitions have, for the shards.

        A source that is asked to stop ends: the engine then saves every state at once. Nothing else
        follows from it, for shards keep what they know.
        """
        context = self._context
        if context.stopping.is_set():
            raise StopIteration
        if self._is_data and context.unread_tables:
            context.wakeup.idle(True)
            return []
        for part in self._source.grown():
            self._grow(part)
        items = self._shared_out() if self._is_data and context.crossings else []
        found = self._patient_until.keys() == self._whole and self._read_in_turn()
        items += self._released()
        if found or items:
            context.wakeup.busy()
            return items
        is_patient = self._patient_until.keys() != self._whole or self._again is not None
        context.wakeup.idle(is_patient or self._alignment.holds_any())
        return self._woken()

    def _grow(self, part: str) -> None:
        """Read a partition that came to the source, from its beginning."""
        topic, _, number = part.rpartition("/")
        if self._is_data:
            self._context.router.grown(topic, int(number) + 1)
        if self._source.is_mine(part) or self._others.get(topic):
            self._join(part, 0)

    def _join(self, part: str, position: object) -> None:
        self._context.add(self._source, part)
        self._open(part, position)

    def _shared_out(self) -> list[Item]:
        """Read partitions of other processes where subjects of ours lie, and no others."""
        assert self._context.crossings is not None
        told = self._context.crossings.of(self._source.name)
        for part, position in told.items():
            if part not in self._readers:
                self._join(part, position)
        for topic in {part.rpartition("/")[0] for part in told} - self._whole:
            self._make_whole(topic)
        items: list[Item] = []
        for topic, parts in list(self._others.items()):
            left = sorted(parts - told.keys())
            if not left or not self._context.router.is_keyed(topic):
                continue
            log.info(
                "%s: topic %s is keyed by subject; partitions of other processes are not read any"
                " more",
                self._context.plan.flow, topic,
            )  # fmt: skip
            for part in left:
                items += self._leave(part)
            self._others[topic] = parts & told.keys()
        return items

    def _make_whole(self, topic: str) -> None:
        """Tell our partitions of a topic that is not keyed, and wait to be told those of others."""
        assert self._context.crossings is not None
        now = time.monotonic()
        if topic not in self._patient_until:
            self._patient_until[topic] = now + PATIENCE
            for part, (_, reader) in list(self._readers.items()):
                if part.rpartition("/")[0] == topic and self._source.is_mine(part):
                    self._context.crossings.tell(self._source.name, part, reader.position())
        parts = (f"{topic}/{n}" for n in range(self._context.router.partitions.get(topic, 0)))
        if now > self._patient_until[topic] or self._readers.keys() >= set(parts):
            self._whole.add(topic)

    def _leave(self, part: str) -> list[Item]:
        """Stop reading a partition; no shard waits for it any more."""
        id, reader = self._readers.pop(part)
        self._turn.remove((id, reader))
        self._alignment.leave(id)
        self._context.source_progress.remove(id)
        self._context.router.forget(part)
        if isinstance(reader, TopicReader):
            reader.leave()
        now = self._context.clock()
        return self._sent([Arrival(id, self._source.name, Batch([], now, True))])

    def _read_in_turn(self) -> bool:
        """Read one partition after the other until enough has come; whether anything did."""
        some, events = False, 0
        for _ in range(len(self._turn)):
            found = self._read(*self._turn[0])
            self._turn.rotate(-1)
            if found is not None:
                some, events = True, events + found
                if events >= MOST_AT_ONCE:
                    break
        return some

    def _read(self, id: str, reader: Reader) -> int | None:
        """Read a partition, unless something of it waits; how many events came, if anything did."""
        context = self._context
        if not self._order().wants(id):
            return None
        position = reader.position() if context.crossings else None
        batch = reader.read()
        if batch is None:
            if self._is_data:
                context.source_progress.idle(id, self._source.is_reachable())
            return None
        if self._is_data and batch.events:
            context.source_progress.received(id, batch.wall)
        context.passed(self._source.name, len(batch.events))
        if self._is_data and context.traces is not None:
            tracing.read(context.traces, self._source.name, batch, not self._source.is_drawn)
        if batch.whole:
            context.unread_tables.discard(id)
        if self._is_data and context.router.look(self._part(id), batch.events):
            assert context.crossings is not None
            context.crossings.tell(self._source.name, self._part(id), position)
        self._order().take(Arrival(id, self._source.name, batch))
        return len(batch.events)

    def _released(self) -> list[Item]:
        if self._again is not None:
            return self._released_again(self._again)
        router, parts = self._context.router, self._readers
        is_mixed = self._is_data and router.is_mixed(parts)
        is_apart = is_mixed and router.lies_apart(parts)
        released = self._alignment.release(is_mixed, self._are_others_read_to if is_apart else None)
        if is_mixed and self._journal is not None:
            self._note(released, self._journal)
        elif self._count(released):
            self._is_noted = False
        return self._sent(released)

    def _note(self, released: Iterable[Arrival], journal: OrderJournal) -> None:
        """Have the journal know what is released before it is; first what it does not know of."""
        before = None if self._is_noted else dict(self._taken)
        if release := self._count(released):
            if before:
                journal.add(before)
            journal.add(release)
            self._is_noted = True

    def _released_again(self, again: TakenAgain) -> list[Item]:
        """What a run that was killed had released, in its order."""
        items: list[Item] = []
        for released in again.release():
            self._count(released)
            items += self._sent(released)
        if again.is_over():
            if again.left():
                log.warning(
                    "source %s: what a run that was killed took last cannot be had again in its"
                    " order; its events are taken in the order of time",
                    self._source.name,
                )
                self._forget_order()
            for arrival in again.held():
                self._alignment.take(arrival)
            self._again = None
        return items

    def _count(self, released: Iterable[Arrival]) -> Release:
        return counted(self._taken, ((one.part, len(one.batch.events)) for one in released))

    def _are_others_read_to(self, id: str, wall: float) -> bool:
        return all(
            reader.read_until() >= wall for other, reader in self._readers.values() if other != id
        )

    def _part(self, id: str) -> str:
        return id.removeprefix(f"{self._source.name}:")

    def _sent(self, arrivals: Iterable[Arrival]) -> list[Item]:
        """Arrivals by shard; what several partitions bring for one shard travels together."""
        router = self._context.router
        by_shard: dict[str, list[Arrival]] = {}
        for arrival in arrivals:
            if self._is_data:
                for shard, part in router.route(self._part(arrival.part), arrival):
                    by_shard.setdefault(shard, []).append(part)
            else:
                for shard in router.mine:
                    by_shard.setdefault(shard, []).append(arrival)
        return [(shard, (shard, together)) for shard, together in by_shard.items()]

    def _woken(self) -> list[Item]:
        """Nothing, for the shards to set their timers anew, once the host's clock has jumped.

        Bytewax waits for an instant of that clock.
        """
        offset = steady_clock.now.offset
        if not self._is_data or abs(offset - self._offset) <= steady_clock.TOLERATED:
            return []
        self._offset = offset
        now = self._context.clock()
        return self._sent(
            Arrival(id, self._source.name, Batch([], now, False))
            for id, _ in self._readers.values()
        )

    def next_awake(self) -> datetime:
        """At once.

        `Wakeup` has waited already, and Bytewax's own millisecond after an empty batch would only
        delay the next.
        """
        return AT_ONCE

    def snapshot(self) -> bytes:
        """The positions, once what was refused before them is durable, and what waits."""
        positions = {part: reader.position() for part, (_, reader) in self._readers.items()}
        held = [arrival for arrival in self._order().held() if arrival.batch.events]
        state = input_state.save(positions, self._source.name, held, self._taken)
        self._context.flush_refused()
        for part, (_, reader) in self._readers.items():
            if isinstance(reader, ShownReader) and self._source.is_mine(part):
                reader.checkpointed(positions[part])
        return state

    def close(self) -> None:
        """Close all partitions."""
        if self._journal is not None:
            self._journal.close()
        for _, reader in self._readers.values():
            self._context.close(reader)
