"""The selectors on the ways from the sources of a flow to one of its names."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from flows.language.model import Flow, inputs
from operators.model.selections import KNOWN, Selection, Selections
from operators.transforms.drop import Drop
from operators.transforms.only import Only

MOST_WAYS = 100
_NO_LABELS, _NO_UNIT = KNOWN - {"label"}, KNOWN - {"unit"}
_KEPT: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        ("only", "drop", "deduplicate", "debounce", "mode", "stale", "counter"), KNOWN
    ),
    **dict.fromkeys(("label", "lookup", "enrich", "severity"), _NO_LABELS),
    **dict.fromkeys(("convert", "scale"), _NO_UNIT),
    **dict.fromkeys(("threshold", "rate"), frozenset({"subject"})),
}  # fmt: skip
"""Fields that an event has before a step as behind it; of other steps nothing is known."""


def selections(flow: Flow, names: Iterable[str]) -> Selections:
    """What lets events pass to whatever reads these names."""
    ways = [*islice((way for name in names for way in _ways(flow, name)), MOST_WAYS + 1)]
    return Selections([()] if len(ways) > MOST_WAYS else ways)


def _ways(
    flow: Flow, name: str, within: frozenset[str] = frozenset()
) -> Iterator[tuple[Selection, ...]]:
    stream = flow.streams.get(name)
    if stream is None or name in within:
        yield ()
        return
    own: list[Selection] = []
    fields = KNOWN
    for step in reversed(stream.steps):
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
