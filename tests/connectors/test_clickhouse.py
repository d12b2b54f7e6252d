import pytest

from connectors.clickhouse import ClickHouse, ClickHouseConnection
from connectors.clickhouse_insert import Inserter
from connectors.queueing import Retry
from infra.embedded import clickhouse
from operators.events import Occurrence
from tests.connectors.recorder import Recorder, reading


def test_events_of_another_kind_are_refused_once_however_often_the_insert_is_tried(
    clickhouse: clickhouse.ClickHouse, unique: str
) -> None:
    recorder = Recorder()
    url = f"{clickhouse.url}/{unique}"
    there = ClickHouseConnection(url=url, password=clickhouse.password)
    nowhere = ClickHouseConnection(url="http://127.0.0.1:1/x")
    press = Occurrence(id="o1", time=1.0, subject="door", type="press")
    context = recorder.context("history", nowhere)
    inserter = Inserter(ClickHouse(table="readings"), context)
    for _ in range(3):
        with pytest.raises(Retry):
            inserter.insert([reading(1), press])
    assert recorder.letters == []

    inserter = Inserter(ClickHouse(table="readings"), recorder.context("history", there))
    inserter.insert([reading(1), press])

    assert [letter.reason for letter in recorder.letters] == ["other_kind"]
    assert recorder.counts == {"other_kind": 1}
