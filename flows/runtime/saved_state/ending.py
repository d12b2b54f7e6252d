"""Telling the sinks of a flow that it ends for good."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from connectors.base import StatefulWriter, Writer
from connectors.runtime import steady_clock
from flows.dataflow import ending
from flows.dataflow.plan import Outputs, Plan
from flows.dataflow.shard_state import dump, load
from flows.runtime.saved_state.envelope import unwrap, wrap
from flows.runtime.saved_state.states import States


def end(plan: Plan, saved: States, openers: Mapping[str, Callable[[], Writer]]) -> States:
    """Write the end of all alarms, after what each sink had not written when the state was saved.

    Returns what is left of the state once all is durable; raises what a writer raises.
    """
    now = steady_clock.now()
    made: Outputs = {}
    left: dict[str, bytes] = {}
    for shard, state in saved.shards.items():
        outputs, ended = ending.end(plan, load(unwrap(state, "shard")), now)
        left[shard] = wrap("shard", dump(ended))
        for sink, events in outputs.items():
            made.setdefault(sink, []).extend(events)
    for sink, opener in openers.items():
        carried, events = saved.carried(sink), made.get(sink, [])
        if not carried and not events:
            continue
        writer = opener()
        try:
            if carried and isinstance(writer, StatefulWriter):
                writer.restore(carried)
            writer.write(events)
            writer.flush()
        finally:
            writer.close()
    return replace(saved, shards=left, records={})
