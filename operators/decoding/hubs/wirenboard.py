"""Wiren Board: `/devices/DEVICE/controls/CONTROL` with a bare value, its unit in `…/meta`.

Source: github.com/wirenboard/conventions.
"""

import re
from typing import Any

from operators.decoding.dialect import ALL, IGNORE, Route, by_topic
from operators.decoding.payloads import key_names, values
from operators.decoding.payloads.metrics import METRICS, metric_of
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_RELAY = re.compile(r"K\d{1,2}", re.ASCII)


def _control(device: str, name: str) -> Route:
    metric = metric_of(name)
    means = key_names.Meaning(metric) if metric else key_names.meaning(name)

    def _read(builder: ReadingBuilder, data: Any) -> None:
        number = values.number(data)
        if _RELAY.fullmatch(name):
            builder.put(at_endpoint(device, name), "state", data)
        elif means is not None and (number is not None or METRICS[means.metric].kind != "number"):
            builder.put(at_endpoint(device, means.endpoint), means.metric, data, means.unit)
        elif number is not None:
            builder.put_number(at_endpoint(device, name), data, None, data)
        elif data.__class__ is str and data:
            builder.put(at_endpoint(device, name), "state", data)
        else:
            builder.skipped += 1

    return Route(_read)


def _route(topic: str, named: bool) -> Route | None:
    words = topic.removeprefix("/").split("/")
    if words[0] != "devices" or len(words) < 4 or not (named or topic.startswith("/devices/")):
        return None
    if words[2] != "controls" or len(words) != 4:
        return IGNORE
    return _control(subject_name(words[1]), words[3])


DIALECT = by_topic("Wiren Board's controllers", _route, "/devices/DEVICE/controls/CONTROL", ALL)
