"""Inserted rows of a table that are tuples until somebody asks for a row."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple, Self

from operators.columnar.lazy import LazyEvents
from operators.events import Event, EventBatch, Row


class RowLayout(NamedTuple):
    """What rows of a table have in common.

    An id is `prefix` and the value of the column `key`. The values of the columns of `later`, by
    number, are made of what the tuples hold.
    """

    table: str
    names: Sequence[str]
    prefix: str
    key: str
    later: Mapping[int, Callable[[Any], Any]]


class LazyRows(LazyEvents):
    """Rows of one layout; `added` are columns beside those of the table, or in their place."""

    def __init__(
        self,
        layout: RowLayout,
        rows: list[tuple[Any, ...]],
        times: list[float],
        added: dict[str, list[Any]],
    ) -> None:
        self.layout, self.rows, self.added = layout, rows, added
        self.times: list[float] = times
        self._made: EventBatch | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def newest(self) -> float:  # type: ignore[override]
        """The time of the newest."""
        return max(self.times)

    def column(self, name: str) -> list[Any] | None:
        """Return the values of a column that is not of `later`; None where there is none."""
        if name in self.added:
            return self.added[name]
        names = self.layout.names
        return list(map(itemgetter(names.index(name)), self.rows)) if name in names else None

    def ids(self) -> list[str]:
        """Return the ids of the rows."""
        prefix = self.layout.prefix
        return [f"{prefix}{key}" for key in self.column(self.layout.key) or ()]

    def made(self) -> EventBatch:
        """Return all as events, made once."""
        if self._made is None:
            self._made = EventBatch(map(self._row, range(len(self))))
        return self._made

    def one(self, place: int) -> Event:
        """Return the row at a place."""
        return self._row(place) if self._made is None else self._made[place]

    def take(self, places: Any) -> Self:
        """Return those at these places, in their order."""

        def of(column: list[Any]) -> list[Any]:
            return column[places] if isinstance(places, slice) else [column[n] for n in places]

        added = {name: of(column) for name, column in self.added.items()}
        return type(self)(self.layout, of(self.rows), of(self.times), added)

    def subjects(self) -> Sequence[str]:
        """Return the key by which all rows of a table are together."""
        return [self.layout.table]

    def _row(self, place: int) -> Row:
        layout, row = self.layout, self.rows[place]
        values = dict(zip(layout.names, row, strict=True))
        for number, value in layout.later.items():
            if row[number] is not None:
                values[layout.names[number]] = value(row[number])
        for name, column in self.added.items():
            values[name] = column[place]
        return Row(
            id=f"{layout.prefix}{values[layout.key]}",
            time=self.times[place],
            table=layout.table,
            op="insert",
            values=values,
        )


def joined(before: list[Event] | LazyRows, more: Sequence[Event]) -> list[Event] | LazyRows:
    """Return events with more behind them, as tuples where all are of one layout."""
    if not before:
        return more if isinstance(more, LazyRows) else [*before, *more]
    if isinstance(before, LazyRows):
        if isinstance(more, LazyRows) and more.layout is before.layout:
            added = {name: column + more.added[name] for name, column in before.added.items()}
            return LazyRows(
                before.layout, before.rows + more.rows, before.times + more.times, added
            )
        return [*before.made(), *more]
    before += more
    return before
