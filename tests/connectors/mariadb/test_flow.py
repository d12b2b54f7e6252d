"""A whole flow from a recorder's database to a topic, killed and started again."""

import json
from pathlib import Path

import pytest

from connectors.base import ConnectorContext
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from infra.embedded.broker import Broker
from infra.embedded.mariadb import MariaDB
from operators.events import Reading
from tests.flow_process import FlowProcess
from tests.recorder import RecorderDatabase
from tests.waiting import wait_until

ATTRIBUTES = '{"device_class": "temperature", "unit_of_measurement": "°C"}'


@pytest.mark.slow
def test_a_killed_flow_loses_no_state_and_repeats_some_with_the_same_ids(
    mariadb: MariaDB, broker: Broker, unique: str, tmp: Path
) -> None:
    db = RecorderDatabase(mariadb, unique)
    rack = db.entity("sensor.rack", ATTRIBUTES)
    ids = db.state(rack, "20.0")
    topic = f"{unique}.readings"
    definition = tmp / f"{unique}.yaml"
    definition.write_text(
        f"vigie: 1\nflow: {unique}\nsources: {{recorder: {{mariadb_binlog: {{tables: [states,"
        " states_meta, state_attributes]}}}\nstreams: {readings: {from: recorder, steps:"
        " [decode: home_assistant_recorder]}}\nsinks: {out: {from: readings, topic:"
        f" {topic}}}}}\n"
    )
    connections = {
        "mariadb": {"url": db.url},
        "redpanda": {"brokers": [broker.address], "idempotence": False},
    }
    site = tmp / "site.yaml"
    site.write_text(json.dumps({"vigie": 1, "site": "test", "connections": connections}))
    connection = TopicConnection(brokers=[broker.address], idempotence=False)
    context = ConnectorContext(flow="test", name="look", connection=connection)
    source = Topic(name=topic)
    readers = [source.open(context, part, None) for part in source.partitions(context)]
    seen: dict[str, Reading] = {}

    def arrived() -> dict[str, Reading]:
        for reader in readers:
            while batch := reader.read():
                seen.update(
                    {event.id: event for event in batch.events if isinstance(event, Reading)}
                )
        return seen

    try:
        with FlowProcess(definition, site, tmp / "data") as flow:
            wait_until(arrived, what="the first reading")
            assert flow.stop() == 0  # from now on there is a saved position
        for start in range(3):
            with FlowProcess(definition, site, tmp / "data") as flow:
                for n in range(20):
                    ids += db.state(rack, f"{start}.{n}", f"{start}.5")
                expected = len(ids) - 5
                wait_until(lambda: len(arrived()) >= expected, what="readings")  # noqa: B023
                flow.kill()
                ids += db.state(rack, "30.0")
        with FlowProcess(definition, site, tmp / "data"):
            wait_until(lambda: len(arrived()) >= len(ids), what="all readings")
    finally:
        for reader in readers:
            reader.close()
    assert sorted(int(name.split("/")[1].split(".")[0]) for name in seen) == ids
    assert {(reading.subject, reading.metric, reading.unit) for reading in seen.values()} == {
        ("sensor.rack", "temperature", "°C")
    }
