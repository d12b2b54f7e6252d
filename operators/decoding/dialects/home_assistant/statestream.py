"""Home Assistant's MQTT statestream (`BASE/DOMAIN/OBJECT/state`), its birth topic, and
discovery, which is left out.
"""

from typing import Any

from operators.decoding.dialects.home_assistant import states as ha
from operators.decoding.payloads import flat_json as known
from operators.decoding.payloads.base import IGNORE, Dialect, Route, never
from operators.decoding.payloads.metrics import names
from operators.decoding.payloads.payload import Refused
from operators.decoding.payloads.reading_builder import Sheet, subject_name

DISCOVERED = names(
    "alarm_control_panel binary_sensor button camera climate cover device device_automation"
    " device_tracker event fan humidifier image lawn_mower light lock notify number scene select"
    " sensor siren switch tag text update vacuum valve water_heater"
)


def _discovery(words: list[str]) -> bool:
    return words[-1] == "config" and len(words) in (4, 5) and words[1] in DISCOVERED


def route(topic: str, sure: bool) -> Route | None:
    words = topic.split("/")
    if _discovery(words):
        return IGNORE
    if not sure and words[0] != "homeassistant" and "statestream" not in words[0]:
        return None
    if len(words) == 2 and words[1] == "status":
        base = subject_name(words[0])
        return Route(lambda sheet, data: sheet.availability(base, data, f"{words[0]}/"))
    if len(words) < 4 or (len(words) > 4 and not sure):
        return None
    domain, name, attribute = words[-3:]
    if domain in ha.IGNORED:
        return IGNORE
    entity = subject_name(f"{domain}.{name}")
    if attribute == "state":
        return Route(lambda sheet, data: _state(sheet, entity, data))
    if attribute == "brightness":
        return Route(lambda sheet, data: sheet.put(entity, "brightness", data))
    return IGNORE


def _state(sheet: Sheet, entity: str, data: Any) -> None:
    if data.__class__ is dict:
        if not known.write(sheet, entity, data):
            raise Refused(
                "bad_shape",
                f"expected the state of {entity} as text; got an object without a known metric",
            )
        return
    means = ha.meaning(entity, None, None)
    if means is None or data == "":
        return
    if data.__class__ is str:
        ha.write(sheet, entity, means, data)
    elif data is None:
        sheet.bad(entity, means.metric, None)
    else:
        raise Refused(
            "bad_shape", f"expected the state of {entity} as text; got {type(data).__name__}"
        )


def read(sheet: Sheet, data: Any) -> None:
    raise Refused("unrecognised", f"expected a topic BASE/DOMAIN/OBJECT/state; got {sheet.topic!r}")


DIALECT = Dialect(route, never, read)
