"""Nuki locks and openers: `nuki/ID/KEY`, and Nuki Hub, `nuki/lock/state` and the like.

Sources: Nuki, "MQTT API Specification" 1.4; technyon/nuki_hub, README.
"""

from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

_LOCK = {1: 0.0, 2: 1.0, 3: 1.0, 4: 1.0, 5: 1.0, 6: 1.0, 7: 1.0}
"""`state`: 1 is locked; unlocking, unlocked, locking and unlatched are not. Others tell nothing."""
_DOOR = {2: 1.0, 3: 0.0}
"""`doorsensorState`: 2 is closed, 3 opened."""
_LOW = {
    "batteryCritical": None, "keypadBatteryCritical": "keypad",
    "doorsensorBatteryCritical": "doorsensor",
}  # fmt: skip
METRICS = frozenset(
    (
        "lock",
        "contact",
        "battery",
        "battery_low",
        "availability",
        "state",
        "tamper",
        "voltage",
    )
)
_JAMMED = 254
_TAMPERED = 240
_HUB_LOCK = {
    "locked": 0.0,
    **dict.fromkeys(
        ("unlocked", "unlocking", "locking", "unlatched", "unlatching", "unlockedlnga"), 1.0
    ),
}
_HUB_DOOR = {"doorclosed": 1.0, "dooropened": 0.0}
_HUB_BATTERY = {"critical": "battery_low", "level": "battery", "voltage": "voltage"}
_HUB = frozenset(
    ("lock", "battery", "maintenance", "info", "configuration", "keypad", "timecontrol",
     "authorization", "opener")
)  # fmt: skip
"""The groups of topics of Nuki Hub."""
_ACTIONS = {
    1: "unlock", 2: "lock", 3: "unlatch", 4: "lock_n_go", 5: "lock_n_go_unlatch", 6: "full_lock",
}  # fmt: skip
_BUTTON_ONLY = 90
"""A button was pressed for which no action is set."""
_PRESSES = {1: "single", 2: "double", 3: "triple"}


def _coded(subject: str, metric: str, codes: dict[int, float]) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        code = values.number(data)
        builder.put(subject, metric, None if code is None else codes.get(int(code)))
        if metric == "lock" and code is not None:
            builder.put(at_endpoint(subject, "blocked"), "state", code == _JAMMED)
        if metric == "contact" and code == _TAMPERED:
            builder.put(subject, "tamper", True)

    return Route(read)


def _action(subject: str) -> Route:
    """`ACTION,TRIGGER,AUTH-ID,CODE-ID,DETAIL`: who is about to do what to the lock."""

    def read(builder: ReadingBuilder, data: Any) -> None:
        parts = [values.number(part) for part in str(data).split(",")]
        if len(parts) != 5 or any(part is None for part in parts):
            raise wrong_type("five numbers with commas between them", data)
        action, trigger, person, code, detail = (int(part or 0) for part in parts)
        if action == _BUTTON_ONLY:
            builder.put_button_press(subject, _PRESSES.get(detail, str(detail)))
            return
        done = {
            "action": _ACTIONS.get(action, str(action)),
            "trigger": trigger,
            "authorization": str(person),
            "code": str(code),
        }
        builder.put_occurrence(subject, "lock_action", done)

    return Route(read)


def _word(subject: str, metric: str, words: dict[str, float]) -> Route:
    def read(builder: ReadingBuilder, data: Any) -> None:
        word = str(data).strip().lower()
        if word in words:
            builder.put(subject, metric, words[word])
        else:
            builder.put_bad(subject, metric, data)
        if metric == "lock":
            builder.put(at_endpoint(subject, "blocked"), "state", word == "motorblocked")

    return Route(read)


def _hub(device: str, group: str, key: str) -> Route:
    if group == "lock" and key in ("state", "binaryState"):
        return _word(device, "lock", _HUB_LOCK)
    if group == "lock" and key == "doorSensorState":
        return _word(device, "contact", _HUB_DOOR)
    if group == "battery" and key in _HUB_BATTERY:
        return Route(lambda builder, data: builder.put(device, _HUB_BATTERY[key], data))
    if group == "maintenance" and key == "mqttConnectionState":
        return Route(lambda builder, data: builder.put_availability(device, data))
    return IGNORE


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if len(words) < 3 or not (named or words[0].startswith("nuki")):
        return None
    at = next((n for n, word in enumerate(words[1:-1], 1) if word in _HUB), None)
    if at is not None:
        return _hub(subject_name("/".join(words[:at])), words[at], words[at + 1])
    if not named and words[0] != "nuki":
        return None
    device, key = subject_name(words[-2]), words[-1]
    if key == "state":
        return _coded(device, "lock", _LOCK)
    if key == "doorsensorState":
        return _coded(device, "contact", _DOOR)
    if key in _LOW:
        subject = at_endpoint(device, _LOW[key])
        return Route(lambda builder, data: builder.put(subject, "battery_low", data))
    if key == "batteryChargeState":
        return Route(lambda builder, data: builder.put(device, "battery", data))
    if key == "lockActionEvent":
        return _action(device)
    if key == "connected":
        return Route(lambda builder, data: builder.put_availability(device, data))
    return IGNORE


DIALECT = by_topic("Nuki locks", _route, "nuki/ID/KEY", METRICS)
