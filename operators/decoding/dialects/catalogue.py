"""How devices and gateways speak, one file per dialect. A new dialect is one more file and one
more line here.
"""

from operators.decoding.dialects import (
    cloudevents,
    envelope,
    esphome,
    frigate,
    onvif,
    senml,
    theengs,
    ttn,
    victron,
)
from operators.decoding.dialects import (
    pir_envelope as pir,
)
from operators.decoding.dialects import (
    sparkplug_b as sparkplug,
)
from operators.decoding.dialects import (
    zigbee2mqtt as z2m,
)
from operators.decoding.dialects.home_assistant import recorder as ha_recorder
from operators.decoding.dialects.home_assistant import statestream as ha_statestream
from operators.decoding.dialects.shelly import dialect as shelly
from operators.decoding.dialects.tasmota import dialect as tasmota
from operators.decoding.payloads.base import Dialect

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
