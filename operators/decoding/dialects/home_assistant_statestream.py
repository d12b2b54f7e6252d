"""Home Assistant's MQTT statestream, `BASE/DOMAIN/OBJECT/state`, and its birth topic.

Messages of discovery are left out. What `publish_attributes: true` says of unit and device class
holds for the states that follow.
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.dialects.zigbee2mqtt_exposes import Property
from operators.decoding.payloads import flat_json
from operators.decoding.payloads import home_assistant as ha
from operators.decoding.payloads.metrics import names
from operators.decoding.payloads.parse import Undecodable, wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, subject_name

DISCOVERED = names(
    "alarm_control_panel binary_sensor button camera climate cover device device_automation"
    " device_tracker event fan humidifier image lawn_mower light lock notify number scene select"
    " sensor siren switch tag text update vacuum valve water_heater"
)
_DESCRIBING = names("unit_of_measurement device_class")
_LONGEST, _MOST = 32, 100_000
"""Letters of a unit or class, and entities of which that is kept."""


def _discovery(words: list[str]) -> bool:
    return words[-1] == "config" and len(words) in (4, 5) and words[1] in DISCOVERED


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if _discovery(words):
        return IGNORE
    if not named and words[0] != "homeassistant" and "statestream" not in words[0]:
        return None
    if len(words) == 2 and words[1] == "status":
        base = subject_name(words[0])
        return Route(lambda builder, data: builder.put_availability(base, data, f"{words[0]}/"))
    if len(words) < 4 or (len(words) > 4 and not named):
        return None
    domain, name, attribute = words[-3:]
    if domain in ha.IGNORED:
        return IGNORE
    entity = subject_name(f"{domain}.{name}")
    place = topic.removesuffix(attribute)
    if attribute == "state":
        return Route(lambda builder, data: _state(builder, entity, place, data))
    if attribute in _DESCRIBING:
        return Route(lambda builder, data: _describe(builder, place, attribute, data))
    if attribute == "brightness":
        return Route(lambda builder, data: builder.put(entity, "brightness", data))
    return IGNORE


def _describe(builder: ReadingBuilder, place: str, attribute: str, data: Any) -> None:
    """Keep what Home Assistant says of an entity's states."""
    said = dict(builder.described.get(place, {}))
    said.pop(attribute, None)
    if data.__class__ is str and 0 < len(data) <= _LONGEST:
        said[attribute] = Property("word", "value", None, data)
    if place in builder.described or len(builder.described) < _MOST:
        builder.described[place] = said


def _said(builder: ReadingBuilder, place: str, attribute: str) -> str | None:
    said = builder.described.get(place, {}).get(attribute)
    return None if said is None else said.unit


def _state(builder: ReadingBuilder, entity: str, place: str, data: Any) -> None:
    if data.__class__ is dict:
        if not flat_json.put_known(builder, entity, data):
            raise Undecodable(
                "bad_shape",
                f"expected the state of {entity} as text; got an object without a known metric",
            )
        return
    means = ha.meaning(
        entity,
        _said(builder, place, "device_class"),
        _said(builder, place, "unit_of_measurement"),
    )
    if means is None or data == "":
        return
    if data.__class__ is str:
        ha.write(builder, entity, means, data)
    elif data is None:
        builder.put_bad(entity, means.metric, None)
    else:
        raise wrong_type(f"the state of {entity} as text", data)


DIALECT = by_topic("Home Assistant's states over MQTT", _route, "BASE/DOMAIN/OBJECT/state")
