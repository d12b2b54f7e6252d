"""A constant-velocity Kalman filter for one box: where it is, where it goes, and how sure that is.

The four numbers of a box (centre x, centre y, width, height) do not disturb each other, so each is
a filter of its own with two states, position and velocity (Bewley et al. 2016, "Simple online and
realtime tracking", with the white-noise acceleration of Bar-Shalom, "Estimation with applications
to tracking and navigation", 6.2.2, so that pictures may come at any interval). Noise is in sizes of
the box: horizontal in widths, vertical in heights.
"""

from collections.abc import Iterable

from operators.vision.boxes import Box

Axis = tuple[float, float, float, float, float]
"""Position, velocity (a second), and the covariance: of the position, of both, of the velocity."""

JITTER = 0.05
"""Standard deviation of what a detector says, in sizes of the box."""
UNKNOWN_SPEED = 2.0
"""Standard deviation of the velocity of what is new, in sizes of the box a second."""
SWERVE = 0.5
"""How quickly the velocity changes: its standard deviation after a second, in sizes a second."""
SMALLEST = 1e-6
"""The least width and height that is foretold."""


class Motion:
    """The motion of one box. Its state is plain floats and restores to the bit."""

    __slots__ = ("axes",)

    def __init__(self, axes: Iterable[Axis]) -> None:
        self.axes: list[Axis] = list(axes)

    @classmethod
    def begin(cls, box: Box) -> "Motion":
        """Return the motion of a box that was seen once."""
        sizes = _sizes(box)
        return cls(
            (at, 0.0, (JITTER * size) ** 2, 0.0, (UNKNOWN_SPEED * size) ** 2)
            for at, size in zip(_centred(box), sizes, strict=True)
        )

    def box(self, seconds: float = 0.0) -> Box:
        """Return where the box is foretold to be in so many seconds."""
        x, y, width, height = (at + speed * seconds for at, speed, *_ in self.axes)
        width, height = max(width, SMALLEST), max(height, SMALLEST)
        return x - width / 2, y - height / 2, width, height

    def see(self, box: Box, seconds: float) -> None:
        """Take in a box that was seen so many seconds after the one before."""
        self.axes = [
            _corrected(_foretold(axis, seconds, SWERVE * size), at, JITTER * size)
            for axis, at, size in zip(self.axes, _centred(box), _sizes(box), strict=True)
        ]


def _centred(box: Box) -> Box:
    left, top, width, height = box
    return left + width / 2, top + height / 2, width, height


def _sizes(box: Box) -> Box:
    _, _, width, height = box
    return width, height, width, height


def _foretold(axis: Axis, seconds: float, swerve: float) -> Axis:
    """The state after some seconds without a look."""
    at, speed, p, c, v = axis
    noise = swerve * swerve
    return (
        at + speed * seconds,
        speed,
        p + seconds * (2 * c + seconds * v) + noise * seconds**3 / 3,
        c + seconds * v + noise * seconds**2 / 2,
        v + noise * seconds,
    )


def _corrected(axis: Axis, seen: float, jitter: float) -> Axis:
    """The state after a look."""
    at, speed, p, c, v = axis
    total = p + jitter * jitter
    for_position, for_speed = p / total, c / total
    missed = seen - at
    return (
        at + for_position * missed,
        speed + for_speed * missed,
        p - for_position * p,
        c - for_position * c,
        v - for_speed * c,
    )
