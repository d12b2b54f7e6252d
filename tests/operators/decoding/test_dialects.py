"""Rules of the dialects that the corpus leaves out, one line each: topic, payload, and what must
come of it.
"""

import json
from typing import Any

import pytest

from operators.component import Now
from operators.events import Occurrence, Reading
from tests.operators.decoding.test_step import T, logic, message

BLE = "home/OMG/BTtoMQTT/A4C1380B0C0D"
CARD: dict[str, Any] = {"end_device_ids": {"device_id": "d"}}


def decoded(topic: str, payload: Any, codec: str = "auto") -> list[str]:
    """`subject metric value unit quality`, shortened; events as `! device type action endpoint`."""
    decoder = logic(codec)
    lines = [f"refused {letter.reason}" for letter in decoder.errors]
    for event in decoder.on_batch([message(topic, payload)], Now(T, T)):
        if isinstance(event, Reading):
            state = event.text if event.value is None else f"{event.value:.6g}"
            words = [
                event.subject,
                event.metric,
                state,
                event.unit,
                event.quality if event.quality != "good" else None,
            ]
            lines.append(" ".join(word for word in words if word))
        elif isinstance(event, Occurrence):
            words = [
                "!",
                event.subject,
                event.type,
                event.data.get("action"),
                event.data.get("endpoint"),
            ]
            lines.append(" ".join(word for word in words if word))
    return lines + [f"refused {letter.reason}" for letter in decoder.errors]


