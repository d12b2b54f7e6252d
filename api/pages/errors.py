"""Why something about pages and alarms is refused; the messages are for whoever asked."""


class Denied(Exception):
    """The account may not do that."""


class Missing(Exception):
    """There is no such page, alarm, group or account."""


class Invalid(Exception):
    """The request cannot be carried out as it stands."""


class Changed(Exception):
    """Somebody else has changed it meanwhile."""
