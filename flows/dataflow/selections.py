"""What lies on the ways from the sources of a flow to one of its names: selectors and labels."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from flows.dataflow.plan import ALARMS
from flows.language.field_values import Tables
from flows.language.model import Flow, Step, inputs
from operators.model.labelling import Cells, Labelling, Texts, Unsaid
from operators.model.selections import KNOWN, OF_ALARMS, Labelled, Selection, Selections
from operators.model.selector import Selector
from operators.model.tables import rows_by_key
from operators.model.template import Template
from operators.transforms.drop import Drop
from operators.transforms.label import Label
from operators.transforms.lookup import Lookup
from operators.transforms.only import Only
from operators.transforms.severity import Severity

MOST_WAYS = 100
_ALL = KNOWN | OF_ALARMS
_KEPT: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("only", "drop", "deduplicate", "debounce", "mode", "stale", "counter"), _ALL),
    **dict.fromkeys(("label", "lookup", "severity"), _ALL),
    "enrich": _ALL - {"label"},
    **dict.fromkeys(("convert", "scale"), _ALL - {"unit"}),
    **dict.fromkeys(("threshold", "rate"), frozenset({"subject"})),
    "decode": frozenset(),
}
"""Fields that an event has before a step as behind it; of other steps nothing is known.

Labels that are set before any of these are there behind it, too.
"""
_Way = tuple[Selection | Labelled, ...]


class Ways:
    """The ways on which events come in a flow, with its tables."""

    def __init__(self, flow: Flow, tables: Tables) -> None:
        self._flow, self._tables = flow, tables

    def to(self, names: Iterable[str]) -> Selections:
        """What lies on the ways to whatever reads these names."""
        return _known(way for name in names for way in self._ways(name))

    def before(self, name: str, step: int) -> Selections:
        """What lies on the ways to a step of a stream, by its place in it."""
        return _known(self._into(name, self._flow.streams[name].steps[:step], frozenset()))

    def from_alarms(self, name: str, step: int) -> Selections:
        """What of that lies between alarms and the step."""
        steps = self._flow.streams[name].steps[:step]
        return _known(self._into(name, steps, frozenset(self._flow.alarms)))

    def _ways(self, name: str, within: frozenset[str] = frozenset()) -> Iterator[_Way]:
        source, stream = self._flow.sources.get(name), self._flow.streams.get(name)
        if name == ALARMS:
            for one in self._flow.alarms:
                yield from self._ways(one, within)
        elif name in self._flow.alarms:
            yield from self._of_alarm(name, within)
        elif source is not None and source.label:
            yield (Labelled(Texts(source.label), _ALL),)
        elif stream is None or name in within:
            yield ()
        else:
            yield from self._into(name, stream.steps, within)

    def _of_alarm(self, name: str, within: frozenset[str]) -> Iterator[_Way]:
        """The ways of the readings of an alarm, whose labels it has."""
        alarm = self._flow.alarms[name]
        own = [Selection(Selector(alarm=name), False, _ALL)]
        fields = _ALL - {"unit"} - OF_ALARMS
        if name in within:
            yield tuple(own)
            return
        if alarm.only is not None:
            own.append(Selection(alarm.only, False, fields))
        for read in alarm.sources:
            for way in self._ways(read, within | {name}):
                yield (*own, *(one._replace(fields=one.fields & fields) for one in way))

    def _into(self, name: str, steps: Sequence[Step], within: frozenset[str]) -> Iterator[_Way]:
        own: list[Selection | Labelled] = []
        fields = _ALL
        for step in reversed(steps):
            if isinstance(step.settings, Only | Drop):
                if fields or step.settings.label:
                    is_drop = isinstance(step.settings, Drop)
                    own.append(Selection(step.settings, is_drop, fields))
            elif (labelling := self._labelling(step)) is not None:
                own.append(Labelled(labelling, fields))
            if step.kind not in _KEPT:
                yield tuple(own)
                return
            fields &= _KEPT[step.kind]
        stream = self._flow.streams[name]
        if isinstance(stream.from_, dict):
            yield tuple(own)
            return
        for read in inputs(stream.from_):
            for way in self._ways(read, within | {name}):
                yield (*own, *(one._replace(fields=one.fields & fields) for one in way))

    def _labelling(self, step: Step) -> Labelling | None:
        if isinstance(step.settings, Label):
            return Texts({name: Template(one) for name, one in step.settings.fields.items()})
        if isinstance(step.settings, Lookup):
            key, table = step.settings.key, step.settings.table
            return Cells(table, key, rows_by_key(self._tables.get(table, ()), key))
        if isinstance(step.settings, Severity):
            return Unsaid(step.kind, [step.settings.label])
        return None


def _known(ways: Iterator[_Way]) -> Selections:
    found = [*islice(ways, MOST_WAYS + 1)]
    return Selections([()] if len(found) > MOST_WAYS else found)
