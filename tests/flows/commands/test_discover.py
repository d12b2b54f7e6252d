"""What speaks at a site is heard from real servers, and becomes a flow that is valid."""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner, Result

from flows.cli import main
from infra.embedded.mariadb import MariaDB
from infra.embedded.mosquitto import Mosquitto
from tests.flows.running import site_of
from tests.recorder import RecorderDatabase
from tests.waiting import wait_until

pytestmark = pytest.mark.service

CONFIG = {
    "~": "garage",
    "stat_t": "~/state",
    "name": "Temperature",
    "dev": {"name": "Garage sensor", "mf": "Acme", "mdl": "T1"},
}


def vigie(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def until(words: Iterable[str], *arguments: object) -> Result:
    """What a command says that listens for two seconds, once it has heard all of these; it is given
    again where a busy machine heard less.
    """

    def heard() -> Result | None:
        said = vigie(*arguments, "--for", "2s")
        return said if all(word in said.output for word in words) else None

    found = wait_until(heard, what=f"all of {words}")
    assert found is not None
    return found


@contextmanager
def speaking(broker: Mosquitto, messages: dict[str, str], retain: bool = False) -> Iterator[None]:
    """Devices that publish these messages again and again."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    ended = threading.Event()

    def speak() -> None:
        while not ended.wait(0.1):
            for topic, payload in messages.items():
                client.publish(topic, payload, qos=1, retain=retain)

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for topic in messages if retain else ():
            client.publish(topic, b"", qos=1, retain=True).wait_for_publish(5)
        client.disconnect()
        client.loop_stop()


def test_devices_are_listed_with_dialect_metrics_and_units_and_become_a_flow(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    messages = {
        "zigbee2mqtt/rack": '{"temperature": 31.5, "humidity": 40, "battery": 88}',
        "zigbee2mqtt/cellar": '{"water_leak": false}',
        "tele/plug/SENSOR": '{"Time": "2026-01-01T00:00:00", "ENERGY": {"Power": 12}}',
        "homeassistant/sensor/garage/config": json.dumps(CONFIG),
        "noise/log": "hello world",
    }
    flow = tmp_path / "house.yaml"
    with speaking(mosquitto, messages):
        all_ = ("cellar", "plug", "rack", "Garage", "noise/log")
        heard = until(all_, "discover", "--mqtt", mosquitto.url, "-o", flow, "--force")
    assert heard.exit_code == 0, heard.output
    listed = " ".join(heard.output.split())  # as wide as the longest name that speaks here
    assert "rack zigbee2mqtt temperature 31.5 °C, humidity 40 %, battery 88 %" in listed
    assert "Garage sensor (Acme T1)" in heard.output
    assert "noise/log" in heard.output
    checked = vigie("validate", flow)
    assert checked.exit_code == 0, checked.output
    text = flow.read_text()
    assert "topics: [zigbee2mqtt/+, zigbee2mqtt/+/availability]" in text
    assert "above: 34 °C" in text
    assert "water_leak: {from" in text


def test_what_was_heard_is_one_json_object_for_programs(mosquitto: Mosquitto) -> None:
    with speaking(mosquitto, {"zigbee2mqtt/door": '{"contact": true}'}):
        only = ("--topic", "zigbee2mqtt/#", "--json")
        heard = until(['"door"'], "discover", "--mqtt", mosquitto.url, *only)
    found = json.loads(heard.stdout)
    assert found["devices"]["door"]["metrics"] == {"contact": {"unit": None, "value": "closed"}}
    assert found["devices"]["door"]["topic"] == "zigbee2mqtt/door"


def test_the_recorders_tables_are_read_as_they_stand(
    mariadb: MariaDB, unique: str, tmp_path: Path
) -> None:
    recorder = RecorderDatabase(mariadb, unique)
    attributes = '{"unit_of_measurement": "°C", "device_class": "temperature"}'
    recorder.state(recorder.entity("sensor.rack", attributes), "22.5")
    site = site_of(tmp_path, mariadb={"url": recorder.url})
    flow = tmp_path / "home.yaml"
    heard = until(["22.5"], "discover", "--site", site, "-o", flow, "--force")
    assert heard.exit_code == 0, heard.output
    assert "temperature 22.5 °C" in heard.output
    assert "mariadb_binlog" in flow.read_text()
    assert vigie("validate", flow).exit_code == 0


def test_a_broker_that_is_not_there_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    flow = tmp_path / "house.yaml"
    heard = vigie("discover", "--mqtt", "mqtt://127.0.0.1:1", "--for", "2s", "-o", flow)
    assert heard.exit_code == 75
    assert "no MQTT broker answers at 127.0.0.1:1" in heard.output
    assert not flow.exists()


def test_a_flow_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    flow = tmp_path / "house.yaml"
    flow.write_text("mine")
    assert vigie("discover", "--mqtt", "mqtt://127.0.0.1:1", "-o", flow).exit_code == 1
    assert flow.read_text() == "mine"