@pytest.mark.parametrize(
    ("topic", "payload", "expected"),
    [
        ("zigbee2mqtt/a", {"state": "LOCK", "lock_state": "locked"}, ["a lock 0"]),
        ("zigbee2mqtt/a", {"state": "STOP"}, ["a cover_state stopped"]),
        ("zigbee2mqtt/a", {"state": None}, ["a state bad"]),
        ("zigbee2mqtt/a", {"gas": True}, ["a gas_alarm 1"]),
        ("zigbee2mqtt/a", {"power_left": 12, "voltage_l1": "3015"}, ["a#left power 12 W",
        "a#l1 voltage 3.015 V"]),
        ("zigbee2mqtt/a", {"action": "single_left"}, ["! a button_pressed single left"]),
        ("zigbee2mqtt/a", {"action": "Brightness_Move_Up"},
        ["! a button_pressed brightness_move_up"]),
        ("zigbee2mqtt/a/b/temperature", "21.5", ["a/b temperature 21.5 °C"]),
        ("zigbee2mqtt/a/availability", "gone", ["a availability gone bad"]),
        ("zigbee2mqtt_2/a", {"pressure": 101325}, ["a pressure 1013.25 hPa"]),
        ("zigbee2mqtt/a", {"temperature": "1e999", "humidity": 100.1},
        ["a temperature 1e999 °C bad", "a humidity 100.1 % bad"]),
        ("tele/x/STATE", {"POWER1": "ON", "Wifi": {"Signal": -55, "RSSI": 90}}, ["x#1 state 1",
        "x signal_strength -55 dBm"]),
        ("x/stat/RESULT", {"POWER": "HOLD"}, ["x state HOLD bad"]),
        ("stat/x/RESULT", {"Button2": {"Action": "CLEAR"}}, ["! x button_pressed release Button2"]),
        ("tele/x/SENSOR", {"BME280": {"Pressure": 760}, "PressureUnit": "mmHg"},
        ["x#BME280 pressure 1013.25 hPa"]),
        ("tele/x/SENSOR", {"BME680": {"Gas": 41.3, "eCO2": 500, "Temperature": 3}},
        ["x#BME680 temperature 3 °C"]),
        ("tele/x/SENSOR", {"PMS5003": {"PM2.5": 2, "CF1": 1}}, ["x#PMS5003 pm25 2 µg/m³"]),
        ("stat/x/STATUS", {"Status": {"Power": 1}}, []),
        ("stat/x/STATUS11", {"StatusSTS": {"UptimeSec": 3}}, ["x uptime 3 s"]),
        ("tele/gw/1A7D/SENSOR", {"ZbReceived": {"0x1A7D": {"Occupancy": 1, "Endpoint": 2,
        "Battery": 5}}},
         ["gw/0x1A7D#2 occupancy 1", "gw/0x1A7D battery 5 %"]),
        ("tele/gw/SENSOR", {"ZbReceived": {"0x1": {"Name": "a#b", "PIHeatingDemand": 30}}},
        ["a_b valve_position 30 %"]),
        ("tasmota/discovery/AA/config", {"state": ["OFF"]}, []),
        ("shellies/em/emeter/0/total", "15320", ["em#emeter:0 energy 15.32 kWh"]),
        ("shellies/s/roller/0", "stop", ["s#roller:0 cover_state stopped"]),
        ("shellies/s/input/0", "null", []),
        ("shellies/s/input_event/1", {"event": "SSS"}, ["! s button_pressed triple input:1"]),
        ("shellies/s/temperature", "45.2", ["s device_temperature 45.2 °C"]),
        ("shellies/s/ext_temperatures", {"0": {"hwID": "28f", "tC": 22.4}},
        ["s#ext:0 temperature 22.4 °C"]),
        ("s/status/em:0", {"a_current": 4, "a_pf": 1, "n_current": 1, "total_act_power": 20},
         ["s#em:0.a current 4 A", "s#em:0.a power_factor 1", "s#em:0.n current 1 A",
          "s#em:0 power 20 W"]),
        ("s/status/cover:0", {"state": "opening", "current_pos": 50},
         ["s#cover:0 cover_state opening", "s#cover:0 position 50 %"]),
        ("s/status/input:1", {"state": None}, []),
        ("s/status/temperature:0", {"tF": 70}, ["s#temperature:0 temperature 21.1111 °C"]),
        ("s/status/wifi", {"rssi": -50}, ["s signal_strength -50 dBm"]),
        ("s/rpc/x", b"\xff", []),
        ("homeassistant/person/x/state", "Work", ["person.x presence 0"]),
        ("homeassistant/lock/x/state", "locked", ["lock.x lock 0"]),
        ("homeassistant/lock/x/state", "jammed", ["lock.x lock jammed bad"]),
        ("homeassistant/automation/x/state", "on", []),
        ("homeassistant/sensor/x/state", "idle", ["sensor.x state idle"]),
        ("n/climate/t/current_temperature/state", "21", ["n#t temperature 21 °C"]),
        ("n/light/a/state", {"state": "ON", "brightness": 5}, ["n#a state 1", "n#a brightness 5"]),
        ("n/binary_sensor/garage_door/state", "OFF", ["n contact 1"]),
        ("n/text_sensor/version/state", "1.2", ["n#version state 1.2"]),
        ("n/sensor/Hall_Temp/state", "3", ["n#Hall temperature 3 °C"]),
        ("frigate/cam/status/detect", "disabled", ["cam#detect availability 0"]),
        ("frigate/cam/audio/speech", "ON", ["cam#speech sound 1"]),
        ("frigate/cam/person/active", "3", []),
        ("frigate/reviews", {"type": "end", "before": {}, "after": {"camera": "cam",
        "end_time": T}}, ["! cam review_ended"]),
        ("frigate/tracked_object_update", {"type": "face", "camera": "cam"}, ["! cam object_face"]),
        (BLE, {"tempf": 68, "type": "TIRE", "pres": 2.5}, ["A4C1380B0C0D temperature 20 °C",
        "A4C1380B0C0D pressure 2500 hPa"]),
        (BLE, {"sum": 2, "sumu": "m³", "button": 0}, []),
        (BLE, {"tempc1": 1, "tempf1": 2, "tempf2": 50}, ["A4C1380B0C0D#1 temperature 1 °C",
        "A4C1380B0C0D#2 temperature 10 °C"]),
        ("N/p/grid/30/Ac/L1/Energy/Reverse", {"value": 3.5},
        ["p/grid/30#Ac/L1/Energy energy_returned 3.5 kWh"]),
        ("N/p/system/0/Relay/0/State", {"value": 1}, ["p/system/0#Relay/0 state 1"]),
        ("N/p/battery/1/State", {"value": 9}, []),
        ("N/p/battery/1/Soc", {"v": 1}, ["refused bad_shape"]),
        ("v3/a/devices/d/up", {**CARD, "uplink_message": {"decoded_payload": {"humidity_12": 5,
        "gps_3": {}}}},
         ["d#12 humidity 5 %"]),
        ("v3/a/devices/d/up", {**CARD}, ["refused bad_shape"]),
        ("senml/x", [{"bn": "u:", "n": "humidity", "u": "/", "v": 0.45}, {"n": "rpm", "u": "1/min",
        "v": 3}],
         ["u humidity 45 %", "u#rpm value 3 1/min"]),
        ("senml/x", [{"bn": "u:", "n": "motion", "vb": True}, {"u": "%EL", "v": 3}], ["u motion 1",
        "u battery 3 %"]),
        ("x", [{"specversion": "1.0", "id": "1", "source": "/s", "type": "T.x", "subject": "a#b"}],
        ["! a_b T.x"]),
        ("x", [{"specversion": "1.0", "id": "1", "source": "/s", "type": "T"}, {}],
        ["refused bad_shape"]),
        ("onvif2mqtt/a/b/motion", "on", ["a/b motion 1"]),
        ("axis/B8/event/x", {"a": 1}, []),
        ("home/x/temperature", "abc", ["home/x temperature abc °C bad"]),
        ("home/x", {"Temp": "21.50", "tempf": 1, "RH": 40}, ["home/x temperature 21.5 °C",
        "home/x humidity 40 %"]),
        ("home/x", {"value": 68, "unit": "°F"}, ["home/x temperature 20 °C"]),
        ("home/x", {"open": True}, ["home/x contact 0"]),
        ("home/x/power/set", "1", []),
        ("farm/x/availability", "offline", ["farm/x availability 0"]),
        ("sensor/motion", {"type": "MOTION_DETECTED"}, ["refused bad_shape"]),
        ("sensor/motion", "not json", ["refused bad_json"]),
        ("sensor/temperature", "21.5", ["sensor temperature 21.5 °C"]),
    ],
)  # fmt: skip
def test_a_payload_says(topic: str, payload: Any, expected: list[str]) -> None:
    assert decoded(topic, payload) == expected


