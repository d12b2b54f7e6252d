"""Under which id the state of each step is saved: the one it was born with, through renames."""

from flows.dataflow.plan import Plan
from flows.dataflow.shard_state import ShardState


def saved_names(plan: Plan, state: ShardState) -> dict[str, str]:
    """Each identity of the plan with the id of its state: the one that `state` has for it.

    A renamed step (`was`) goes on under the id of its state, also when `was` is taken out again. A
    new one with the name of a renamed one gets an id of its own.
    """
    now = plan.identities()
    known = {name: id for name, id in state.names.items() if id in state.steps}
    names = {name: known[name] for name in now if name in known}
    for name, before in plan.carried().items():
        born = known.get(before, before)
        if name not in names and before not in now and born in state.steps:
            names[name] = born
    for name in now:
        taken = set(names.values()) - {names.get(name)}
        id = names.setdefault(name, name)
        while id in taken:
            id = names[name] = f"{id}~"
    return names
