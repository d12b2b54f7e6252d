"""What the connectors' tests share."""

from collections.abc import Iterator

import paho.mqtt.client as paho
import pytest

from infra.embedded.mosquitto import Mosquitto
from tests.connectors.mqtt.store import Store, plain_client
from tests.connectors.recorder import Recorder


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def client(mosquitto: Mosquitto) -> Iterator[paho.Client]:
    """A plain client of the shared broker."""
    made = plain_client(mosquitto)
    yield made
    made.disconnect()
    made.loop_stop()
