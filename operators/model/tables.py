"""Rows of a table by their key, as labels for events."""

from collections.abc import Mapping, Sequence
from typing import Any

from operators.events import Event, Occurrence, Row
from operators.model.fields import text


def labels_of(row: Mapping[str, Any], key: str) -> dict[str, str]:
    """Return the cells of a row as texts, without the column `key` and without empty cells.

    What has parts of its own is no label.
    """
    return {
        name: text(cell)
        for name, cell in row.items()
        if name != key and cell not in (None, "") and not isinstance(cell, dict | list)
    }


def row_of(event: Event) -> Mapping[str, Any]:
    """Return the values of a row of a table that is changed while the flow runs."""
    if isinstance(event, Row):
        return event.values
    return event.data if isinstance(event, Occurrence) else {}


def is_deleted(event: Event) -> bool:
    """Return whether a row says that the one of its id is gone."""
    return bool(row_of(event).get("deleted")) or (isinstance(event, Row) and event.op == "delete")


def rows_by_key(rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, dict[str, str]]:
    """Return the labels of each row by the text in its column `key`.

    A row without such a column has its key in its first one. The first of two rows with one key
    counts.
    """
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        column = key if key in row else next(iter(row))
        found.setdefault(text(row[column]), labels_of(row, column))
    return found


class SubjectCells:
    """What columns say of subjects: a label of that name, or the cell of the subject's row."""

    def __init__(self, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        self._tables = [rows_by_key(rows, "subject") for rows in tables.values() if rows]

    def cell(self, column: str, subject: str, labels: Mapping[str, str]) -> str | None:
        """Return what a column says of a subject; None where neither a label nor a table has it."""
        if column in labels:
            return labels[column]
        for rows in self._tables:
            row = rows.get(subject)
            if row and column in row:
                return row[column]
        return None

    def written(self, columns: set[str]) -> dict[str, dict[str, str]]:
        """Return the cells that the tables have for these columns, by subject."""
        cells: dict[str, dict[str, str]] = {}
        for rows in reversed(self._tables):
            for subject, row in rows.items():
                if own := {name: str(row[name]) for name in columns if name in row}:
                    cells.setdefault(subject, {}).update(own)
        return cells
