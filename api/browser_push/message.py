"""What a notification says of an alarm, short enough for one message."""

from typing import Any

import msgspec

from api.browser_push.encryption import LONGEST
from operators.events import AlarmTransition

URGENCY = {"critical": "high", "high": "high", "medium": "normal", "low": "low"}
CUT = 300
"""Letters of a text that are kept."""


class Message(msgspec.Struct, omit_defaults=True):
    """For the page's service worker, which finds the words.

    `key` names the alarm as addresses of the page do; a later message about it replaces what is
    shown. `flood` counts alarms that are no longer told one by one.
    """

    site: str
    language: str
    key: str = ""
    alarm: str = ""
    subject: str = ""
    priority: str = ""
    change: str = ""
    value: str = ""
    text: str = ""
    time: float = 0.0
    flood: int = 0
    test: bool = False

    def encode(self) -> bytes:
        """Its JSON, with less text where it would not fit."""
        data = msgspec.json.encode(self)
        if len(data) <= LONGEST:
            return data
        short = msgspec.structs.replace(
            self, text="", value="", alarm=self.alarm[:60], subject=self.subject[:60]
        )
        return msgspec.json.encode(short)


def message_of(event: AlarmTransition, site: str, language: str) -> Message:
    """The message about a transition that people are told of."""
    return Message(
        site[:CUT],
        language,
        key=f"{event.rule}|{event.subject}",
        alarm=event.alarm[:CUT],
        subject=event.subject[:CUT],
        priority=event.priority,
        change=str(event.annunciation),
        value=_value(event.value, event.unit),
        text=(event.message or event.response or "")[:CUT],
        time=event.time,
    )


def _value(value: Any, unit: str | None) -> str:
    if value is None:
        return ""
    shown = f"{value:.6g}" if isinstance(value, float) else str(value)[:CUT]
    return f"{shown} {unit or ''}".strip()
