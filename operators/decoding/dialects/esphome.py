"""ESPHome over MQTT: `PREFIX/COMPONENT/OBJECT/state` and `PREFIX/status`; logs are left out."""

from typing import Any

from operators.decoding.dialect import IGNORE, Route, by_topic
from operators.decoding.payloads import flat_json
from operators.decoding.payloads import home_assistant as ha
from operators.decoding.payloads.metrics import METRICS, names
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, subject_name

COMPONENTS = names(
    "alarm_control_panel binary_sensor button climate cover datetime event fan light lock"
    " media_player number select sensor switch text text_sensor update valve"
)
_PARTS = {
    "mode": "hvac_mode", "action": "hvac_action", "current_temperature": "temperature",
    "position": "position", "target_temperature": "target_temperature",
    "current_humidity": "humidity", "brightness": "brightness",
}  # fmt: skip
"""What `PREFIX/COMPONENT/OBJECT/PART/state` says."""


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if words[-1] == "debug" and len(words) > 1:
        return IGNORE
    if words[0] == "esphome" and len(words) > 1 and words[1] in ("discover", "ping"):
        return IGNORE
    if named and words[-1] == "status" and len(words) > 1:
        device = subject_name("/".join(words[:-1]))
        return Route(lambda builder, data: builder.put_availability(device, data))
    for parts in (0, 1):
        at = len(words) - 3 - parts
        if at < 1 or words[at] not in COMPONENTS:
            continue
        if words[-1] == "command" or words[at] in ha.IGNORED:
            return IGNORE
        if words[-1] != "state":
            return IGNORE if named else None
        return _state(
            subject_name("/".join(words[:at])),
            words[at],
            words[at + 1],
            words[at + 2] if parts else None,
        )
    return None


def _state(device: str, component: str, name: str, part: str | None) -> Route:
    if part is not None:
        metric = _PARTS.get(part)
        if metric is None:
            return IGNORE
        subject = at_endpoint(device, name)
        return Route(lambda builder, data: _part(builder, subject, metric, data))
    if component == "event":
        return Route(lambda builder, data: _event(builder, device, name, data))
    means, rest = _meaning(component, name)
    subject, whole = at_endpoint(device, rest), at_endpoint(device, name)

    def _read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is dict:
            flat_json.put_known(builder, whole, data)
        elif data.__class__ is str:
            ha.write_state(builder, subject, component, means, data)
        elif data is None:
            builder.put_bad(subject, means.metric, None)
        else:
            raise wrong_type(f"the state of {whole} as text", data)

    return Route(_read)


def _event(builder: ReadingBuilder, device: str, name: str, data: Any) -> None:
    action = data.get("event_type") if data.__class__ is dict else data
    if action.__class__ is str and action.strip():
        builder.put_button_press(device, action, name)


def _part(builder: ReadingBuilder, subject: str, metric: str, data: Any) -> None:
    if METRICS[metric].kind == "text" and data.__class__ is str:
        builder.put_text(subject, metric, data.strip().lower(), data)
    else:
        builder.put(subject, metric, data)


def _meaning(component: str, name: str) -> tuple[ha.Meaning, str]:
    if component == "binary_sensor":
        means, rest = ha.binary_meaning(name, None)
        return means, rest
    if component in ha.NUMERIC:
        return ha.sensor_meaning(name, None, None)
    return ha.meaning(f"{component}.{name}", None, None) or ha.Meaning("state"), name


DIALECT = by_topic("ESPHome", _route, "PREFIX/COMPONENT/OBJECT/state")
