"""Which partitions and shards of a flow a process works on."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from flows.dataflow.compiler import Compiled, NotRunnable
from flows.runtime.runtime_context import Input
from flows.runtime.saved_state.compatibility import StateLayout
from flows.runtime.saved_state.states import States
from flows.runtime.shards import Share


@dataclass(frozen=True)
class Partitioning:
    """The part of a flow that one process runs.

    `layout` is what its saved state must fit, `inputs` are the inputs with the partitions of this
    process alone, `is_mine` says which these are, `parts` are all partitions by source.
    """

    layout: StateLayout
    inputs: list[Input]
    is_mine: Callable[[str], bool]
    parts: Mapping[str, list[str]]

    def inputs_with_others(self, saved: States, told: Iterable[tuple[str, str]]) -> list[Input]:
        """The inputs, with partitions of other processes in which its subjects may lie.

        Those are the ones that it read before, those of which it was told, and all of a source that
        is new, until enough was seen of it.
        """
        wanted = {*saved.positions, *told}
        return [
            source
            if source.side is not None
            else replace(
                source,
                parts=[
                    part
                    for part in self.parts[source.name]
                    if self.is_mine(part)
                    or (source.name, part) in wanted
                    or not saved.knows(source.name)
                ],
                ahead=partial(_ahead, saved, source.name),
            )
            for source in self.inputs
        ]


def shard_count(compiled: Compiled, inputs: list[Input], saved: int | None, is_shared: bool) -> int:
    """How many shards a flow has: as many as its state has, or else its topics partitions.

    Where these have different numbers, a process that nothing `is_shared` with does best with one.
    Records of other programs need one: their subjects may lie under any key.
    """
    if not compiled.sharded:
        return 1
    if saved is not None:
        return saved
    if compiled.decodes_records:
        return 1
    counts = _counts(inputs)
    return max(counts.values()) if is_shared or len(set(counts.values())) == 1 else 1


def cannot_be_shared(compiled: Compiled) -> str | None:
    """Why no two processes may run the flow, and what to do; None if they may."""
    if not compiled.sharded:
        return (
            "all its sources must be topics, and no step may bring several subjects together; run"
            " it as one process"
        )
    if compiled.decodes_records:
        return (
            "it reads a topic with `messages: true`, whose subjects are known only once `decode`"
            " has read a record, and one subject may lie under several keys; run it as one"
            " process, or have a flow of its own decode the records and write them to a topic, and"
            " share out the flow that reads that"
        )
    return None


def partition(
    compiled: Compiled, inputs: list[Input], share: Share, total: int, is_new: bool = True
) -> Partitioning:
    """Choose the partitions and shards of a process, of so many shards in total.

    Raises `NotRunnable` if the flow cannot be shared out so.
    """
    data = [source for source in inputs if source.side is None]
    if total < share.count:
        what = (
            f"the topics have only {total} partitions"
            if is_new
            else f"the flow's state is kept in {total} shard{'s' if total > 1 else ''}, as it was"
            " when it began; start at most so many processes"
        )
        raise NotRunnable(f"--process {share}: {what}")
    shards = [str(n) for n in range(total) if share.has(n)]
    is_mine: Callable[[str], bool] = partial(_is_of, share, total)
    parts = {source.name: source.parts for source in data}
    if share.count == 1:
        is_mine = _is_any
    else:
        data = [
            replace(source, parts=list(filter(is_mine, source.parts)), is_mine=is_mine)
            for source in data
        ]
    layout = StateLayout(
        tuple(compiled.plan.identities()),
        total,
        tuple(shards),
        {source.name: source.parts for source in data},
        _counts(inputs),
        compiled.plan.carried(),
        frozenset(source.name for source in data if not source.begins_late),
    )
    sides = [source for source in inputs if source.side is not None]
    return Partitioning(layout, [*data, *sides], is_mine, parts)


def _counts(inputs: list[Input]) -> Counter[str]:
    """How many partitions each topic has."""
    parts = (part for source in inputs if source.side is None for part in source.parts)
    return Counter(part.rpartition("/")[0] for part in parts if "/" in part)


def _is_any(part: str) -> bool:
    return True


def _ahead(saved: States, source: str, part: str) -> set[int]:
    return set(saved.ahead.get((source, part), {}).values())


def _is_of(share: Share, shards: int, part: str) -> bool:
    """Whether a process reads a partition: it has the shard of those that lie well there."""
    return share.has(int(part.rpartition("/")[2]) % shards)
