"""E-mail: the sink that writes to people, and not too often."""

import re
from typing import ClassVar

from pydantic import Field, field_validator

from connectors.base import ConnectorContext, Sink, Writer
from connectors.email.connection import EmailConnection, ascii_domain
from operators.model.template import Template
from operators.model.units import Duration, Some


def _remedy(address: str) -> str:
    if named := re.fullmatch(r"[^<>]*<([^<>@\s]+@[^<>@\s]+)>", address):
        return f"; write the address alone: {named[1]}"
    several = [one.strip() for one in address.replace(";", ",").split(",")]
    listed = len(several) > 1 and all("@" in one for one in several)
    return f"; write a list: [{', '.join(several)}]" if listed else ", such as ops@example.org"


class Email(Sink):
    """Sends events by e-mail; a flood of them is one mail.

    The first event waits `group_wait` for others; all that came by then go into one mail, and the
    next one follows after
    `group_interval` at the earliest. A mail about one event has `title` as its subject and `body`
    as its text; one about several says how many there are and lists them, the most urgent first, a
    thousand at most: the others come in the next. Of alarms comes what is annunciated, unless
    `only: {change: ...}` chooses.

    Delivery: at least once. Waiting events are kept in a file in the flow's data folder, so a crash
    or a mail server that is down loses none. A mail that might go out twice, after a crash at the
    wrong moment, has the same Message-ID. When the server refuses a recipient for good, the mail
    goes to dead letters and the other recipients get theirs. For one that it puts off, the mail is
    tried again for some three hours, and stops no other mail.
    Back pressure: none up to 100,000 waiting events, then the flow waits.
    """

    NAME: ClassVar[str] = "email"
    CONNECTION: ClassVar[type[EmailConnection]] = EmailConnection
    FOR_PEOPLE: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "email: {to: ops@example.org}",
        'email: {to: ops@example.org, title: "{alarm} {change}: {subject} at {value} {unit}"}',
        (
            'email: {to: [ops@example.org, guard@example.org], title: "{alarm} {change}", body:'
            ' "{response}", group_wait: 30s}'
        ),
    )

    to: Some = Field(description="Address, or list of addresses.", examples=["ops@example.org"])
    title: str | None = Field(
        None,
        description=(
            "Subject line; may hold `{field}`. None for what happened: how urgent, what, where and"
            " how much."
        ),
        examples=["{alarm} {change}: {subject}"],
    )
    body: str | None = Field(
        None,
        description="Text of the mail; may hold `{field}`. None for a listing of what is known.",
    )
    group_wait: Duration = Field(
        10.0, description="How long the first event waits for others.", examples=["10s"]
    )
    group_interval: Duration = Field(
        60.0, description="Least time between two mails of this sink.", examples=["5min"]
    )
    connection: str = Field("email", description="Connection of the site file.")

    @field_validator("to")
    @classmethod
    def _addresses(cls, value: Some) -> Some:
        if not value:
            raise ValueError("needs at least one mail address")
        for address in [value] if isinstance(value, str) else value:
            name, _, domain = address.rpartition("@")
            if not name or not domain or any(c.isspace() or c in ",<>" for c in address):
                raise ValueError(f"{address!r} is not a mail address{_remedy(address)}")
        return value

    @field_validator("title", "body")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            Template(value)
        return value

    def open(self, context: ConnectorContext) -> Writer:
        """Make the writer; raises `ConnectorError` if its file of waiting events is damaged."""
        from connectors.email.writer import EmailWriter, Settings

        settings = Settings(
            connection=self.connection,
            to=tuple(map(ascii_domain, [self.to] if isinstance(self.to, str) else self.to)),
            title=self.title,
            body=self.body,
            group_wait=self.group_wait,
            group_interval=self.group_interval,
        )
        return EmailWriter(context, settings)
