"""Handing a mail to the mail server, with its refusals sorted into those that pass and those
that stay.
"""

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from connectors.runtime.batch_writer import Retry
from operators.component import Spec

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


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


class Refused(Exception):
    """The server will never take this mail: the message says why."""


def hand_over(
    connection: EmailConnection, name: str, mail: EmailMessage, to: list[str]
) -> dict[str, str]:
    """Give the mail to the server for the recipients `to`; returns those refused for good, with the
    reason.

    Raises `Retry` when it may work later, `Later` when it worked for some of them, and `Refused`
    when the server does not want the mail itself.
    """
    try:
        with _session(connection, name) as server:
            answers = server.send_message(mail, connection.sender, to)
    except smtplib.SMTPRecipientsRefused as error:
        answers = error.recipients
    except smtplib.SMTPSenderRefused as error:
        raise Retry(
            _say(
                connection,
                f"refuses the sender {connection.sender}: {_text(error)}; check 'sender'",
            )
        ) from error
    except smtplib.SMTPDataError as error:
        if error.smtp_code >= 500:
            raise Refused(_text(error)) from error
        raise Retry(_say(connection, f"puts the mail off: {_text(error)}")) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Refused(
            f"{error}; the address or text needs SMTPUTF8, which the server lacks"
        ) from error
    except smtplib.SMTPAuthenticationError as error:
        raise Retry(
            _say(
                connection,
                f"does not let {connection.username!r} in: {_text(error)}; "
                f"check username and password of the connection {name!r} in the site file",
            )
        ) from error
    except ssl.SSLError as error:
        raise Retry(
            _say(connection, f"and we agree on no encryption: {error.reason or error}; check 'ca'")
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        what = str(error) or type(error).__name__
        raise Retry(
            f"no mail server answers at {_place(connection)} ({what[:200]}); is it running there?"
        ) from error
    lasting = {
        address: f"{code} {_decode(said)}"
        for address, (code, said) in answers.items()
        if code >= 500
    }
    passing = {
        address: f"{code} {_decode(said)}"
        for address, (code, said) in answers.items()
        if code < 500
    }
    if passing:
        raise Later(
            _say(connection, f"puts off the mail to {', '.join(passing)}"), list(passing), lasting
        )
    return lasting


class Later(Retry):
    """Some recipients have to wait; `lasting` are those refused for good meanwhile, the others
    have their mail.
    """

    def __init__(self, detail: str, waiting: list[str], lasting: dict[str, str]) -> None:
        super().__init__(detail)
        self.waiting = waiting
        self.lasting = lasting


@contextlib.contextmanager
def _session(connection: EmailConnection, name: str) -> Iterator[smtplib.SMTP]:
    parts = urlsplit(connection.url)
    host = str(parts.hostname)
    encrypted = parts.scheme == "smtps"
    tls = _tls(connection, name) if encrypted or connection.starttls != "off" else None
    if encrypted:
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, parts.port or 465, timeout=connection.timeout, context=tls
        )
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=connection.timeout)
    try:
        server.ehlo_or_helo_if_needed()
        if not encrypted and tls is not None and server.has_extn("starttls"):
            server.starttls(context=tls)
            server.ehlo()
            encrypted = True
        if not encrypted and connection.starttls == "required":
            raise Retry(
                _say(
                    connection,
                    f"offers no encryption (STARTTLS), which the connection {name!r} requires",
                )
            )
        if connection.username:
            if not encrypted and host not in LOOPBACK:
                raise Retry(
                    _say(
                        connection,
                        "offers no encryption, so the password is not sent; use smtps:// in"
                        f" {name!r}",
                    )
                )
            password = connection.password.get_secret_value() if connection.password else ""
            if not server.has_extn("auth"):
                raise Retry(
                    _say(
                        connection,
                        f"takes no password; leave username out of the connection {name!r}",
                    )
                )
            server.login(connection.username, password)
        yield server
    finally:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()
        server.close()


def _tls(connection: EmailConnection, name: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=connection.ca)
    except OSError as error:  # ssl.SSLError is one
        why = error.strerror or str(error)
        raise Retry(
            f"the certificate authority {connection.ca} cannot be used ({why}); check ca of"
            f" {name!r}"
        ) from error


def _place(connection: EmailConnection) -> str:
    parts = urlsplit(connection.url)
    return f"{parts.hostname}:{parts.port or (465 if parts.scheme == 'smtps' else 587)}"


def _say(connection: EmailConnection, what: str) -> str:
    return f"the mail server {_place(connection)} {what}"


def _text(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_decode(error.smtp_error)}"


def _decode(said: bytes | str) -> str:
    plain = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(plain.split())[:200]
