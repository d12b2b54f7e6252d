"""Alarms that belong to people: their rules have keys that only the api makes."""

from operators.events import AlarmTransition

PRIVATE_PREFIX = "~"
"""What keys of pages and alarms begin with that people made; names in definitions never do."""

NOBODYS_PAGE = PRIVATE_PREFIX
"""A page that nobody has."""


def rule_key(transition: AlarmTransition) -> str | None:
    """The key of the alarm that somebody wrote; None for alarms of definitions."""
    key = (*transition.rule.split("/"), "", "")[
        2
    ]  # FLOW/ALARM/KEY, with /METRIC of a further signal
    return key if key.startswith(PRIVATE_PREFIX) else None


def hide_private(transition: AlarmTransition) -> AlarmTransition:
    """Put an alarm of somebody's whose page the flow has lost on a page that nobody may see.

    Otherwise everybody would see it: alarms on no page are public. Returns the transition.
    """
    if transition.page is None and rule_key(transition) is not None:
        transition.page = NOBODYS_PAGE
    return transition
