"""Builds the readings and occurrences of one message, as the dialects call for them."""

import unicodedata
from datetime import UTC, tzinfo
from typing import Any

from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import METRICS
from operators.decoding.payloads.timestamps import REPLAY, own_time
from operators.events import Event, Occurrence, Quality, Reading


def subject_name(name: str) -> str:
    """Return a device's name in Unicode NFC."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def json_name(name: str) -> str:
    """Return a device's name from a payload: NFC, and `#`, which marks endpoints, becomes `_`."""
    return subject_name(name).replace("#", "_")


def at_endpoint(device: str, endpoint: str | None) -> str:
    """Return the subject `device#endpoint`, or the device alone."""
    return f"{device}#{json_name(endpoint)}" if endpoint else device


_EXACT = 1 << 53
"""Whole numbers below it are exact as a float."""
_NOTHING: dict[str, Any] = {}
_AVAILABILITY = {"stopped": 0.0, "disabled": 0.0, "disconnected": 0.0, "connected": 1.0}
"""Words of gateways beside online and offline."""


class ReadingBuilder:
    """Readings and occurrences of one message.

    They have its own time where it has one, else its time of receipt.

    `skipped` counts keys that mean nothing here; `offline` notes which devices the message says are
    unreachable, as (subject, topic prefix of the devices behind it or None, the reading).
    `described` is what gateways said of their devices earlier, by topic; a dialect keeps it there.
    """

    __slots__ = (
        "described",
        "events",
        "id",
        "labels",
        "offline",
        "quality",
        "received",
        "retained",
        "skipped",
        "time",
        "time_is_fixed",
        "topic",
        "zone",
    )  # fmt: skip

    def __init__(
        self,
        id: str,
        topic: str,
        received: float,
        retained: bool,
        labels: dict[str, str],
        zone: tzinfo = UTC,
        described: dict[str, Any] = _NOTHING,
    ) -> None:
        self.described = described
        self.id = id
        self.topic = topic
        self.received = self.time = received
        self.retained = retained
        self.labels = labels
        self.zone = zone
        self.quality: Quality = "stale" if retained else "good"
        self.events: list[Event] = []
        self.skipped = 0
        self.time_is_fixed = False
        self.offline: list[tuple[str, str | None, Reading]] = []

    def set_time(self, *given: Any) -> None:
        """Take a device's own time for what follows: the first of those given that is usable.

        Without one, it is the time of receipt.
        """
        if self.time_is_fixed:
            return
        times = (own_time(raw, self.received, self.zone) for raw in given)
        own = next((time for time in times if time is not None), None)
        self.time = self.received if own is None else own
        if self.retained:
            self.quality = "good" if own is not None and self.received - own <= REPLAY else "stale"

    def put(
        self, subject: str, metric: str, raw: Any, unit: str | None = None, inverted: bool = False
    ) -> None:
        """Write the reading of a JSON value or text `raw`.

        It was sent in `unit`; None means the metric's own.
        """
        quantity = METRICS[metric]
        kind = quantity.kind
        value: float | None
        text = None
        own_unit = quantity.unit
        quality = self.quality
        if kind == "number":
            of = raw.__class__
            if of is float and raw - raw == 0.0:
                value = raw
            elif of is int and -_EXACT < raw < _EXACT:
                value = float(raw)
            else:
                value = values.number(raw)
            if value is None and raw.__class__ is str:
                value, unit = values.with_unit(metric, raw, unit)
            if value is None:
                quality = "bad"
                if raw.__class__ is str:
                    text = raw
            else:
                if unit is not None:
                    factors = values.conversion(metric, unit)
                    if factors is None:
                        self.put_number(subject, value, unit, raw)
                        return
                    value = value * factors[0] + factors[1]
                elif metric == "pressure":
                    value = values.implied_pressure(value)
                elif metric == "power_factor" and not -1.0 <= value <= 1.0:
                    value /= 100
                if not quantity.low <= value <= quantity.high:
                    quality = "bad"
                    if value - value != 0.0:
                        value = None
        elif kind == "binary":
            value = values.binary(metric, raw)
            if value is None:
                quality = "bad"
                if raw.__class__ is str:
                    text = raw
            else:
                if inverted:
                    value = values.INVERTED[value]
                if metric == "availability":
                    quality = "good"
        elif kind == "any":
            self.put_number(subject, raw, unit, raw)
            return
        else:
            value = values.binary(metric, raw) if kind == "state" else None
            if value is None:
                text = raw if raw.__class__ is str else None
                if not text:
                    quality = "bad"
        self.add(
            subject, metric, value, text, own_unit, quality, raw if raw.__class__ is str else None
        )

    def put_number(self, subject: str, raw: Any, unit: str | None, source: Any = None) -> None:
        """Write a number of no known quantity, in the unit as sent."""
        value = values.number(raw)
        text = raw if value is None and raw.__class__ is str else None
        quality = "bad" if value is None else self.quality
        self.add(
            subject,
            "value",
            value,
            text,
            unit,
            quality,
            source if source.__class__ is str else None,
        )

    def add(
        self,
        subject: str,
        metric: str,
        value: float | None,
        text: str | None,
        unit: str | None,
        quality: Quality,
        raw: str | None,
    ) -> Reading:
        """Write a reading as it stands. A device without a name is called by its topic."""
        reading = Reading(
            id=f"{self.id}.{len(self.events)}",
            time=self.time,
            subject=subject or self.topic,
            metric=metric,
            value=value,
            text=text,
            unit=unit,
            quality=quality,
            labels=self.labels,
            topic=self.topic,
            raw=raw,
        )
        self.events.append(reading)
        return reading

    def put_text(self, subject: str, metric: str, text: str, raw: Any = None) -> None:
        """Write a state that has no number."""
        self.add(
            subject,
            metric,
            None,
            text,
            None,
            self.quality if text else "bad",
            raw if raw.__class__ is str else text,
        )

    def put_bad(self, subject: str, metric: str, raw: Any) -> None:
        """Write that a state is not data."""
        text = raw if raw.__class__ is str and raw else None
        self.add(subject, metric, None, text, METRICS[metric].unit, "bad", text)

    def put_availability(self, subject: str, raw: Any, covers: str | None = None) -> None:
        """Write whether a device can be reached; never stale.

        With `covers`, it stands for all devices under that topic prefix.
        """
        if raw.__class__ is dict:
            raw = raw.get("state")
        word = raw.strip().lower() if raw.__class__ is str else raw
        value = _AVAILABILITY.get(word) if raw.__class__ is str else None
        if value is None:
            value = values.binary("availability", word)
        text = raw if value is None and raw.__class__ is str else None
        quality: Quality = "bad" if value is None else "good"
        reading = self.add(
            subject,
            "availability",
            value,
            text,
            None,
            quality,
            raw if raw.__class__ is str else None,
        )
        if value == 0.0:
            self.offline.append((subject, covers, reading))

    def put_occurrence(
        self,
        device: str,
        type: str,
        data: dict[str, Any],
        source: str | None = None,
        id: str | None = None,
    ) -> None:
        """Write that something happened to a device."""
        self.events.append(
            Occurrence(
                id=id or f"{self.id}.{len(self.events)}",
                time=self.time,
                subject=device or self.topic,
                type=type,
                data=data,
                source=source,
                topic=self.topic,
                labels=self.labels,
            )
        )

    def put_button_press(self, device: str, action: str, endpoint: str | None = None) -> None:
        """Write a button press, with the words of the vocabulary where the device has its own."""
        data = {"action": values.action(action)}
        if endpoint:
            data["endpoint"] = endpoint
        self.put_occurrence(device, "button_pressed", data)
