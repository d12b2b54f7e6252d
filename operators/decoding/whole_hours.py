"""Finds devices whose clock is steadily off by whole hours: their time zone is not the site's."""

_STEADY = 3
"""Messages in a row that are off by the same hours."""
_JITTER = 300.0
"""Seconds by which such a message may be off beside the hours: delays, and clocks that drift."""
_MOST = 14
_REMEMBERED = 4096
LEAST = 3600.0 - _JITTER


class WholeHours:
    """Tells each device once; a device that is right again is forgotten. Bounded in devices."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}
        self._told: set[str] = set()

    @property
    def suspects_nobody(self) -> bool:
        """Whether no device was off in its last message."""
        return not self._seen

    def note(self, device: str, late: float) -> str | None:
        """Take how far a device's time is behind the receipt; return what is to be told."""
        hours = round(late / 3600)
        if not 1 <= abs(hours) <= _MOST or abs(late - hours * 3600) > _JITTER:
            self._seen.pop(device, None)
            return None
        before, times = self._seen.pop(device, (hours, 0))
        times = times + 1 if before == hours else 1
        if times < _STEADY:
            if len(self._seen) >= _REMEMBERED:
                del self._seen[next(iter(self._seen))]
            self._seen[device] = (hours, times)
            return None
        if device in self._told or len(self._told) >= _REMEMBERED:
            return None
        self._told.add(device)
        side = "behind" if hours > 0 else "ahead of"
        return (
            f"{device}: its times are steadily {abs(hours)} h {side} the receipt, as if its time"
            " zone were not the site's: set the zone on the device, let it send UTC with an offset,"
            " or take the time of receipt (clock: {time: arrival})"
        )
