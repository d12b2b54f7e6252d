"""Base class of steps with roles: events of several streams, taken in the order of their times."""

import math

from operators.component import Due, Logic, Now
from operators.events import Event


class RoleLogic(Logic):
    """Takes what the roles bring in one pass by time, whatever the order of the roles.

    The engine hands over one role after another and then asks for the next deadline: while
    something is waiting, it is due at once, so nothing waits when state is saved. Subclasses
    implement `take`, and `on_due` and `deadline` in place of `on_time` and `next_time`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[tuple[float, int, str, Event]] = []

    def on_role(self, role: str, events: list[Event], now: Now) -> list[Event]:
        """Keep events until those of all roles are there."""
        arrived = len(self._waiting)
        self._waiting += [(event.time, arrived + n, role, event) for n, event in enumerate(events)]
        return []

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        """A stream whose `from` has no roles: nothing can be told apart."""
        raise TypeError(
            "this step needs roles; write the stream's input as  from: {role: stream, ...}"
        )

    def on_time(self, now: Now) -> list[Event]:
        """Act on what is due."""
        out: list[Event] = []
        waiting, self._waiting = sorted(self._waiting, key=lambda item: item[:2]), []
        for _, _, role, event in waiting:
            self.take(role, event, out)
        self.on_due(now, out)
        return out

    def next_time(self) -> Due:
        """Return the next deadlines."""
        return Due(event=-math.inf) if self._waiting else self.deadline()

    def take(self, role: str, event: Event, out: list[Event]) -> None:
        """Take one event of a role."""
        raise NotImplementedError

    def on_due(self, now: Now, out: list[Event]) -> None:
        """Do what is due at `now`."""
        raise NotImplementedError

    def deadline(self) -> Due:
        """When something is due next."""
        raise NotImplementedError
