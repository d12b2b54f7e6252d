"""The part `watch` of the site file: who hears of the site's own alarms."""

from pydantic import Field

from operators.component import Spec


class WatchSection(Spec):
    """The alarms that `vigie up` keeps of the site itself: a flow that is down, a disk nearly full.

    For other limits, write a flow `vigie` of your own, beginning with the one that comes along.
    """

    mail: list[str] = Field(
        [],
        description="Addresses that are mailed of them, over the connection `email`.",
        examples=[["ops@example.org"]],
    )
