"""What Zigbee2MQTT says of its devices on `bridge/devices` decides what their properties are."""

import json
from typing import Any

import pytest

from operators.component import Now
from operators.decoding.dialects.zigbee2mqtt_exposes import essentials
from operators.decoding.logic import DecodeLogic
from operators.events import Event, Reading
from operators.model.saved_state import decode as decode_state
from operators.model.saved_state import encode as encode_state
from tests.operators.decoding.test_step import T, logic, message

Expose = dict[str, Any]


def numeric(name: str, unit: str | None = None, access: int = 1, **more: Any) -> Expose:
    unit_of = {} if unit is None else {"unit": unit}
    return {"type": "numeric", "name": name, "property": name, "access": access, **unit_of, **more}


def binary(name: str, on: Any, off: Any, access: int = 1, **more: Any) -> Expose:
    return {
        "type": "binary", "name": name, "property": name, "access": access,
        "value_on": on, "value_off": off, **more,
    }  # fmt: skip


def enum(name: str, *words: str, access: int = 1) -> Expose:
    return {"type": "enum", "name": name, "property": name, "access": access, "values": words}


def listed(*exposes: Expose, name: str = "a") -> list[Any]:
    definition = {"model": "M", "vendor": "V", "exposes": exposes}
    return [
        {"friendly_name": "Coordinator", "type": "Coordinator", "definition": None},
        {"friendly_name": name, "type": "Router", "definition": definition},
    ]


def feed(decoder: DecodeLogic, topic: str, payload: Any) -> list[Event]:
    return decoder.on_batch([message(topic, payload)], Now(T, T))


def words(events: list[Event]) -> list[str]:
    return [
        " ".join(
            str(part)
            for part in (
                event.subject,
                event.metric,
                event.text if event.value is None else f"{event.value:.6g}",
                event.unit or "",
                "" if event.quality == "good" else event.quality,
            )
        ).strip()
        for event in events
        if isinstance(event, Reading)
    ]


def read(exposes: list[Expose], payload: dict[str, Any], codec: str = "auto") -> list[str]:
    decoder = logic(codec)
    assert feed(decoder, "zigbee2mqtt/bridge/devices", listed(*exposes)) == []
    assert not decoder.errors
    return words(feed(decoder, "zigbee2mqtt/a", payload))


