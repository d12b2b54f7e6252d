"""Valetudo: `valetudo/ROBOT/ATTRIBUTE/KEY` of a vacuum cleaner, with bare values.

Source: valetudo.cloud, "MQTT".
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_KEYS: dict[tuple[str, str], tuple[str, str | None, str | None]] = {
    ("BatteryStateAttribute", "level"): ("battery", None, None),
    ("BatteryStateAttribute", "status"): ("state", "battery", None),
    ("StatusStateAttribute", "status"): ("state", None, None),
    ("StatusStateAttribute", "error"): ("state", "error", None),
    ("DockStatusStateAttribute", "status"): ("state", "dock", None),
    ("WifiConfigurationCapability", "signal"): ("signal_strength", None, None),
    ("CurrentStatisticsCapability", "area"): ("value", "CurrentStatistics/area", "cm²"),
    ("CurrentStatisticsCapability", "time"): ("value", "CurrentStatistics/time", "s"),
    **{
        ("AttachmentStateAttribute", part): ("state", part, None)
        for part in ("dustbin", "mop", "watertank")
    },
}
_STATES = {
    "ready": True, "sleeping": True, "alert": True, "init": False, "disconnected": False,
    "lost": False,
}  # fmt: skip
METRICS = frozenset(("availability", *(metric for metric, _, _ in _KEYS.values())))


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 3 or not (named or words[0] == "valetudo"):
        return None
    robot = subject_name(words[1])
    if words[2:] == ["$state"]:
        return Route(
            lambda builder, data: builder.put_availability(robot, _STATES.get(str(data), data))
        )
    means = _KEYS.get((words[2], words[-1])) if len(words) == 4 else None
    if means is None:
        return IGNORE
    metric, endpoint, unit = means

    def _read(builder: ReadingBuilder, data: Any) -> None:
        if metric == "value":
            builder.put_number(at_endpoint(robot, endpoint), data, unit, data)
        else:
            builder.put(at_endpoint(robot, endpoint), metric, data)

    return Route(_read)


DIALECT = by_topic("vacuum cleaners with Valetudo", _route, "valetudo/ROBOT/…", METRICS)
