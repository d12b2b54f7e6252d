from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.broker import Broker
from tests.flows.site.up import Up


@pytest.fixture
def up(broker: Broker, tmp: Path, unique: str) -> Iterator[Up]:
    """`vigie up` of a folder of its own, not started yet."""
    made = Up(tmp, broker.address, unique)
    yield made
    made.end()