@pytest.mark.parametrize(
    ("exposes", "payload", "expected"),
    [
        ([numeric("current", "mA")], {"current": 1200}, ["a current 1.2 A"]),
        ([numeric("voltage", "mV")], {"voltage": 900}, ["a voltage 0.9 V"]),
        ([numeric("gas", "%LEL")], {"gas": 12}, ["a#gas value 12 %LEL"]),
        ([binary("gas", True, False)], {"gas": True}, ["a gas_alarm 1"]),
        ([{"type": "fan", "features": [numeric("speed", access=7)]}], {"speed": 120},
         ["a#speed value 120"]),
        ([numeric("speed", "km/h")], {"speed": 36}, ["a speed 10 m/s"]),
        ([binary("sound", "ON", "OFF", 7)], {"sound": "ON"}, ["a#sound state 1"]),
        ([binary("sound", True, False)], {"sound": True}, ["a sound 1"]),
        ([binary("water", True, False, 3)], {"water": True}, ["a#water state 1"]),
        ([enum("position", "left", "right", access=3)], {"position": "right"},
         ["a#position state right"]),
        ([binary("tilt", True, False)], {"tilt": True}, ["a#tilt state 1"]),
        ([numeric("tilt", "°")], {"tilt": 12}, ["a tilt 12 °"]),
        ([numeric("tilt", "%", 7)], {"tilt": 40}, ["a#tilt value 40 %"]),
        ([numeric("voc", "ppb"), numeric("aqi")], {"voc": 120, "aqi": 3},
         ["a#voc value 120 ppb", "a#aqi value 3"]),
        ([binary("child_lock", "LOCK", "UNLOCK", 3)], {"child_lock": "LOCK"},
         ["a#child_lock state 1"]),
        ([{"type": "lock", "features": [binary("state", "LOCK", "UNLOCK", 7)]}],
         {"state": "LOCK"}, ["a lock 0"]),
        ([{"type": "lock", "features": [{**binary("state", "LOCK", "UNLOCK", 7),
           "property": "child_lock"}]}], {"child_lock": "UNLOCK"}, ["a#child_lock state 0"]),
        ([binary("contact", False, True)], {"contact": False}, ["a contact 0"]),
        ([binary("contact", "open", "shut")], {"contact": "shut"}, ["a contact 1"]),
        ([binary("contact", "open", "shut")], {"contact": "ajar"}, ["a contact ajar  bad"]),
        ([binary("presence", "occupied", "vacant")], {"presence": "occupied"}, ["a presence 1"]),
        ([{"type": "switch", "endpoint": "l10", "features": [
           {**binary("state", "ON", "OFF", 7), "property": "state_l10", "endpoint": "l10"}]}],
         {"state_l10": "OFF"}, ["a#l10 state 0"]),
        ([{**numeric("power", "W"), "property": "power_heater", "endpoint": "heater"}],
         {"power_heater": 5}, ["a#heater power 5 W"]),
        ([numeric("power_phase_b", "W"), numeric("voltage_phase_ab", "V")],
         {"power_phase_b": 5, "voltage_phase_ab": 398},
         ["a#phase_b power 5 W", "a#phase_ab voltage 398 V"]),
        ([numeric("power", "kW")], {"power": 1.5}, ["a power 1500 W"]),
        ([numeric("temperature", "°F")], {"temperature": 68}, ["a temperature 20 °C"]),
        ([numeric("power_factor", "%")], {"power_factor": 1}, ["a power_factor 0.01"]),
        ([numeric("illuminance"), numeric("illuminance_lux", "lx")],
         {"illuminance": 20000, "illuminance_lux": 99},
         ["a illuminance_raw 20000", "a illuminance 99 lx"]),
        ([numeric("occupied_heating_setpoint", "°C", 7),
          numeric("current_heating_setpoint", "°C", 7)],
         {"occupied_heating_setpoint": 20, "current_heating_setpoint": 21},
         ["a target_temperature 20 °C", "a#current_heating_setpoint value 21 °C"]),
        ([enum("system_mode", "off", "heat", access=7)], {"system_mode": "heat"},
         ["a hvac_mode heat"]),
        ([{"type": "cover", "features": [enum("state", "OPEN", "CLOSE", access=7),
           numeric("position", "%", 7)]}], {"state": "OPEN", "position": 80},
         ["a cover_state open", "a position 80 %"]),
        ([enum("device_status", "normal", "fault")], {"device_status": "fault"},
         ["a#device_status state fault"]),
        ([enum("power_on_behavior", "on", "off", access=7)], {"power_on_behavior": "on"}, []),
        ([numeric("co", "ppm"), binary("carbon_monoxide", True, False)],
         {"co": 40, "carbon_monoxide": True},
         ["a carbon_monoxide_level 40 ppm", "a carbon_monoxide 1"]),
        ([numeric("voc", "ppb"), numeric("power", "W")], {"voc": None, "power": None},
         ["a power None W bad"]),
        ([numeric("sensitivity", access=2)], {"sensitivity": 3}, []),
        ([numeric("battery", "%")], {"battery": "87", "linkquality": 90},
         ["a battery 87 %", "a linkquality 90 lqi"]),
        ([{"type": "composite", "property": "update", "features": [numeric("progress", "%")]}],
         {"update": {"progress": 3}}, []),
    ],
)  # fmt: skip
def test_a_property_is_what_the_bridge_says_it_is(
    exposes: list[Expose], payload: dict[str, Any], expected: list[str]
) -> None:
    assert read(exposes, payload) == expected
    assert read(exposes, payload, "zigbee2mqtt") == expected


def test_single_attributes_are_read_by_the_list_too() -> None:
    decoder = logic("auto")
    feed(decoder, "z2m/bridge/devices", listed(numeric("current", "mA"), name="hall/a"))
    assert words(feed(decoder, "z2m/hall/a/current", "250")) == ["hall/a current 0.25 A"]


