"""How devices and gateways speak, one file per dialect. A new dialect is one more file and one
more line here.
"""

from operators.dialects import (
    cloudevents,
    envelope,
    esphome,
    frigate,
    ha_recorder,
    ha_statestream,
    onvif,
    pir,
    senml,
    shelly,
    sparkplug,
    tasmota,
    theengs,
    ttn,
    victron,
    z2m,
)
from operators.dialects.dialect import Dialect

DIALECTS: dict[str, Dialect] = {
    "sparkplug_b": sparkplug.DIALECT,
    "zigbee2mqtt": z2m.DIALECT,
    "tasmota": tasmota.DIALECT,
    "shelly": shelly.DIALECT,
    "home_assistant_statestream": ha_statestream.DIALECT,
    "frigate": frigate.DIALECT,
    "theengs": theengs.DIALECT,
    "victron": victron.DIALECT,
    "ttn": ttn.DIALECT,
    "onvif": onvif.DIALECT,
    "senml": senml.DIALECT,
    "cloudevents": cloudevents.DIALECT,
    "home_assistant_recorder": ha_recorder.DIALECT,
    "pir_envelope": pir.DIALECT,
    "envelope": envelope.DIALECT,
    "esphome": esphome.DIALECT,
}
"""Codec name: dialect, in the order in which topics and then shapes are tried."""
