"""Apprise: the sink that tells people through the push service that they use."""

from typing import ClassVar

from pydantic import Field, field_validator

from connectors.apprise.connection import AppriseConnection
from connectors.base import ConnectorContext, Sink, Writer
from connectors.runtime.optional_packages import needing
from connectors.runtime.subject_writer import Answer, SubjectWriter
from operators.events import Event
from operators.model.fields import text
from operators.model.template import Template
from operators.model.wording import text_of, title_of


class Apprise(Sink):
    """Tells people through a push service: ntfy, Telegram, Slack, Teams, Pushover and many more.

    The connection has the service's address, in the form of the package apprise. Every event is one
    notification with `title` and `body`. Of alarms comes what is annunciated, unless `only:
    {change: ...}` chooses; behind `notify` one notification is about a group of them.

    A notification counts as delivered when the service takes it. After 401, 407, 408, 425, 429 and
    anything but 4xx it is sent again, after a random pause of at most 0.5, 1, 2, … 10 seconds; so
    it is after 402, 403, 404, 405, 410, 415, 421, 426 and 451 until the service takes others. After
    another 4xx it goes to the dead letters as `refused`. With `outbox: 1h` one that the service has
    not taken 1 h after it happened goes to the dead letters as `expired`.

    Of several targets in one address, such as `ntfys://ntfy.sh/A/B`, those that have a notification
    do not get it again for those that refuse it; these make a dead letter of it.

    Delivery: at least once and in order for each subject; all in one order unless `concurrency` is
    higher or one has to be sent again. No service knows that it had a notification before: after a
    crash at the wrong moment it comes twice.
    Back pressure: when the service takes nothing, or only so many notifications a second, events
    wait where the sink takes them from. A target is asked as often as apprise thinks right for its
    service, mostly once in 5.5 s: put `notify` before it, which makes one notification of many.
    """

    NAME: ClassVar[str] = "apprise"
    CONNECTION: ClassVar[type[AppriseConnection]] = AppriseConnection
    FOR_PEOPLE: ClassVar[bool] = True
    EXPIRES: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "apprise: {connection: phone}",
        'apprise: {connection: desk, title: "{priority}: {subject}", body: "{text}"}',
    )

    connection: str = Field(description="Connection of the site file.", examples=["phone"])
    title: str | None = Field(
        None,
        description="Title; may hold `{field}`. None for what happened, the most urgent first.",
        examples=["{alarm} {change}: {subject}"],
    )
    body: str | None = Field(
        None, description="Text; may hold `{field}`. None for what people need to know."
    )
    concurrency: int = Field(
        1,
        ge=1,
        le=32,
        description=(
            "How many subjects may have a request under way; 1 keeps all events in one order,"
            " except that those of other subjects pass one that has to be sent again."
        ),
    )

    @field_validator("title", "body")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            Template(value)
        return value

    def open(self, context: ConnectorContext) -> Writer:
        """Make the writer; raises `ConnectorError` without apprise or for an unknown address."""
        with needing(f"{context.name}: apprise", "apprise", "apprise"):
            from connectors.apprise.client import AppriseClient, kind_of

        client = AppriseClient(context.connection, context.name)
        title, body = (
            Template(source, context.timezone) if source is not None else None
            for source in (self.title, self.body)
        )

        def send(event: Event) -> Answer:
            head = title_of(event) if title is None else text(title.render(event))
            words = text_of(event, context.timezone) if body is None else text(body.render(event))
            return client.send(event.id, head, words or head or event.id, kind_of(event))

        return SubjectWriter(context, "apprise", send, self.concurrency)
