"""Clocks: whose time an event has must be clear before it is decoded."""

from flows.checks.context import Scope, clocks


def check_clock(scope: Scope) -> None:
    """`decode` needs to know whether a device's own time counts, and must not be told both."""
    for path, stream, step in scope.steps():
        if step.kind != "decode":
            continue
        kinds = {clock.time: name for name, clock in clocks(scope.flow, stream).items()}
        if len(kinds) == 2:
            message = (
                f"sources with different clocks: {kinds['arrival']!r} tells time by arrival,"
                f" {kinds['event']!r} by event"
            )
            scope.say((*path, "decode"), message, "decode each in a stream of its own", key=True)
        elif "arrival" in kinds and getattr(step.settings, "time", None) is not None:
            message = f"does nothing: the clock of {kinds['arrival']!r} tells time by arrival"
            scope.say(
                (*path, "decode", "time"), message, "remove it, or  time: arrival  of the clock"
            )
