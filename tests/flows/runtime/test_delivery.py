"""Emptying an outbox into a real store, whatever happens to the sink."""

from collections.abc import Sequence
from pathlib import Path

from connectors.base import Batch
from connectors.clickhouse.client import open_client
from connectors.clickhouse.components import ClickHouse
from connectors.clickhouse.connection import ClickHouseConnection
from flows.runtime.outbox.delivery import Delivery
from flows.runtime.outbox.positions import Positions
from infra.embedded import clickhouse
from operators.events import Event
from tests.connectors.recorder import Recorder, reading
from tests.waiting import wait_until


class Outbox:
    """A partition of an outbox in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._next = 0

    def read(self) -> Batch | None:
        found: Sequence[Event] = self.events[self._next :]
        self._next += len(found)
        return Batch(found, 0.0, True) if found else None

    def position(self) -> object:
        return self._next

    def read_until(self) -> float:
        return 1e12

    def lag(self) -> int | None:
        return len(self.events) - self._next

    def close(self) -> None:
        pass


def test_a_table_that_somebody_changes_stops_its_sink_alone_until_it_is_mended(
    clickhouse: clickhouse.ClickHouse, tmp_path: Path, unique: str
) -> None:
    recorder = Recorder()
    connection = ClickHouseConnection(
        url=f"{clickhouse.url}/{unique}", password=clickhouse.password
    )
    outbox = Outbox()
    sink = ClickHouse(table="kept")
    delivery = Delivery(
        "history",
        {"0": outbox},
        lambda: sink.open(recorder.context("history", connection)),
        Positions(tmp_path / "history"),
        recorder.health,
        longest_pause=0.01,
    )
    outbox.events += [reading(1)]
    delivery.start()
    wait_until(lambda: Positions(tmp_path / "history").load("0") == 1, what="the first row")
    client = open_client(connection)
    client.command("ALTER TABLE kept DROP COLUMN raw")
    outbox.events += [reading(2)]
    wait_until(lambda: "it lacks raw" in recorder.health.down.get("history", ""), what="the report")
    outbox.events += [reading(3)]
    client.command("ALTER TABLE kept ADD COLUMN raw Nullable(String)")
    wait_until(lambda: Positions(tmp_path / "history").load("0") == 3, what="the other rows")
    assert not recorder.health.down and not recorder.letters and delivery.error is None
    delivery.end()
    delivery.join(10)
    rows = client.query("SELECT id FROM kept FINAL ORDER BY id").result_rows
    assert [row[0] for row in rows] == ["r1", "r2", "r3"]
