"""What steps that set labels say of a signal of which only some fields are known."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping

from operators.events import Event
from operators.model.fields import field, text
from operators.model.template import Template

Knows = Callable[[str], bool]
"""Whether a field is known, by the name that definitions use."""


class Labelling(ABC):
    """A step that sets labels of these `names` at most; equal `text`s set the same."""

    names: frozenset[str]
    text: str

    @abstractmethod
    def of(self, event: Event, knows: Knows) -> dict[str, str | None]:
        """The labels that it gives an event of which some fields are known.

        None stands for what cannot be said.
        """


class Texts(Labelling):
    """Labels that are texts, with placeholders or without."""

    def __init__(self, texts: Mapping[str, Template | str]) -> None:
        self._texts = dict(texts)
        self.names = frozenset(texts)
        sources = {
            name: one if isinstance(one, str) else [one.source] for name, one in texts.items()
        }
        self.text = f"label {json.dumps(sources, sort_keys=True)}"

    def of(self, event: Event, knows: Knows) -> dict[str, str | None]:
        """Each text as it is for the event; None where it asks for what is not known."""
        return {name: _rendered(one, event, knows) for name, one in self._texts.items()}


class Cells(Labelling):
    """Labels that are the cells of a table's row; `rows` has them by what is looked up."""

    def __init__(self, table: str, key: str, rows: Mapping[str, Mapping[str, str]]) -> None:
        self._key, self._rows = key, rows
        self.names = frozenset(name for row in rows.values() for name in row)
        written = json.dumps(rows, sort_keys=True).encode()
        self.text = f"lookup {table} {key} {hashlib.sha256(written).hexdigest()[:12]}"

    def of(self, event: Event, knows: Knows) -> dict[str, str | None]:
        """The cells of the event's row; None for all columns where that is not known."""
        if not knows(self._key):
            return dict.fromkeys(self.names)
        return dict(self._rows.get(text(field(event, self._key)), {}))


class Unsaid(Labelling):
    """Labels that follow from each event anew."""

    def __init__(self, kind: str, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        self.text = f"{kind} {sorted(self.names)}"

    def of(self, event: Event, knows: Knows) -> dict[str, str | None]:
        """None of them is known."""
        return dict.fromkeys(self.names)


def _rendered(one: Template | str, event: Event, knows: Knows) -> str | None:
    if isinstance(one, str):
        return one
    return text(one.render(event)) if all(map(knows, one.placeholders())) else None
