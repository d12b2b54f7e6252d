"""Home Assistant's discovery: the messages by themselves, and the sink against a real Mosquitto."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import msgspec
import paho.mqtt.client as paho
import pytest
from pydantic import ValidationError

from connectors.base import ConnectorError, Writer
from connectors.mqtt.components import MqttSink
from connectors.mqtt.connection import MqttConnection
from connectors.mqtt.device_classes import BINARY, SENSORS, UNITS
from connectors.mqtt.homeassistant import Discovery
from infra.embedded.mosquitto import Mosquitto
from operators.decoding.payloads.metrics import METRICS
from operators.events import AlarmTransition, Event, Occurrence, Reading, Summary
from tests.connectors.mqtt.store import plain_client, publish
from tests.connectors.recorder import Recorder
from tests.waiting import PATIENCE, wait_until

T = 1_795_000_000.25
SENSOR_KEYS = {
    "name", "unique_id", "state_topic", "availability_topic", "device", "origin", "device_class",
    "unit_of_measurement",
    "state_class", "value_template",
}  # fmt: skip
BINARY_KEYS = (SENSOR_KEYS - {"unit_of_measurement", "state_class"}) | {
    "json_attributes_topic",
    "json_attributes_template",
}
DEVICE_KEYS = {"identifiers", "name", "manufacturer", "model", "suggested_area"}


def read(metric: str, value: float | None = None, unit: str | None = None, **more: Any) -> Reading:
    settings = {"id": f"r {metric} {value}", "time": T, "subject": "rack 1", **more}
    return Reading(metric=metric, value=value, unit=unit, **settings)


def alarm(
    state: str = "unacked", flags: tuple[str, ...] = ("active", "unacked"), **more: Any
) -> AlarmTransition:
    settings = {
        "id": f"a {state}",
        "time": T,
        "subject": "rack 1",
        "priority": "high",
        "message": "Hot.",
        **more,
    }
    return AlarmTransition(
        recorded=T, rule="f/too_hot", alarm="too_hot", occ=1, seq=1, event="activated",
        change="raised", state=state,
        isa="B", flags=list(flags), value=31.0, unit="°C", metric="temperature", **settings,
    )  # fmt: skip


class HomeAssistant:
    """Retained configurations and states as Home Assistant would take them."""

    def __init__(self, client: paho.Client, *topics: str) -> None:
        self.configs: dict[str, dict[str, Any]] = {}
        self.configured: list[str] = []
        self.states: dict[str, bytes] = {}
        self.history: list[bytes] = []
        client.on_message = self._take
        for topic in topics:
            client.subscribe(topic, qos=1)

    def _take(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        if message.topic.endswith("/config"):
            config = msgspec.json.decode(message.payload)
            self.configs[config["unique_id"]] = config
            self.configured.append(message.topic)
        else:
            self.states[message.topic] = message.payload
            self.history.append(message.payload)

    def names(self) -> set[str]:
        return {config["name"] for config in self.configs.values()}

    def named(self, name: str) -> dict[str, Any]:
        return next(config for config in self.configs.values() if config["name"] == name)

    def state(self, name: str) -> str:
        config = self.named(name)
        return rendered(config["value_template"], self.states[config["state_topic"]])


def rendered(template: str, payload: bytes) -> str:
    return (
        jinja2.Environment().from_string(template).render(value_json=msgspec.json.decode(payload))
    )


def announced(*events: Event) -> list[tuple[str, dict[str, Any]]]:
    discovery = Discovery("homeassistant", "vigie/plant/ha", "vigie/plant/ha/status")
    made = [news for event in events for news in discovery.of(event, f"t/{event.id}")]
    return [(news.topic, msgspec.json.decode(news.payload)) for news in made]


def test_a_number_is_a_sensor_with_the_class_and_unit_of_its_metric() -> None:
    [(topic, config)] = announced(read("temperature", 21.5, "°C", labels={"area": "hall"}))
    unique = config.pop("unique_id")
    device = config.pop("device")
    assert config == {
        "name": "Temperature",
        "state_topic": "t/r temperature 21.5",
        "availability_topic": "vigie/plant/ha/status",
        "origin": {"name": "Vigie"},
        "device_class": "temperature",
        "unit_of_measurement": "°C",
        "state_class": "measurement",
        "value_template": "{{ value_json.value | default(none) }}",
    }
    assert unique.startswith("vigie_plant_ha_rack_1_temperature_")
    assert topic == f"homeassistant/sensor/{unique}/config"
    assert device["name"] == "rack 1"
    assert device["suggested_area"] == "hall"
    assert set(device) == DEVICE_KEYS


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (read("energy", 5, "kWh"), ("energy", "kWh", "total_increasing")),
        (read("energy_yesterday", 5, "kWh"), ("energy", "kWh", "total")),
        (read("power", 5, "kW"), ("power", "kW", "measurement")),
        (read("uptime", 5, "s"), ("duration", "s", "measurement")),
        (read("linkquality", 5, "lqi"), (None, "lqi", "measurement")),
        (read("water", 5, "buckets"), (None, "buckets", "measurement")),
        (read("power_factor", 0.9), ("power_factor", None, "measurement")),
        (
            read("temperature", None, "°C", quality="bad", text="broken"),
            ("temperature", "°C", "measurement"),
        ),
    ],
)
def test_a_class_is_given_only_with_a_unit_it_takes(
    event: Reading, expected: tuple[str | None, ...]
) -> None:
    [(topic, config)] = announced(event)
    assert topic.startswith("homeassistant/sensor/")
    assert (
        tuple(config.get(key) for key in ("device_class", "unit_of_measurement", "state_class"))
        == expected
    )


@pytest.mark.parametrize(
    ("metric", "value", "device_class", "shown"),
    [
        ("motion", 1, "motion", "ON"),
        ("contact", 1, "opening", "OFF"),
        ("contact", 0, "opening", "ON"),
        ("lock", 1, "lock", "ON"),
        ("availability", 0, "connectivity", "OFF"),
        ("battery_low", 1, "battery", "ON"),
        ("temperature_above", 1, None, "ON"),
        ("motion", None, "motion", "None"),
    ],
)
def test_a_two_state_metric_is_a_binary_sensor_in_home_assistants_sense(
    metric: str, value: float | None, device_class: str | None, shown: str
) -> None:
    event = read(metric, value)
    [(topic, config)] = announced(event)
    assert topic.startswith("homeassistant/binary_sensor/")
    assert config.get("device_class") == device_class
    assert rendered(config["value_template"], msgspec.json.encode(event)) == shown


def test_texts_summaries_and_alarms_show_what_they_say() -> None:
    mode = read("hvac_mode", text="heat" * 100)
    [(_, config)] = announced(mode)
    assert rendered(config["value_template"], msgspec.json.encode(mode)) == ("heat" * 100)[:255]
    assert "state_class" not in config

    hourly = Summary(
        id="s",
        time=T,
        start=T,
        subject="r",
        metric="power",
        values={"mean": 2.5, "max": 3.0},
        unit="W",
    )
    configs = [config for _, config in announced(hourly)]
    assert [config["name"] for config in configs] == ["Power mean", "Power max"]
    assert [
        rendered(config["value_template"], msgspec.json.encode(hourly)) for config in configs
    ] == ["2.5", "3.0"]

    [(topic, config)] = announced(alarm())
    assert topic.startswith("homeassistant/binary_sensor/")
    assert config["device_class"] == "problem"
    assert config["json_attributes_topic"] == config["state_topic"]
    for event, shown in (
        (alarm(), "ON"),
        (alarm("returned", ("unacked",)), "OFF"),
        (alarm("normal", ()), "OFF"),
    ):
        payload = msgspec.json.encode(event)
        assert rendered(config["value_template"], payload) == shown
        attributes = msgspec.json.decode(rendered(config["json_attributes_template"], payload))
        assert attributes["alarm_state"] == event.state
        assert attributes["priority"] == "high"
        assert attributes["message"] == "Hot."


def test_every_metric_has_only_keys_and_units_that_home_assistant_documents() -> None:
    for metric in METRICS.values():
        value = None if metric.kind == "text" else 1.0
        for topic, config in announced(
            read(metric.name, value, metric.unit, text=None if value else "x")
        ):
            keys = BINARY_KEYS if "/binary_sensor/" in topic else SENSOR_KEYS
            assert set(config) <= keys
            assert set(config["device"]) <= DEVICE_KEYS
    assert set(SENSORS) <= set(METRICS)
    assert set(SENSORS.values()) == set(UNITS)
    assert {name for name, metric in METRICS.items() if metric.kind == "binary"} <= set(BINARY)


def test_signals_are_announced_once_and_what_is_no_signal_never() -> None:
    discovery = Discovery("homeassistant", "o", "s")
    assert len(discovery.of(read("power", 1, "W"), "a")) == 1
    assert discovery.of(read("power", 2, "W"), "a") == []
    assert discovery.of(Occurrence(id="o", time=T, subject="mat", type="pressed"), "b") == []
    assert discovery.of(read("foo", quality="bad"), "c") == []
    assert len(discovery.all()) == 1
    discovery.forget()
    assert len(discovery.of(read("power", 3, "W"), "a")) == 1


def test_names_that_look_alike_are_different_entities() -> None:
    configs = announced(read("power", 1, subject="a b"), read("power", 1.5, subject="a_b"))
    assert len({config["unique_id"] for _, config in configs}) == 2
    assert len({config["device"]["identifiers"][0] for _, config in configs}) == 2


# Against Mosquitto


@pytest.fixture
def sink(recorder: Recorder, mosquitto: Mosquitto, unique: str) -> Callable[..., Writer]:
    def open(name: str = "ha", **settings: Any) -> Writer:
        made = MqttSink.model_validate(
            {"discovery": "homeassistant", "discovery_prefix": f"{unique}ha", **settings}
        )
        connection = MqttConnection(url=mosquitto.url, client_id=unique)
        return made.open(recorder.context(name, connection))

    return open


def write(sink: Writer, *events: Event) -> None:
    sink.write(list(events))
    sink.flush()


def test_signals_and_alarms_appear_with_their_states_and_survive_restarts(
    sink: Callable[..., Writer], mosquitto: Mosquitto, client: paho.Client, unique: str
) -> None:
    out = sink()
    write(out, read("temperature", 21.5, "°C"), read("motion", 1), alarm())
    out.close()
    out = sink()
    write(out, read("temperature", 22.5, "°C"))
    there = HomeAssistant(client, f"{unique}ha/#", f"{unique}/#")
    wait_until(
        lambda: there.names() == {"Temperature", "Motion", "Alarm Too hot"},
        what="the retained entities",
    )
    wait_until(lambda: len(there.states) == 4, what="the retained states")
    assert there.state("Temperature") == "22.5"
    assert there.state("Motion") == "ON"
    assert there.state("Alarm Too hot") == "ON"
    assert there.named("Motion")["state_topic"] == f"{unique}/test/rack 1/motion"
    assert there.states[f"{unique}/test/ha/status"] == b"online"
    write(out, alarm("normal", ()))
    wait_until(lambda: there.state("Alarm Too hot") == "OFF", what="the alarm to be off")
    out.close()
    wait_until(
        lambda: there.states[f"{unique}/test/ha/status"] == b"offline",
        what="the sink to say that it left",
    )


def test_everything_is_announced_again_when_home_assistant_starts(
    sink: Callable[..., Writer], client: paho.Client, unique: str
) -> None:
    out = sink()
    write(out, read("temperature", 21.5, "°C"), read("motion", 1))
    there = HomeAssistant(client, f"{unique}ha/+/+/config")
    wait_until(lambda: len(there.configured) == 2, what="the retained entities")
    publish(client, f"{unique}ha/status", "offline")
    publish(client, f"{unique}ha/status", "online")
    wait_until(lambda: len(there.configured) == 4, what="the second announcement")
    out.close()


def test_a_broker_that_lost_everything_gets_the_entities_again(
    recorder: Recorder, own: Callable[[Mosquitto], Mosquitto], tmp: Path
) -> None:
    broker = own(Mosquitto(tmp / "mosquitto"))
    out = MqttSink(discovery="homeassistant").open(
        recorder.context("ha", MqttConnection(url=broker.url))
    )
    write(out, read("temperature", 21.5, "°C"))
    broker.kill()
    for kept in (tmp / "mosquitto").rglob("*.db"):
        kept.unlink()
    out.write([read("temperature", 22.5, "°C")])
    flush = threading.Thread(target=out.flush)
    flush.start()
    wait_until(lambda: "ha" in recorder.health.down, what="the sink to be degraded")
    broker.start().wait_ready()
    flush.join(PATIENCE)
    assert not flush.is_alive()
    client = plain_client(broker)
    there = HomeAssistant(client, "homeassistant/#", "vigie/#")
    wait_until(
        lambda: there.names() == {"Temperature"} and len(there.states) == 2, what="the entity"
    )
    assert there.state("Temperature") == "22.5"
    assert there.states["vigie/test/ha/status"] == b"online"
    client.disconnect()
    client.loop_stop()
    out.close()


def test_a_sink_that_dies_is_unavailable(
    sink: Callable[..., Writer], client: paho.Client, unique: str
) -> None:
    out: Any = sink()
    write(out, read("temperature", 21.5, "°C"))
    there = HomeAssistant(client, f"{unique}/test/ha/status")
    wait_until(lambda: there.history == [b"online"], what="the sink to be there")
    # what the broker sees of a process that is killed
    out._broker._client.socket().shutdown(socket.SHUT_RDWR)
    wait_until(
        lambda: there.history == [b"online", b"offline", b"online"],
        what="the will, and the sink to be back",
    )
    out.close()


def test_two_signals_on_one_topic_are_refused_and_the_first_one_stays(
    sink: Callable[..., Writer], recorder: Recorder, client: paho.Client, unique: str
) -> None:
    out = sink(topic=unique + "x/{subject}", retain=False)
    write(out, read("temperature", 21.5, "°C"), read("humidity", 50, "%"))
    assert [(letter.reason, letter.id) for letter in recorder.letters] == [
        ("bad_topic", "r humidity 50/ha")
    ]
    assert "put {subject} and {metric} or {alarm} into 'topic'" in recorder.letters[0].detail
    out.close()


def test_a_subject_with_an_endpoint_has_a_topic(
    sink: Callable[..., Writer], recorder: Recorder, client: paho.Client, unique: str
) -> None:
    out = sink()
    write(
        out,
        read("power", 1, "W", subject="plug#2"),
        Occurrence(id="o", time=T, subject="mat", type="pressed"),
    )
    there = HomeAssistant(client, f"{unique}/test/+/+")
    expected = {f"{unique}/test/plug_2/power", f"{unique}/test/mat/pressed"}
    wait_until(lambda: expected <= set(there.states), what="both")
    assert not recorder.letters
    out.close()


def test_settings_that_cannot_work_are_refused(recorder: Recorder) -> None:
    with pytest.raises(ValidationError, match="needs a 'topic'"):
        MqttSink.model_validate({"retain": True})
    context = recorder.context("ha", MqttConnection(url="mqtt://localhost"), shape=lambda event: {})
    with pytest.raises(ConnectorError, match="leave 'shape' out"):
        MqttSink(discovery="homeassistant").open(context)
