"""A flow that two processes take for theirs, on Apache Kafka."""

from pathlib import Path

import pytest

from infra.embedded.kafka.server import Kafka
from infra.embedded.objects import Objects
from tests.flows.conftest import Watch, topic
from tests.flows.site.two_owners import show_that_the_former_owner_is_refused
from tests.flows.site.up import Up

__all__ = ["topic"]  # a fixture of the tests of flows


def test_the_broker_refuses_what_a_former_owner_writes_that_does_not_know_of_the_other(
    kafka: Kafka,
    objects: Objects,
    topic: Watch,
    tmp: Path,
    unique: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    up = Up(tmp, kafka.address, unique)
    up.use_store(objects, monkeypatch)
    show_that_the_former_owner_is_refused(up, objects, topic, f"fence-{unique}")
