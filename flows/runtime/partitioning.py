"""Which partitions and shards of a flow a process works on."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from flows.dataflow.compiler import Compiled, NotRunnable
from flows.runtime.runtime_context import Input
from flows.runtime.saved_state.compatibility import StateLayout
from flows.runtime.shards import Share


@dataclass(frozen=True)
class Partitioning:
    """The part of a flow that one process runs.

    `layout` is what its saved state must fit, `inputs` are the inputs with the partitions of this
    process alone.
    """

    layout: StateLayout
    inputs: list[Input]


def partition(
    compiled: Compiled, inputs: list[Input], share: Share, saved: int | None = None
) -> Partitioning:
    """Choose the partitions and shards of a process; `saved` is how many shards the state has.

    Raises `NotRunnable` if the flow cannot be shared out so.
    """
    data = [source for source in inputs if source.side is None]
    counts = Counter(
        part.rpartition("/")[0] for source in data for part in source.parts if "/" in part
    )
    total = _shards(compiled, counts, saved)
    if share.count > 1:
        _refuse_uneven(compiled.plan.flow, share, total, counts)
    shards = [str(n) for n in range(total) if share.has(n)]
    if share.count > 1:
        is_mine = partial(_is_of, share, total)
        data = [
            replace(source, parts=list(filter(is_mine, source.parts)), is_mine=is_mine)
            for source in data
        ]
    layout = StateLayout(
        tuple(compiled.plan.identities()),
        total,
        tuple(shards),
        {source.name: source.parts for source in data},
        counts,
        compiled.plan.carried(),
    )
    sides = [source for source in inputs if source.side is not None]
    return Partitioning(layout, [*data, *sides])


def _shards(compiled: Compiled, counts: Mapping[str, int], saved: int | None) -> int:
    """How many shards a flow has: as many as its state has, or else its topics partitions."""
    if not compiled.sharded:
        return 1
    if saved is not None:
        return saved
    return next(iter(counts.values())) if len(set(counts.values())) == 1 else 1


def _refuse_uneven(flow: str, share: Share, total: int, counts: Mapping[str, int]) -> None:
    """Refuse a number of processes that would part a subject's shard from its partitions."""
    are_equal = len(set(counts.values())) == 1
    shards = f"{total} shard{'s' if total > 1 else ''}"
    if (total == 1 and not are_equal) or any(
        n % total and (n % share.count or total % share.count) for n in counts.values()
    ):
        raise NotRunnable(
            f"flow {flow!r} cannot be shared out by --process {share}: its topics have different"
            f" numbers of partitions ({', '.join(f'{topic} {n}' for topic, n in counts.items())})"
            f" than its state, which is kept in {shards}, so the events of one subject would reach"
            " different processes; take a number of processes by which all of these can be divided"
        )
    if total < share.count:
        what = (
            f"the topics have only {total} partitions"
            if set(counts.values()) == {total}
            else f"the flow's state is kept in {shards}, one for each partition that there was when"
            " it began; start at most so many processes"
        )
        raise NotRunnable(f"--process {share}: {what}")


def _is_of(share: Share, shards: int, part: str) -> bool:
    """Whether a process reads a partition: it has the shard of those that lie well there."""
    return share.has(int(part.rpartition("/")[2]) % shards)
