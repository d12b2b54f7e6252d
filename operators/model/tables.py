"""Rows of a table by their key, as labels for events."""

from collections.abc import Mapping, Sequence
from typing import Any

from operators.model.fields import text


def labels_of(row: Mapping[str, Any], key: str) -> dict[str, str]:
    """Return the cells of a row as texts, without the column `key` and without empty cells."""
    return {
        name: text(cell) for name, cell in row.items() if name != key and cell not in (None, "")
    }


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
