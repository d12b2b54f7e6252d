"""Readings that come as columns are the same rows of a table as the same readings as events."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.clickhouse.columns import READINGS
from connectors.clickhouse.components import ClickHouse
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.writer import Inserter
from infra.embedded import clickhouse
from operators.columnar.arrow_batch import columns_of, decode, decode_columns, encode
from operators.columnar.lazy import LazyEvents
from operators.columnar.reading_columns import joined
from operators.events import Event, Reading
from tests.connectors.recorder import Recorder
from tests.operators.columnar.random_readings import random_readings

words = st.sampled_from(["a", "b", "é"])
readings = random_readings(st.text(max_size=3), words, words, 4e9)
batches = st.lists(st.lists(readings, min_size=1, max_size=9), min_size=1, max_size=4)


def rows(events: Any) -> list[dict[str, Any]]:
    table = READINGS.arrow(events)
    assert table.schema.names == [column.name for column in READINGS.columns]
    found: list[dict[str, Any]] = table.to_pylist()
    return [{**row, "labels": sorted(row["labels"])} for row in found]


@settings(max_examples=60, deadline=None)
@given(batches, st.data())
def test_columns_are_the_rows_that_events_are(
    given: list[list[Event]], data: st.DataObject
) -> None:
    whole = [event for batch in given for event in batch]
    columns = joined([part for batch in given for part in decode_columns(encode(batch))])  # type: ignore[arg-type]
    start = data.draw(st.integers(0, len(whole) - 1))
    stop = data.draw(st.integers(start + 1, len(whole)))

    if isinstance(columns, LazyEvents):  # of one kind
        assert rows(columns[start:stop]) == rows(whole[start:stop])
    for batch in given:
        assert rows(decode_columns(encode(batch))[0]) == rows(batch)  # type: ignore[arg-type]


def test_what_others_leave_out_is_what_a_reading_has_without_it() -> None:
    plain = {"id": ["r"], "time": [1.5], "subject": ["s"], "metric": ["m"]}
    full = {
        **plain,
        "quality": pa.array([None], pa.string()),
        "labels": pa.array([None], pa.map_(pa.string(), pa.string())),
        "unit": pa.array([None], pa.string()),
    }
    for said in (plain, full):
        sink = pa.BufferOutputStream()
        batch = pa.RecordBatch.from_pydict(said)
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        [columns] = decode(sink.getvalue().to_pybytes())

        assert rows(columns_of(columns)) == rows(
            [Reading(id="r", time=1.5, subject="s", metric="m")]
        )


@pytest.mark.parametrize("way", ["events", "columns"])
def test_clickhouse_has_what_came_as_columns(
    clickhouse: clickhouse.ClickHouse, unique: str, recorder: Recorder, way: str
) -> None:
    connection = ClickHouseConnection(
        url=f"{clickhouse.url}/{unique}", password=clickhouse.password
    )
    some: list[Any] = [
        Reading(
            id=f"r{n}", time=1e9 + n, subject=f"room_{n % 9}", metric="temperature",
            value=n / 4 if n % 5 else None, unit="°C" if n % 3 else None,
            text=None if n % 5 else "off", topic="a/b" if n % 2 else None,
            labels={"area": "hall"} if n % 4 == 0 else {},
            quality="bad" if n % 7 == 0 else "good",
        )
        for n in range(3000)
    ]  # fmt: skip
    half = len(some) // 2
    parts = (some[:half], some[half:])
    given = (
        some
        if way == "events"
        else joined([p for one in parts for p in decode_columns(encode(one))])
    )
    sink = ClickHouse.model_validate({"table": "kept"})

    Inserter(recorder.context("history", connection), sink.declared()).insert(given)  # type: ignore[arg-type]

    found = clickhouse.query(
        "SELECT count(), sum(value), countIf(value IS NULL), countIf(text = 'off'),"
        " countIf(unit = ''), countIf(topic = 'a/b'), countIf(labels['area'] = 'hall'),"
        " countIf(quality = 'bad'), uniqExact(subject), max(time) FROM kept FINAL FORMAT CSV",
        unique,
    )
    assert found.split(",")[:9] == [
        "3000",
        "900000",
        "600",
        "600",
        "1000",
        "1500",
        "750",
        "429",
        "9",
    ]
