"""History from ClickHouse is what was written there, whichever columns have something to say."""

from typing import Any

import pytest

from connectors.clickhouse.components import ClickHouse
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.writer import Inserter
from flows.replay.history_clickhouse import TableHistory
from infra.embedded import clickhouse
from operators.columnar.lazy import LazyEvents
from operators.events import Event, Reading
from tests.connectors.recorder import Recorder

PLAIN: dict[str, Any] = {"metric": "temperature", "unit": "°C", "value": 21.5}
KINDS: dict[str, list[dict[str, Any]]] = {
    "all alike": [PLAIN],
    "of several kinds": [PLAIN, {"metric": "door", "value": 1.0}, {**PLAIN, "unit": "°F"}],
    "some no good": [PLAIN, {**PLAIN, "quality": "stale"}, {**PLAIN, "value": None, "quality": "bad"}],
    "of a topic, with words": [{**PLAIN, "topic": "a/b"}, {"metric": "lock", "text": "open", "raw": "OPEN"}],
    "some with labels": [PLAIN, {**PLAIN, "labels": {"area": "hall"}}, {**PLAIN, "labels": {"b": "c"}}],
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_written_is_read(
    clickhouse: clickhouse.ClickHouse, unique: str, kind: str
) -> None:
    connection = ClickHouseConnection(
        url=f"{clickhouse.url}/{unique}", password=clickhouse.password
    )
    written: list[Event] = [
        Reading(id=f"r{n}", time=1e9 + n // 2, subject=f"room_{n % 5}", **fields)
        for n in range(60)
        for fields in [KINDS[kind][n % len(KINDS[kind])]]
    ]
    sink = ClickHouse.model_validate({"table": "kept"})
    Inserter(Recorder().context("history", connection), sink.declared()).insert(written)

    pieces = list(TableHistory(connection, "kept", 0.0, 2e9).pieces())

    found = [event for piece in pieces for event in piece.events]
    assert sorted(found, key=lambda event: event.id) == sorted(written, key=lambda event: event.id)
    assert [event.time for event in found] == [time for piece in pieces for time in piece.times]
    is_lazy = [isinstance(piece.events, LazyEvents) for piece in pieces]
    assert all(is_lazy) or kind == "some with labels"
