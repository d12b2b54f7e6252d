"""History from a CSV file as readings: one a line, or one a line and column."""

import csv
import hashlib
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.base import ConnectorError
from operators.events import Reading

FIELDS = ("time", "subject", "metric", "value", "unit", "quality", "text", "id")
NO_DATA = frozenset(("", "null", "none", "nan", "unavailable", "unknown", "-"))
_MILLISECONDS = 1e11
"""Epoch times above this are milliseconds: as seconds they would be the year 5138."""


class CsvHistory:
    """The readings of a file whose first line names its columns.

    `columns` says for a field of readings which column holds it, or `=TEXT` for a text that all
    have. Without a column `value`, each column that is no field is a metric of its own. Times are
    epoch seconds or milliseconds, or ISO 8601, in `zone` if they name none. Readings have an id of
    what they say, so that a file that is read again changes nothing. `left_out` counts the lines
    that could not be read, `first_bad` says where the first is and why.
    """

    def __init__(self, path: Path, zone: ZoneInfo, columns: Mapping[str, str]) -> None:
        self._path, self._zone, self._columns = path, zone, dict(columns)
        self.left_out = 0
        self.first_bad = ""

    def readings(self) -> Iterator[Reading]:
        """The readings, in the order of the file; raises `ConnectorError` if it is not such one."""
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as file:
                first = file.readline()
                delimiter = max(",;\t", key=first.count)
                header = next(csv.reader([first], delimiter=delimiter), [])
                places = {name.strip(): number for number, name in enumerate(header)}
                metrics = self._metrics(places)
                decimal_comma = delimiter != ","
                for number, cells in enumerate(csv.reader(file, delimiter=delimiter), 2):
                    if not cells:
                        continue
                    try:
                        yield from self._line(cells, places, metrics, decimal_comma)
                    except (ValueError, IndexError) as error:
                        self.left_out += 1
                        self.first_bad = self.first_bad or f"{self._path}:{number}: {error}"
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ConnectorError(f"{self._path} cannot be read as CSV in UTF-8: {error}") from error

    def _metrics(self, places: Mapping[str, int]) -> list[str]:
        """The columns that are metrics, none where one column holds the values of all."""
        for field, column in self._columns.items():
            if not column.startswith("=") and column not in places:
                raise ConnectorError(
                    f"{self._path} has no column {column!r} for {field};"
                    f" its first line has {', '.join(places)}"
                )
        known = {field: self._columns.get(field, field) for field in FIELDS}
        there = {f for f, column in known.items() if column.startswith("=") or column in places}
        is_long = "value" in there
        wanted = ["time", "subject", *(["metric"] if is_long else [])]
        if lacking := [field for field in wanted if field not in there]:
            raise ConnectorError(
                f"{self._path} does not say {' and '.join(lacking)} of a reading: name the column"
                f" with --column {lacking[0]}=NAME, or one text for all with --column"
                f" {lacking[0]}==TEXT; its first line has {', '.join(places)}"
            )
        return [] if is_long else [name for name in places if name not in known.values()]

    def _line(
        self, cells: list[str], places: Mapping[str, int], metrics: list[str], decimal_comma: bool
    ) -> Iterator[Reading]:
        def field(name: str) -> str:
            column = self._columns.get(name, name)
            if column.startswith("="):
                return column[1:]
            return cells[places[column]].strip() if column in places else ""

        time = _time(field("time"), self._zone)
        if not (subject := field("subject")):
            raise ValueError("the subject is empty")
        if not metrics:
            yield self._reading(
                time, subject, field("metric"), field("value"), field("unit"), decimal_comma,
                field("text"), field("quality"), field("id"),
            )  # fmt: skip
        for name in metrics:
            if text := cells[places[name]].strip():
                yield self._reading(time, subject, name, text, field("unit"), decimal_comma)

    @staticmethod
    def _reading(
        time: float, subject: str, metric: str, value: str, unit: str, decimal_comma: bool,
        text: str = "", quality: str = "", id: str = "",
    ) -> Reading:  # fmt: skip
        if not metric:
            raise ValueError("the metric is empty")
        number: float | None = None
        if value.lower() not in NO_DATA:
            try:
                number = float(value.replace(",", ".") if decimal_comma else value)
            except ValueError:
                text = text or value
        said = "\0".join((repr(time), subject, metric, value, unit))
        is_number = number is not None and math.isfinite(number)
        is_bad = quality == "bad" or not (is_number or text)
        return Reading(
            id=id or f"import-{hashlib.sha256(said.encode()).hexdigest()[:32]}",
            time=time, subject=subject, metric=metric, value=number if is_number else None,
            text=text or None, unit=unit or None,
            quality="bad" if is_bad else "stale" if quality == "stale" else "good",
        )  # fmt: skip


def _time(text: str, zone: ZoneInfo) -> float:
    try:
        number = float(text)
    except ValueError:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(
                f"{text!r} is no time; expected epoch seconds, or 2026-11-01T08:30:00"
            ) from None
        return (found if found.tzinfo else found.replace(tzinfo=zone)).timestamp()
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is no time")
    return number / 1000 if number > _MILLISECONDS else number