@pytest.mark.parametrize(
    ("entity", "state", "attributes", "expected"),
    [
        ("sensor.x", "68", {"unit_of_measurement": "°F"}, "temperature 20 °C"),
        ("sensor.x_power", "5", {"unit_of_measurement": "ct/kWh"}, "value 5 ct/kWh"),
        ("sensor.x_temperature", "5", {"device_class": "aqi"}, "value 5"),
        ("sensor.x", "unavailable", {}, "state unavailable bad"),
        ("sensor.x", "1000", {"device_class": "water", "unit_of_measurement": "L"}, "water 1 m³"),
        (
            "sensor.x",
            "29.92",
            {"device_class": "atmospheric_pressure", "unit_of_measurement": "inHg"},
            "pressure 1013.21 hPa",
        ),
        (
            "sensor.x",
            "50",
            {"device_class": "power_factor", "unit_of_measurement": "%"},
            "power_factor 0.5",
        ),
        (
            "sensor.x",
            "5",
            {"device_class": "duration", "unit_of_measurement": "min"},
            "uptime 300 s",
        ),
        ("sensor.x", "21,5", {"device_class": "temperature"}, "temperature 21,5 °C bad"),
        ("binary_sensor.x", "on", {"device_class": "gas"}, "gas_alarm 1"),
        ("binary_sensor.x_motion", "on", {"device_class": "connectivity"}, "state 1"),
        ("binary_sensor.sink_leak", "on", {}, "water_leak 1"),
        ("binary_sensor.x", "maybe", {"device_class": "motion"}, "motion maybe bad"),
        ("device_tracker.x", "unavailable", {}, "presence unavailable bad"),
        ("fan.x", "banana", {}, "state banana bad"),
        ("media_player.x", "playing", {}, "state playing"),
        ("cover.x", "opening", {"device_class": "garage"}, "cover_state opening"),
        ("climate.x", "heat", {}, "hvac_mode heat"),
    ],
)
def test_an_entity_s_state_says(
    entity: str, state: str, attributes: dict[str, str], expected: str
) -> None:
    row = {"state": state, "metadata_id": 7, "attributes_id": 3}
    payload = {
        "op": "insert",
        "row": row,
        "states_meta": {"7": entity},
        "state_attributes": {"3": json.dumps(attributes)},
    }
    assert decoded("homeassistant.states", payload) == [f"{entity} {expected}"]


def test_what_json_cannot_say_is_null_in_an_event_s_data_too() -> None:
    body = b'{"specversion":"1.0","id":"a","source":"s","type":"t","data":{"n":NaN,"i":[-Infinity],"big":1e999,"ok":1.5}}'
    (event,) = logic("cloudevents").on_batch([message("x", body)], Now(T, T))
    assert isinstance(event, Occurrence)
    assert event.data == {"n": None, "i": [None], "big": None, "ok": 1.5}


@pytest.mark.parametrize(
    ("decoded", "expected"),
    [({"tempf": 68}, [20.0]), ({"tempf": 68, "temperature_1": 19.0}, [19.0])],
)
def test_a_formatter_s_fahrenheit_counts_where_it_gives_no_celsius(
    decoded: Any, expected: list[float]
) -> None:
    body = {
        "end_device_ids": {"device_id": "probe"},
        "uplink_message": {"decoded_payload": decoded},
    }
    readings = logic("ttn").on_batch([message("v3/app/devices/probe/up", body)], Now(T, T))
    assert [
        round(event.value or 0, 6) for event in readings if isinstance(event, Reading)
    ] == expected
