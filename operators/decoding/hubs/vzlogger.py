"""vzlogger: `vzlogger/chn0/raw` with a number, or an object with its time, of no known quantity.

Source: wiki.volkszaehler.org, "vzlogger", MQTT.
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, subject_name

_KINDS = ("raw", "agg")


def _read_as(channel: str) -> Route:
    def _read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is dict:
            if "value" not in data:
                raise missing("an object with a value")
            builder.set_time(data.get("timestamp"))
            data = data["value"]
        builder.put_number(channel, data, None, data)

    return Route(_read)


def _route(topic: str, named: bool) -> Route | None:
    channel, _, kind = topic.rpartition("/")
    word = channel.rpartition("/")[2]
    if not (named or topic.startswith(("vzlogger/", "vz/"))) or not word.startswith("chn"):
        return None
    return _read_as(subject_name(channel)) if kind in _KINDS else IGNORE


DIALECT = by_topic("vzlogger's channels", _route, "vzlogger/CHANNEL/raw", frozenset(("value",)))
