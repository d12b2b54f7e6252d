"""OpenTherm gateway (OTGW-firmware): `OTGW/value/NODE/NAME` with a bare value.

The names are those of OpenTherm: `Tboiler` is a temperature, `CHPressure` is in bar. Source:
github.com/rvdbreemen/OTGW-firmware, wiki; OpenTherm protocol specification 2.2.
"""

import re
from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_AIM = re.compile(r"(?:Tr|T|Tdhw|MaxT)Set\w*", re.ASCII)
_TEMPERATURE = re.compile(r"T[a-z]\w*", re.ASCII)
METRICS = frozenset(
    ("temperature", "target_temperature", "pressure", "value", "state", "availability")
)


def _read_as(node: str, name: str) -> Route:
    place = at_endpoint(node, name)

    def _read(builder: ReadingBuilder, data: Any) -> None:
        number = values.number(data)
        if data in ("ON", "OFF"):
            builder.put(place, "state", data)
        elif number is None:
            builder.skipped += 1
        elif name == "CHPressure":
            builder.put(place, "pressure", number, "bar")
        elif _AIM.fullmatch(name):
            builder.put(place, "target_temperature", number)
        elif _TEMPERATURE.fullmatch(name):
            builder.put(place, "temperature", number)
        else:
            builder.put_number(place, number, None, data)

    return Route(_read)


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 3 or not (named or words[0] == "OTGW"):
        return None
    if words[1] != "value" or len(words) != 4:
        return IGNORE
    return _read_as(subject_name(words[2]), words[3])


DIALECT = by_topic("OpenTherm gateway", _route, "OTGW/value/NODE/NAME", METRICS)
