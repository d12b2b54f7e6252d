"""What is sent: events 0, 1, 2, … of one source, each in turn from another device, told apart by
their times.
"""

from dataclasses import dataclass

DEVICES = 10
PREFIX = "d"


@dataclass(frozen=True)
class Numbers:
    """Event n has the time `start` + n ms, so that every store shows which events it has;
    `start` is in whole seconds.
    """

    start: int

    def time(self, number: int) -> float:
        return self.start + number / 1000

    def number(self, time: float) -> int:
        return round((time - self.start) * 1000)

    @staticmethod
    def device(number: int) -> str:
        return f"{PREFIX}{number % DEVICES}"

    @staticmethod
    def share(numbers: int, devices: int) -> int:
        """How many of the first `numbers` events come from the first `devices` devices."""
        whole, rest = divmod(numbers, DEVICES)
        return whole * devices + min(rest, devices)
