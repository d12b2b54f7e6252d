"""Every dialect by its name in `decode: {as: …}`.

A new dialect is one file in `dialects` (or a folder beside it) with a `DIALECT`, its name in
`NAMES`, and its cases in `tests/data/corpus_own.jsonl`.
"""

from functools import cache
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
    "dsmr_reader",
    "go_echarger",
    "ams_reader",
    "ruuvi",
    "ecowitt",
    "wmbusmeters",
    "debezium",
    "owntracks",
    "teslamate",
    "valetudo",
    "meshtastic",
)
"""The modules of `bridges`."""
ENERGY = ("openwb", "grott", "sbfspot", "fronius", "iotawatt", "warp")
"""The modules of `energy`."""
SECURITY = ("paradox", "ring")
"""The modules of `security`."""
HUBS = (
    "homie",
    "zwave_js",
    "domoticz",
    "mysensors",
    "wirenboard",
    "deconz",
    "homematic",
    "rfxcom",
    "otgw",
    "openevse",
    "ovms",
    "traccar",
    "weatherlink",
    "powerwall",
    "ispindel",
    "vzlogger",
    "lorawan_server",
    "aws_shadow",
    "tags",
)
"""The modules of `hubs`."""
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
    *ENERGY,
    *SECURITY,
    *HUBS,
    "esphome",
    "json",
)
"""All dialects, in the order in which topics and then shapes are tried."""


@cache
def built_in(name: str) -> Dialect:
    """One of `NAMES`; its module is loaded when it is first asked for."""
    folders = {"bridges": BRIDGES, "energy": ENERGY, "hubs": HUBS, "security": SECURITY}
    folder = next((folder for folder, held in folders.items() if name in held), "dialects")
    found: Dialect = import_module(f"operators.decoding.{folder}.{name}").DIALECT
    return found


@cache
def all_built_in() -> dict[str, Dialect]:
    """All of them, in the order of `NAMES`."""
    return {name: built_in(name) for name in NAMES}


def listing() -> str:
    """Return the dialects by name as a Markdown list."""
    return "\n".join(f"- `{name}`: {built_in(name).about}" for name in sorted(NAMES))
