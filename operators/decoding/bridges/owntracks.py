"""OwnTracks: `owntracks/USER/DEVICE` with where a phone is, and `…/event` with regions.

Source: owntracks.org/booklet, "JSON".
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Dialect, Route
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import ReadingBuilder, json_name, subject_name

_KEYS = {
    "lat": ("latitude", None), "lon": ("longitude", None), "batt": ("battery", None),
    "vel": ("speed", "km/h"), "p": ("pressure", "kPa"),
}  # fmt: skip
METRICS = frozenset((*(metric for metric, _ in _KEYS.values()), "availability"))


def _message(builder: ReadingBuilder, device: str, data: Any) -> None:
    kind = data.get("_type") if data.__class__ is dict else None
    if kind.__class__ is not str:
        raise missing("an object with _type")
    if kind != "lwt":  # which has the time at which the phone connected
        builder.set_time(data.get("tst"))
    if kind == "location":
        for key, (metric, unit) in _KEYS.items():
            if data.get(key) is not None:
                builder.put(device, metric, data[key], unit)
    elif kind == "lwt":
        builder.put_availability(device, False)
    elif kind == "transition" and data.get("event") in ("enter", "leave"):
        region = data.get("desc")
        builder.put_occurrence(
            device, f"region_{data['event']}", {"region": region} if region else {}
        )
    else:
        builder.skipped += 1


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 3 or not (named or words[0] == "owntracks"):
        return None
    device = subject_name("/".join(words[1:3]))
    if words[3:] in ([], ["event"]):
        return Route(lambda builder, data: _message(builder, device, data), "json")
    return IGNORE


def _read(builder: ReadingBuilder, data: Any) -> None:
    who = data.get("tid") if data.__class__ is dict else None
    _message(builder, json_name(str(who or builder.topic)), data)


def _fits(data: Any) -> bool:
    return data.__class__ is dict and data.get("_type") == "location" and "tst" in data


DIALECT = Dialect("phones with OwnTracks", _route, _read, _fits, METRICS)
