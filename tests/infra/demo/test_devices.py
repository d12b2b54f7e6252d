"""The simulated devices against the real broker and the real database."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pymysql
import pytest

from infra.demo.devices import Devices
from infra.demo.home_assistant import ENTITIES, MOTION, TEMPERATURE, HomeAssistant
from infra.demo.ledger import Ledger
from infra.demo.zigbee import BASE, DEVICES, OVERLOAD_BEGIN, OVERLOAD_END, Zigbee
from infra.embedded.mariadb import MariaDB
from infra.embedded.mosquitto import Mosquitto
from infra.embedded.service import ServiceError
from tests.waiting import PATIENCE, wait_until


@pytest.fixture
def published(mosquitto: Mosquitto, unique: str) -> Iterator[list[tuple[str, Any]]]:
    """What is published below `zigbee2mqtt/` on the shared broker from now on."""
    messages: list[tuple[str, Any]] = []
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, unique)
    client.on_message = lambda c, data, m: messages.append((m.topic, json.loads(m.payload)))
    client.on_connect = lambda c, *rest: c.subscribe(f"{BASE}/#", 1)
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    mosquitto.wait_subscribed(f"{BASE}/#")
    yield messages
    client.disconnect()
    client.loop_stop()


def play(mosquitto: Mosquitto, seconds: range, ledger: Ledger | None = None) -> Ledger:
    ledger = ledger or Ledger()
    zigbee = Zigbee(mosquitto.port, "devices", "", ledger)
    zigbee.connect()
    for second in seconds:
        zigbee.tick(second)
    zigbee.close()
    return ledger


def test_zigbee_devices_publish_every_reading_that_is_in_the_ledger(
    mosquitto: Mosquitto, published: list[tuple[str, Any]]
) -> None:
    ledger = play(mosquitto, range(60))
    numbers: dict[tuple[str, str], int] = {}

    def count() -> int:
        numbers.clear()
        for topic, payload in list(published):
            device, _, kind = topic.removeprefix(f"{BASE}/").partition("/")
            names = ["availability"] if kind else [name for name in payload if name != "last_seen"]
            for name in names:
                numbers[device, name] = numbers.get((device, name), 0) + 1
        return sum(numbers.values())

    wait_until(lambda: count() >= ledger.count(), what="all messages")
    assert numbers == {signal: total.readings for signal, total in ledger.totals().items()}
    assert {device for device, _ in numbers} == set(DEVICES)


def test_the_overload_lasts_longer_than_its_alarm_waits(
    mosquitto: Mosquitto, published: list[tuple[str, Any]]
) -> None:
    play(mosquitto, range(75))
    wait_until(
        lambda: sum(t == f"{BASE}/mains" for t, _ in published) >= 75,
        what="all of the meter's messages",
    )
    power = [p["power"] for t, p in published if t == f"{BASE}/mains"]
    assert OVERLOAD_END - OVERLOAD_BEGIN > 35
    assert all(
        (value > 6000) == (OVERLOAD_BEGIN <= second < OVERLOAD_END)
        for second, value in enumerate(power)
    )
    assert all(value < 5500 or value > 6000 for value in power)


def test_two_runs_send_the_same_values(mosquitto: Mosquitto) -> None:
    assert play(mosquitto, range(30)).totals() == play(mosquitto, range(30)).totals()


def test_a_subscription_that_never_comes_is_an_error(mosquitto: Mosquitto) -> None:
    with pytest.raises(ServiceError, match="nobody subscribed to never/asked"):
        mosquitto.wait_subscribed("never/asked", 0.1)


def test_home_assistant_writes_what_its_recorder_would(
    tmp: Path, own: Callable[[Any], Any]
) -> None:
    mariadb = own(MariaDB(tmp / "mariadb"))
    ledger = Ledger()
    home_assistant = HomeAssistant(mariadb.client_options(), ledger)
    for second in range(60):
        home_assistant.tick(second)
    home_assistant.close()
    with pymysql.connect(**mariadb.client_options()) as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT m.entity_id, s.state, a.shared_attrs FROM states s JOIN states_meta m ON"
            " m.metadata_id = s.metadata_id JOIN state_attributes a ON a.attributes_id ="
            " s.attributes_id ORDER BY s.state_id"
        )
        rows = cursor.fetchall()
    counted = {
        (name, e.metric): sum(row[0] == name for row in rows)
        for name, e in ((e.id, e) for e in ENTITIES)
        if e.metric
    }
    assert counted == {signal: total.readings for signal, total in ledger.totals().items()}
    assert [state for name, state, _ in rows if name == MOTION.id] == ["on", "off"]
    attributes = {name: json.loads(attrs) for name, _, attrs in rows}
    assert attributes[TEMPERATURE.id]["unit_of_measurement"] == "°C"
    assert {e.id for e in ENTITIES} == set(attributes)
    states = [state for name, state, _ in rows if name == TEMPERATURE.id]
    assert all(one != other for one, other in itertools.pairwise(states))


def test_what_stops_the_devices_is_not_lost() -> None:
    def fail(at: float) -> None:
        raise ConnectionError("the broker is gone")

    devices = Devices("the devices", fail)
    devices.start()
    devices.join(PATIENCE)
    with pytest.raises(RuntimeError, match=r"the devices stopped: .*the broker is gone"):
        devices.check()


def test_devices_are_ticked_until_they_are_stopped() -> None:
    times: list[float] = []
    devices = Devices("the devices", times.append, every=0.01)
    devices.start()
    wait_until(lambda: len(times) >= 5, what="five ticks")
    devices.stop()
    assert times == pytest.approx([n * 0.01 for n in range(len(times))])
    devices.check()
