"""The flows of the site as a source of readings."""

from collections.abc import Callable
from typing import ClassVar

from pydantic import Field

from connectors.base import ConnectorContext, PushSource, Receiver
from connectors.kafka.connection import TopicConnection
from operators.events import Event
from operators.model.units import Duration


class Announcements(PushSource):
    """Watches the flows of the site, and gives readings of them for alarms to judge.

    Every flow tells of itself over the broker. Of each process, as the subject `vigie/FLOW`, this
    source gives `unheard` (seconds since it last said that it evaluates; 0 once it is stopped as
    asked), `blind` (1 while it waits for something without which alarms are not evaluated),
    `sink_behind` (seconds since the oldest event came that waits for a sink), `retention_used` (%
    of the time for which a topic keeps records that the oldest unread one has used up) and
    `clock_skew` (seconds that its machine's clock is ahead of the one here); of each machine, as
    `vigie/HOST`, `disk_used` (% of the disk of the saved states). Labels: `flow`, `host`,
    `waiting_for`, `sink`, `source`.

    `vigie up` runs such a flow by itself (`flows/definitions/vigie.yaml`).

    Delivery: readings are made of what is so at the moment; none are made while the broker is down.
    Back pressure: none.
    """

    NAME: ClassVar[str] = "announcements"
    CONNECTION: ClassVar[type[TopicConnection]] = TopicConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = ("announcements: {every: 5s}",)

    every: Duration = Field(
        5.0, ge=0.5, le=3600, description="Time from one set of readings to the next."
    )
    connection: str = Field("redpanda", description="Connection of the site file.")

    def receiver(
        self, context: ConnectorContext, write: Callable[[Event, Callable[[], None]], None]
    ) -> Receiver:
        """Make the receiver."""
        from connectors.kafka.announcements.receiver import AnnouncementsReceiver

        return AnnouncementsReceiver(context, write, self.every)
