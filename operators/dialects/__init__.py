"""How devices and gateways speak, one file per dialect. A new dialect is one more file and one more line here."""

from operators.dialects import ha_recorder, pir, z2m
from operators.dialects.dialect import Dialect

DIALECTS: dict[str, Dialect] = {
    "zigbee2mqtt": z2m.DIALECT,
    "home_assistant_recorder": ha_recorder.DIALECT,
    "pir_envelope": pir.DIALECT,
}
"""Codec name: dialect, in the order in which topics and then shapes are tried."""
