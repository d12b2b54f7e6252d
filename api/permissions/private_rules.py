"""Which alarms belong to people: their rules have keys that only the api makes."""

from operators.events import AlarmTransition

PRIVATE_PREFIX = "~"
"""What keys of pages and alarms begin with that people made; names in definitions never do."""

NOBODYS_PAGE = PRIVATE_PREFIX
"""A page that nobody has."""


def rule_key(transition: AlarmTransition) -> str | None:
    """The key of the alarm that somebody wrote; None for alarms of definitions."""
    last = transition.rule.rpartition("/")[2]
    return last if last.startswith(PRIVATE_PREFIX) else None


def hide_private(transition: AlarmTransition) -> AlarmTransition:
    """The same, on no page that anybody may see if it is somebody's alarm and the flow lost its
    page: what belongs to no page is for everybody."""
    if transition.page is None and rule_key(transition) is not None:
        transition.page = NOBODYS_PAGE
    return transition
