"""The selectors on the ways from the sources of a flow to one of its names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from flows.language.model import Flow, Step, inputs
from operators.model.selections import KNOWN, OF_ALARMS, Selection, Selections
from operators.model.selector import Selector
from operators.transforms.drop import Drop
from operators.transforms.only import Only

MOST_WAYS = 100
_ALL = KNOWN | OF_ALARMS
_KEPT: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("only", "drop", "deduplicate", "debounce", "mode", "stale", "counter"), _ALL),
    **dict.fromkeys(("label", "lookup", "enrich", "severity"), _ALL - {"label"}),
    **dict.fromkeys(("convert", "scale"), _ALL - {"unit"}),
    **dict.fromkeys(("threshold", "rate"), frozenset({"subject"})),
}  # fmt: skip
"""Fields that an event has before a step as behind it; of other steps nothing is known."""


def selections(flow: Flow, names: Iterable[str]) -> Selections:
    """What lets events pass to whatever reads these names."""
    return _known(way for name in names for way in _ways(flow, name))


def selections_before(flow: Flow, name: str, step: int) -> Selections:
    """What lets events pass to a step of a stream, by its place in it."""
    return _known(_ways_into(flow, name, flow.streams[name].steps[:step], frozenset()))


def _known(ways: Iterator[tuple[Selection, ...]]) -> Selections:
    found = [*islice(ways, MOST_WAYS + 1)]
    return Selections([()] if len(found) > MOST_WAYS else found)


def _ways(
    flow: Flow, name: str, within: frozenset[str] = frozenset()
) -> Iterator[tuple[Selection, ...]]:
    stream = flow.streams.get(name)
    if name in flow.alarms:
        yield (Selection(Selector(alarm=name), False, _ALL),)
    elif stream is None or name in within:
        yield ()
    else:
        yield from _ways_into(flow, name, stream.steps, within)


def _ways_into(
    flow: Flow, name: str, steps: Sequence[Step], within: frozenset[str]
) -> Iterator[tuple[Selection, ...]]:
    stream = flow.streams[name]
    own: list[Selection] = []
    fields = _ALL
    for step in reversed(steps):
        if isinstance(step.settings, Only | Drop):
            own.append(Selection(step.settings, isinstance(step.settings, Drop), fields))
        fields &= _KEPT.get(step.kind, frozenset())
        if not fields:
            break
    if not fields or isinstance(stream.from_, dict):
        yield tuple(own)
        return
    for read in inputs(stream.from_):
        for way in _ways(flow, read, within | {name}):
            yield (*own, *(one._replace(fields=one.fields & fields) for one in way))
