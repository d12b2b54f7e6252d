"""Which partitions and shards of a flow a process works on."""

from collections import Counter
from dataclasses import dataclass, replace

from flows.dataflow.compiler import Compiled, NotRunnable
from flows.runtime.runtime_context import ONE_SHARD, Input
from flows.runtime.saved_state.compatibility import StateLayout
from flows.runtime.shards import Share


@dataclass(frozen=True)
class Partitioning:
    """The part of a flow that one process runs.

    `layout` is what its saved state must fit, `inputs` are the inputs with the partitions of this
    process alone. `partitions` is the number of partitions of each topic where they are worked on
    apart, 0 where the flow is one shard.
    """

    layout: StateLayout
    inputs: list[Input]
    partitions: int


def partition(compiled: Compiled, inputs: list[Input], share: Share) -> Partitioning:
    """Choose the partitions of a process; raises `NotRunnable` if the flow cannot be shared out."""
    flow = compiled.plan.flow
    data = [source for source in inputs if source.side is None]
    counts = Counter(
        part.rpartition("/")[0] for source in data for part in source.parts if "/" in part
    )
    sharded = compiled.sharded and len(set(counts.values())) == 1
    if share.count > 1 and not sharded:
        raise NotRunnable(
            f"flow {flow!r} cannot be shared out by --process: its topics have different numbers of"
            f" partitions ({', '.join(f'{topic} {count}' for topic, count in counts.items())}), so"
            " the events of one subject would reach different processes; give them equal numbers,"
            " or run the flow as one process"
        )
    total = next(iter(counts.values())) if sharded else 0
    shards = [str(n) for n in range(total) if share.has(n)] if sharded else [ONE_SHARD]
    if not shards:
        raise NotRunnable(f"--process {share}: the topics have only {total} partitions")
    if sharded:
        data = [
            replace(source, parts=[part for part in source.parts if share.has(_number(part))])
            for source in data
        ]
    layout = StateLayout(
        tuple(compiled.plan.identities()),
        sharded,
        tuple(shards),
        {source.name: source.parts for source in data},
        counts,
        compiled.plan.carried(),
    )
    sides = [source for source in inputs if source.side is not None]
    return Partitioning(layout, [*data, *sides], total)


def _number(part: str) -> int:
    return int(part.rpartition("/")[2])
