"""Every dialect by its name in `decode: {as: …}`.

A new dialect is one file in `dialects` (or `bridges`) with a `DIALECT`, its name in `NAMES`, and
its cases in `tests/data/corpus_own.jsonl`.
"""

from importlib import import_module

from operators.decoding.dialect import Dialect

BRIDGES = (
    "sparkplug_b",
    "rtl_433",
    "opendtu",
    "evcc",
    "nuki",
    "wled",
    "ems_esp",
    "homie",
    "zwave_js",
    "dsmr_reader",
    "go_echarger",
    "ams_reader",
    "debezium",
)
"""The modules of `bridges`."""
NAMES = (
    "sparkplug_b",
    "zigbee2mqtt",
    "tasmota",
    "shelly",
    "home_assistant_statestream",
    "frigate",
    "theengs",
    "victron",
    "ttn",
    "chirpstack",
    "onvif",
    "senml",
    "cloudevents",
    "home_assistant_recorder",
    "pir_envelope",
    "envelope",
    *BRIDGES[1:],
    "esphome",
    "json",
)
"""All dialects, in the order in which topics and then shapes are tried."""

DIALECTS: dict[str, Dialect] = {
    name: import_module(
        f"operators.decoding.{'bridges' if name in BRIDGES else 'dialects'}.{name}"
    ).DIALECT
    for name in NAMES
}


def listing() -> str:
    """Return the dialects by name as a Markdown list."""
    return "\n".join(f"- `{name}`: {DIALECTS[name].about}" for name in sorted(DIALECTS))
