"""Whether a mail server lets us in; no mail is sent."""

import smtplib
from collections.abc import Iterator

from connectors.base import NoAnswer
from connectors.email.connection import EmailConnection
from connectors.email.smtp import session
from connectors.runtime.error_text import one_line
from connectors.runtime.finding import Finding
from connectors.runtime.threaded_writer import Retry


def inspect(connection: EmailConnection, name: str) -> Iterator[Finding]:
    """Connect and log in; raises `NoAnswer`."""
    try:
        with session(connection, name) as server:
            server.noop()
    except (smtplib.SMTPException, OSError, Retry) as error:
        raise NoAnswer(
            f"the mail server {connection.host}:{connection.port} does not let us in:"
            f" {one_line(str(error), 200)}; check url, username and password of the connection"
        ) from error
    came = f"lets {connection.username!r} in" if connection.username else "answers"
    yield Finding("mail server", "ok", f"{came}; vigie test-send sends a mail")
