"""The last readings of every device, for the time when it goes offline.

They are then issued again as stale; likewise those of all devices behind a bridge.
"""

from typing import Any, NamedTuple

from operators.events import Event, Reading

EXPIRY = 86400.0
"""A device that says nothing for this long is forgotten, in seconds."""
MAX_SIGNALS = 200_000
"""Signals and devices remembered in all; above it the devices silent for longest are forgotten."""
MAX_PER_DEVICE = 1000
MAX_TEXT = 1000
"""A longer text is not remembered, in characters."""


class _Last(NamedTuple):
    time: float
    value: float | None
    text: str | None
    unit: str | None
    labels: dict[str, str]
    topic: str | None
    raw: str | None


class _Device:
    __slots__ = ("last_message", "signals", "topic")

    def __init__(self, last_message: float, topic: str) -> None:
        self.last_message = last_message
        self.topic = topic
        self.signals: dict[tuple[str, str], _Last] = {}


class OfflineDevices:
    """State of the rule "availability 0 makes the device's last readings stale".

    Bounded in devices, signals and time.
    """

    def __init__(self) -> None:
        self._devices: dict[str, _Device] = {}
        self._signals = 0

    def remember(self, events: list[Event], received: float) -> None:
        """Note the readings of one message; good ones only, since bad ones stay bad."""
        devices = self._devices
        name = ""
        device: _Device | None = None
        for event in events:
            if event.__class__ is not Reading or event.metric == "availability":
                continue
            subject = event.subject
            if device is None or subject != name:
                owner = subject.partition("#")[0] if "#" in subject else subject
                if device is None or owner != name:
                    name = owner
                    device = devices.pop(name, None) or _Device(received, event.topic or "")
                    device.last_message = received
                    devices[name] = device
            key = (subject, event.metric)
            if event.quality == "bad" or len(event.raw or event.text or "") > MAX_TEXT:
                if device.signals.pop(key, None) is not None:
                    self._signals -= 1
                continue
            if key not in device.signals:
                if len(device.signals) >= MAX_PER_DEVICE:
                    continue
                self._signals += 1
            device.signals[key] = _Last(
                event.time,
                event.value,
                event.text,
                event.unit,
                event.labels,
                event.topic,
                event.raw,
            )
        while devices:
            oldest = next(iter(devices))
            if (
                self._signals + len(devices) <= MAX_SIGNALS
                and devices[oldest].last_message >= received - EXPIRY
            ):
                break
            self._signals -= len(devices.pop(oldest).signals)

    def reissue(self, subject: str, covers: str | None, cause: Reading) -> list[Event]:
        """Return stale copies of the last readings of a device, at the time of `cause`.

        With `covers`, of all devices whose topic or name starts with it. They are forgotten.
        """
        names = [subject] if subject in self._devices else []
        if covers is not None:
            names += [
                name
                for name, device in self._devices.items()
                if device.topic.startswith(covers) or name.startswith(covers)
            ]
        stale: list[Event] = []
        for name in dict.fromkeys(names):
            signals = self._devices.pop(name).signals
            self._signals -= len(signals)
            for (owner, metric), last in signals.items():
                stale.append(
                    Reading(
                        id=f"{cause.id}/stale/{owner}/{metric}",
                        time=max(cause.time, last.time),
                        subject=owner,
                        metric=metric,
                        value=last.value,
                        text=last.text,
                        unit=last.unit,
                        quality="stale",
                        labels=dict(last.labels),
                        topic=last.topic,
                        raw=last.raw,
                    )
                )
        return stale

    def snapshot(self) -> object:
        """Return the state as plain data."""
        return [
            (
                name,
                device.last_message,
                device.topic,
                [(key, tuple(last)) for key, last in device.signals.items()],
            )
            for name, device in self._devices.items()
        ]

    def restore(self, state: Any) -> None:
        """Take back what `snapshot` returned."""
        self._devices, self._signals = {}, 0
        for name, last_message, topic, signals in state or ():
            device = self._devices[name] = _Device(last_message, topic)
            device.signals = {tuple(key): _Last(*last) for key, last in signals}
            self._signals += len(signals)
