"""Webhooks: the sink that calls another server for every event."""

from typing import ClassVar, Literal

from pydantic import Field

from connectors.base import ConnectorContext, Sink, Writer
from connectors.runtime.body import body_of
from connectors.runtime.optional_packages import needing
from connectors.runtime.subject_writer import Answer, SubjectWriter
from connectors.webhook.connection import WebhookConnection
from operators.events import Event


class Webhook(Sink):
    """Sends every event to another server in a request of its own.

    Its body is the map under `shape`, or else the event's JSON. Of alarms comes what is
    annunciated, unless `only: {change: ...}` chooses. An event counts as delivered when
    the server answers 2xx. After 401, 407, 408, 425, 429, 5xx, a redirect (which is not followed),
    a broken connection, or no answer in time it is sent again, after a random pause of at most 0.5,
    1, 2, … 10 seconds, or after as long as `Retry-After` says (at most an hour). 402, 403, 404,
    405, 410, 415, 421, 426 and 451 may be about the address: the event is sent again until the
    server takes others, at most for some ten minutes where no other waits. Then, and after any
    other 4xx at once, it goes to the dead letters as `refused`, with the status and the first 500
    bytes of the answer. The metrics count `sent`, `retried` and `dead_letter:refused`.

    With `outbox: 7d` an event that the server has not taken 7 days after it happened, in an outage
    that lasts as long, goes to the dead letters as `expired`. Without it, it waits for ever. What
    waits is in the topic that the flow reads: its retention must be longer than the `outbox`.

    Delivery: at least once and in order for each subject; different subjects overtake each other. A
    repetition has the same `Idempotency-Key`, the event's id, so that the server can leave it out.
    Back pressure: when the server takes nothing, the flow waits, and its events stay in the topic.
    When it keeps failing for one subject only, the others go on until the end of the epoch (1 s, at
    most 10,000 events), then the flow waits too.
    """

    NAME: ClassVar[str] = "webhook"
    CONNECTION: ClassVar[type[WebhookConnection]] = WebhookConnection
    FOR_PEOPLE: ClassVar[bool] = True
    EXPIRES: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "webhook: {connection: cloud, path: /api/events}",
        "webhook: {connection: cloud, path: /alarms, method: PUT, concurrency: 1}",
    )

    path: str = Field(
        description="Path below the connection's url.",
        pattern=r"^/[!-~]*$",
        examples=["/api/events"],
    )
    connection: str = Field(description="Connection of the site file.", examples=["cloud"])
    method: Literal["POST", "PUT"] = Field("POST", description="HTTP method.")
    concurrency: int = Field(
        4,
        ge=1,
        le=32,
        description=(
            "How many subjects may have a request under way; 1 keeps all events in one order,"
            " except that those of other subjects pass one that has to be sent again."
        ),
    )

    def open(self, context: ConnectorContext) -> Writer:
        """Make the writer; raises `ConnectorError` without urllib3 or with an unreadable `ca`."""
        with needing(f"{context.name}: a webhook", "webhook", "urllib3"):
            from connectors.webhook.client import WebhookClient

        client = WebhookClient(context.connection, self.path, self.method, self.concurrency)

        def send(event: Event) -> Answer:
            return client.send(event.id, body_of(event, context))

        return SubjectWriter(context, "webhook", send, self.concurrency, client.close)
