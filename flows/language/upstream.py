"""The names of a flow that the events of another name come from."""

from flows.language.model import Clock, Flow, inputs, origin


def upstream(flow: Flow, name: str) -> set[str]:
    """The names that a name's events come from, however far up, itself included."""
    seen: set[str] = set()
    waiting = [origin(name)]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        entry = flow.streams.get(one) or flow.alarms.get(one)
        if entry is not None:
            waiting += [origin(read) for read in inputs(entry.from_)]
        if one == "alarms":
            waiting += list(flow.alarms)
    return seen


def clocks(flow: Flow, name: str) -> dict[str, Clock]:
    """The clock of each source that a name's events come from."""
    above = upstream(flow, name)
    return {one: source.clock or flow.clock for one, source in flow.sources.items() if one in above}


def live_cameras(flow: Flow, name: str) -> list[str]:
    """The sources of the rows of cameras that change live and that a name's events come from."""
    return [
        each
        for one, source in flow.sources.items()
        if one in upstream(flow, name)
        and (each := getattr(source.settings, "each", None)) in flow.sources
    ]
