"""More and fewer processes of one flow, on Apache Kafka."""

from pathlib import Path

import pytest

from connectors.kafka.connection import TopicConnection
from infra.embedded.kafka.server import Kafka
from infra.embedded.objects import Objects
from tests.flows.conftest import Watch, topic
from tests.flows.site.members import show_that_processes_come_and_go
from tests.flows.site.up import Up

__all__ = ["topic"]  # a fixture of the tests of flows


def test_more_and_fewer_processes_run_a_flow_and_nothing_is_lost_or_doubled(
    kafka: Kafka,
    objects: Objects,
    topic: Watch,
    tmp: Path,
    unique: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    up = Up(tmp, kafka.address, unique)
    up.connection = TopicConnection(brokers=[kafka.address], prefix=f"{unique}.", partitions=8)
    up.use_store(objects, monkeypatch)
    print(show_that_processes_come_and_go(up, objects, topic, lease="15s"))