def test_a_new_list_replaces_the_one_of_its_base_and_no_other() -> None:
    decoder = logic("auto")
    feed(decoder, "zigbee2mqtt/bridge/devices", listed(numeric("current", "mA")))
    feed(decoder, "zigbee2mqtt_2/bridge/devices", listed(numeric("current", "mA")))
    feed(decoder, "zigbee2mqtt/bridge/devices", listed(numeric("voc", "ppb"), name="b"))
    assert words(feed(decoder, "zigbee2mqtt/a", {"current": 1})) == ["a current 1 A"]
    assert words(feed(decoder, "zigbee2mqtt/b", {"voc": 1})) == ["b#voc value 1 ppb"]
    assert words(feed(decoder, "zigbee2mqtt_2/a", {"current": 1})) == ["a current 0.001 A"]


def test_a_list_of_a_thousand_devices_is_read_and_survives_a_restart() -> None:
    exposes = [numeric("current", "mA", description="x" * 300), binary("sound", "ON", "OFF", 7)]
    devices = [device for n in range(1000) for device in listed(*exposes, name=f"d{n}")[1:]]
    decoder, other = logic("auto"), logic("auto")
    feed(decoder, "zigbee2mqtt/bridge/devices", devices)
    assert not decoder.errors and len(json.dumps(devices)) > 400_000
    saved = decode_state(encode_state(decoder.snapshot()), decoder.STATE)
    other.restore(saved, DecodeLogic.VERSION)
    payload = {"current": 5, "sound": "OFF"}
    expected = ["d7 current 0.005 A", "d7#sound state 0"]
    assert words(feed(other, "zigbee2mqtt/d7", payload)) == expected
    assert words(feed(decoder, "zigbee2mqtt/d7", payload)) == expected


def test_a_list_that_no_record_can_hold_is_shortened_to_what_is_read() -> None:
    light = {"type": "light", "features": [binary("state", "ON", "OFF", 7)]}
    devices = listed(numeric("current", "mA", description="x" * 999), light, numeric("x", access=2))
    devices[1]["endpoints"] = {"1": {"bindings": ["y" * 999]}}
    whole = json.dumps(devices).encode()
    shorter = essentials("zigbee2mqtt/bridge/devices", whole)
    assert shorter is not None and len(shorter) < 400
    decoder, other = logic("auto"), logic("auto")
    feed(decoder, "zigbee2mqtt/bridge/devices", devices)
    feed(other, "zigbee2mqtt/bridge/devices", json.loads(shorter))
    assert decoder.snapshot() == other.snapshot()
    assert essentials("zigbee2mqtt/bridge/devices", b"[") is None
    assert essentials("zigbee2mqtt/a", whole) is None


@pytest.mark.parametrize(
    "devices",
    [
        [None, 3, {"friendly_name": 5}, {"friendly_name": "a", "definition": {"exposes": "x"}}],
        listed({"type": "numeric"}, {"type": "binary", "name": "x"}, {"features": [None, []]}),
        listed({"type": "numeric", "name": 3, "property": "y", "unit": 7, "access": "1"}),
    ],
)
def test_a_list_of_another_form_spoils_nothing(devices: list[Any]) -> None:
    decoder = logic("auto")
    feed(decoder, "zigbee2mqtt/bridge/devices", devices)
    assert not decoder.errors and not decoder.counts.get("decoder_failed")
    assert words(feed(decoder, "zigbee2mqtt/a", {"power": 3})) == ["a power 3 W"]


def test_no_phase_stands_for_the_device_where_the_first_has_no_name() -> None:
    decoder = logic("auto")
    voltages = [numeric(name, "V") for name in ("voltage", "voltage_phase_b", "voltage_phase_c")]
    feed(decoder, "zigbee2mqtt/bridge/devices", listed(*voltages, numeric("power", "W")))
    payload = {"voltage": 231, "voltage_phase_b": 230, "voltage_phase_c": 229, "power": 5}
    assert words(feed(decoder, "zigbee2mqtt/a", payload)) == [
        "a#phase_a voltage 231 V", "a#phase_b voltage 230 V", "a#phase_c voltage 229 V",
        "a power 5 W",
    ]  # fmt: skip


def test_consumed_water_is_water_where_its_unit_is_said() -> None:
    decoder = logic("auto")
    feed(decoder, "zigbee2mqtt/bridge/devices", listed(numeric("water_consumed", "L")))
    assert words(feed(decoder, "zigbee2mqtt/a", {"water_consumed": 1500})) == ["a water 1.5 m³"]
    assert words(feed(logic("auto"), "zigbee2mqtt/a", {"water_consumed": 1500})) == []
