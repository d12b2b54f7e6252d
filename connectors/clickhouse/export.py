"""Rows of a table as a file: ClickHouse writes Parquet or CSV itself, by time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from clickhouse_connect.driver.exceptions import ClickHouseError

from connectors.base import ConnectorError, NoAnswer
from connectors.clickhouse.client import error_text, open_client
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.schema import Schema
from connectors.config.suggestion import near

Form = Literal["parquet", "csv", "jsonl"]
FORMATS: Mapping[Form, str] = {"parquet": "Parquet", "csv": "CSVWithNames", "jsonl": "JSONEachRow"}
FILTERS = ("subject", "metric", "type", "rule")
"""Columns by which rows are chosen; which of them a table has depends on its kind."""
TIMEOUT = 3600.0
_SETTINGS = {
    "do_not_merge_across_partitions_select_final": 1,
    "output_format_parquet_string_as_string": 1,
    "date_time_output_format": "iso",
    "format_csv_null_representation": "",
}
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Chosen:
    """The rows of `table` from `start` to before `end` (epoch seconds), of these values."""

    table: str
    start: float
    end: float
    only: Mapping[str, list[str]] = field(default_factory=dict)


def exported(connection: ClickHouseConnection, chosen: Chosen, form: Form) -> Iterator[bytes]:
    """The file in pieces, each row once, in the order of time.

    Raises `ConnectorError` for what is not there, `NoAnswer` while ClickHouse does not answer.
    """
    try:
        client = open_client(connection, timeout=TIMEOUT)
        found = Schema(client, connection.database).look(chosen.table)
        if found is None:
            known = Schema(client, connection.database).known()
            hint = near(chosen.table, known) or f"known: {', '.join(known) or 'none'}"
            raise ConnectorError(
                f"there is no table {chosen.table!r} in the database {connection.database!r}"
                f" ({hint})"
            )
        for column in chosen.only:
            if column not in found.columns:
                has = ", ".join(name for name in FILTERS if name in found.columns)
                raise ConnectorError(
                    f"the table {chosen.table!r} has no column {column!r}; choose by {has}"
                )
        named = [f"`{name}` IN {{{name}:Array(String)}}" for name in chosen.only]
        span = [
            "time >= fromUnixTimestamp64Micro({start:Int64}, 'UTC')",
            "time < fromUnixTimestamp64Micro({end:Int64}, 'UTC')",
        ]
        stream = client.raw_stream(
            f"SELECT * FROM `{chosen.table}` FINAL WHERE {' AND '.join(span + named)}"  # noqa: S608
            " ORDER BY time, id",
            parameters={
                "start": round(chosen.start * 1e6), "end": round(chosen.end * 1e6), **chosen.only,
            },
            fmt=FORMATS[form],
            settings=_SETTINGS,
        )  # fmt: skip
        with stream:
            while piece := stream.read(_CHUNK):  # type: ignore[union-attr]
                yield piece
        client.close()
    except (ClickHouseError, OSError) as error:
        text = error_text(error)
        if "Code: " in text:
            raise ConnectorError(f"ClickHouse does not give the rows: {text}") from error
        raise NoAnswer(
            f"ClickHouse at {connection.url} does not give the rows of {chosen.table!r}: {text}"
        ) from error
