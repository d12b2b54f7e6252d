"""What the checks of a definition's meaning share: the flow, its document, and the names in it."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from connectors.config.document import Document, Level, Node, Path_
from connectors.config.suggestion import near
from flows.language.model import Flow, Step
from flows.language.upstream import upstream

SECTIONS = ("sources", "streams", "alarms", "sinks")
LeftOut = dict[str, dict[str, Node]]
WHOLE = "*"
"""Stands for a whole section among the names of entries that were left out."""


@dataclass
class Scope:
    """A flow under check.

    `broken` are the entries, by section and name, that were left out because their form is wrong.
    """

    document: Document
    flow: Flow
    broken: LeftOut = field(default_factory=dict)

    def say(
        self,
        path: Path_,
        message: str,
        hint: str | None = None,
        *,
        key: bool = False,
        level: Level = "error",
    ) -> None:
        """Note a problem at a path of the document."""
        self.document.say_at(path, message, hint, key=key, level=level)

    def unknown(
        self, path: Path_, message: str, name: str, known: list[str], *, key: bool = False
    ) -> None:
        """A name that is nowhere, with the nearest one that is."""
        hint = near(name, known) or (f"known: {', '.join(known[:20])}" if known else None)
        self.say(path, message, hint, key=key)

    def is_broken(self, section: str, name: str) -> bool:
        """Whether the name may exist, in an entry or a section whose form is wrong."""
        names = self.broken.get(section, ())
        return name in names or WHOLE in names

    @property
    def is_whole(self) -> bool:
        """Whether no entry was left out."""
        return not self.broken

    @cached_property
    def names(self) -> dict[str, str]:
        """Every name with its section, those with errors too."""
        names: dict[str, str] = {}
        for section in SECTIONS:
            for name in (*getattr(self.flow, section), *(self.broken.get(section, ()))):
                names.setdefault(name, section)
        names.pop(WHOLE, None)
        return names

    @cached_property
    def outputs(self) -> list[str]:
        """The names that can be read."""
        return [*(name for name, section in self.names.items() if section != "sinks"), "alarms"]

    def readers(self) -> Iterator[tuple[str, str, Any]]:
        """Section, name and `from` of all that reads."""
        for section in ("streams", "alarms", "sinks"):
            for name, entry in getattr(self.flow, section).items():
                yield section, name, entry.from_

    def steps(self) -> Iterator[tuple[Path_, str, Step]]:
        """Path, stream and step of every step."""
        for name, stream in self.flow.streams.items():
            for index, step in enumerate(stream.steps):
                yield ("streams", name, "steps", index), name, step

    def from_paths(self, section: str, name: str, value: Any) -> Iterator[tuple[Path_, str]]:
        """Path and text of each name in a `from`."""
        base: Path_ = (section, name, "from")
        if isinstance(value, str):
            yield base, value
        elif isinstance(value, dict):
            yield from (((*base, role), read) for role, read in value.items())
        else:
            yield from (((*base, index), read) for index, read in enumerate(value))

    def upstream(self, name: str) -> set[str]:
        """All that a name's events come from, itself included."""
        return upstream(self.flow, name)

    @cached_property
    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """The rows of every table that can be read.

        `read_tables` reports the others.
        """
        return {
            name: rows
            for name in self.flow.tables
            if (rows := self._rows(name, quiet=True)) is not None
        }

    def read_tables(self) -> None:
        """Say what is wrong with the tables."""
        for name in self.flow.tables:
            rows = self._rows(name, quiet=False)
            if rows is not None and not rows:
                self.say(("tables", name), f"table {name!r} has no rows", level="warning")

    def _rows(self, name: str, *, quiet: bool) -> list[dict[str, Any]] | None:
        value = self.flow.tables[name]
        if not isinstance(value, str):
            return value
        path = Path(self.document.place(("tables", name)).file.path).parent / value
        try:
            return read_csv(path)
        except FileNotFoundError:
            problem = f"no file {value!r} beside the flow"
        except (OSError, ValueError) as error:
            problem = f"{value!r} cannot be read: {error}"
        if not quiet:
            self.say(("tables", name), problem)
        return None

    def columns(self, table: str) -> list[str]:
        """The columns of a table."""
        rows = self.tables.get(table, [])
        return list(dict.fromkeys(str(column) for row in rows for column in row))

    def enriched(self, name: str) -> bool:
        """Whether a table that changes at run time may give events of a name any label."""
        streams = self.upstream(name) & set(self.flow.streams)
        return any(
            step.kind == "enrich" for one in streams for step in self.flow.streams[one].steps
        )

    def labels_after(self, name: str) -> set[str]:
        """The labels that events of a name are known to carry: set in the flow or table columns.

        Empty if a table that changes at run time may give them any.
        """
        labels: set[str] = set()
        if self.enriched(name):
            return labels
        for one in self.upstream(name):
            if source := self.flow.sources.get(one):
                labels |= set(source.label)
                each = getattr(source.settings, "each", None)
                labels |= set(self.columns(each)) if each else set()
            for step in self.flow.streams[one].steps if one in self.flow.streams else ():
                labels |= self._step_labels(step)
        return labels

    def _step_labels(self, step: Step) -> set[str]:
        if step.kind == "label":
            return set(map_of(step.settings))
        if step.kind == "severity":
            return {getattr(step.settings, "label", "priority")}
        if step.kind == "lookup":
            return set(self.columns(getattr(step.settings, "table", "")))
        return set()


def map_of(component: Any) -> dict[str, Any]:
    """The map of a step that is written as a plain map (`label`, `rename`, `convert`, `shape`)."""
    return next((value for _, value in component if isinstance(value, dict)), {})


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file with a header line.

    Raises `ValueError` with the line of a row that does not fit.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _check_header(reader.fieldnames or ())
            rows = []
            for row in reader:
                if None in row or None in row.values():
                    raise ValueError(
                        f"line {reader.line_num} has not as many values as there are columns"
                    )
                rows.append(dict(row))
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None
    return rows


def _check_header(columns: Sequence[str]) -> None:
    if len(columns) == 1 and any(sign in columns[0] for sign in ";\t"):
        raise ValueError(f"line 1 has one column, {columns[0]!r}; separate the values by commas")
    for index, column in enumerate(columns):
        if column and column in columns[:index]:
            raise ValueError(f"line 1 has two columns {column!r}; give each a name of its own")
