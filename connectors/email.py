"""E-mail: the sink that writes to people, and to them not too often."""

from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from connectors.base import Sink
from operators.component import Spec
from operators.quantity import Duration, Some


class EmailConnection(Spec):
    """The mail server that takes the mails."""

    url: str = Field(
        description="Address of the server: `smtp://host:port`, or `smtps://host:port` where it is encrypted from the start.",
        examples=["smtp://mail:587", "smtps://mail.example.org:465"],
    )
    username: str | None = Field(None, description="User; empty for a server without users.")
    password: SecretStr | None = Field(None, description="Password of that user.")
    sender: str = Field("vigie@localhost", description="Address the mails come from.", pattern=r"^[^@\s]+@[^@\s]+$")
    starttls: Literal["auto", "required", "off"] = Field(
        "auto",
        description="Encrypt an `smtp://` connection: when the server offers it, always, or never. A password is never sent "
        "without encryption, except to this machine itself.",
    )
    ca: str | None = Field(
        None, description="File of the certificate authority in PEM form; none for the system's own."
    )
    timeout: int = Field(20, ge=1, le=300, description="Seconds to wait for the server's answer.")

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError(f"{value.split('@')[-1]!r} is not an address of a mail server; write smtp://host:587")
        if parts.username or parts.password:
            raise ValueError("write the user and password as 'username' and 'password', not in the url")
        return value


class Email(Sink):
    """Sends events by e-mail; a flood of them is one mail.

    The first event waits `group_wait` for others; all that came by then go into one mail, and the next one follows after
    `group_interval` at the earliest. A mail about one event has `title` as its subject and `body` as its text; one about
    several says how many there are and lists them in order.

    Delivery: at least once. Waiting events are kept in a file in the flow's data folder, so a crash or a mail server that
    is down loses none. A mail that might go out twice, after a crash at the wrong moment, has the same Message-ID. When the
    server refuses a recipient for good, the mail goes to dead letters and the other recipients get theirs.
    Back pressure: none up to 100,000 waiting events, then the flow waits.
    """

    NAME: ClassVar[str] = "email"
    CONNECTION: ClassVar[type[EmailConnection]] = EmailConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        'email: {to: ops@example.org, title: "{alarm} {change}: {subject} at {value} {unit}"}',
        'email: {to: [ops@example.org, guard@example.org], title: "{alarm} {change}", body: "{response}", group_wait: 30s}',
    )

    to: Some = Field(description="Address, or list of addresses.", examples=["ops@example.org"])
    title: str = Field(description="Subject line; may hold `{field}`.", examples=["{alarm} {change}: {subject}"])
    body: str | None = Field(
        None, description="Text of the mail; may hold `{field}`. None for a listing of what is known."
    )
    group_wait: Duration = Field(10.0, description="How long the first event waits for others.", examples=["10s"])
    group_interval: Duration = Field(60.0, description="Least time between two mails of this sink.", examples=["5min"])
    connection: str = Field("email", description="Connection of the site file.")
