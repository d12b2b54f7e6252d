"""The connection to the mail server in the site file."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from connectors.config.forms import with_port
from operators.component import Spec


def ascii_domain(address: str) -> str:
    """The address with its domain as the DNS has it: `café.example` is `xn--caf-dma.example`."""
    name, _, domain = address.rpartition("@")
    try:
        return f"{name}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return address


class EmailConnection(Spec):
    """The mail server that takes the mails."""

    url: str = Field(
        description=(
            "Address of the server: `smtp://host:port`, or `smtps://host:port` where it is"
            " encrypted from the start."
        ),
        examples=["smtp://mail:587", "smtps://mail.example.org:465"],
    )
    username: str | None = Field(None, description="User; empty for a server without users.")
    password: SecretStr | None = Field(None, description="Password of that user.")
    sender: str = Field(
        "vigie@localhost", description="Address the mails come from.", pattern=r"^[^@\s]+@[^@\s]+$"
    )
    starttls: Literal["auto", "required", "off"] = Field(
        "auto",
        description=(
            "Encrypt an `smtp://` connection: when the server offers it, always, or never. A"
            " password is never sent without encryption, except to this machine itself."
        ),
    )
    ca: str | None = Field(
        None,
        description="File of the certificate authority in PEM form; none for the system's own.",
    )
    timeout: int = Field(20, ge=1, le=300, description="Seconds to wait for the server's answer.")

    _port = field_validator("url")(with_port)

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError(
                f"{value.split('@')[-1]!r} is not an address of a mail server; write"
                " smtp://host:587"
            )
        if parts.username or parts.password:
            raise ValueError(
                "write the user and password as 'username' and 'password', not in the url"
            )
        return value

    @field_validator("sender")
    @classmethod
    def _as_in_the_dns(cls, value: str) -> str:
        return ascii_domain(value)

    @property
    def host(self) -> str:
        """The server's name or address."""
        return str(urlsplit(self.url).hostname)

    @property
    def port(self) -> int:
        """The server's port; by default 465 for `smtps`, else 587."""
        return urlsplit(self.url).port or (465 if self.encrypted else 587)

    @property
    def encrypted(self) -> bool:
        """Whether the connection is encrypted from the start."""
        return urlsplit(self.url).scheme == "smtps"
