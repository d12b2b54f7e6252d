"""Handing a mail to the mail server, with its refusals sorted into temporary and permanent."""

import base64
import contextlib
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from email.message import EmailMessage

from connectors.email.connection import EmailConnection
from connectors.runtime.error_text import encryption_fault, one_line
from connectors.runtime.far_end_check import PATIENCE
from connectors.runtime.threaded_writer import Retry

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
LOGGED_IN = 235
HANGS_UP = 421
"""The server leaves in the middle of a mail (RFC 5321, section 3.8): nobody has it."""
TOO_LARGE = (523, 552)
NO_SMTPUTF8 = (553, b"an address with such letters needs SMTPUTF8, which the server lacks")


class MailRejected(Exception):
    """The server will never take this mail: the message says why."""


def hand_over(
    connection: EmailConnection, name: str, mail: EmailMessage, to: Sequence[str]
) -> dict[str, str]:
    """Give the mail to the server for the recipients `to`.

    Returns those refused for good, with the reason. `name` is the connection's in the site file.
    Raises `Retry` when it may work later, `RecipientsDeferred` when it worked for some of them, and
    `MailRejected` when the server does not want the mail itself.
    """
    answers: dict[str, tuple[int, bytes]] = {}
    try:
        with session(connection, name) as server:
            written = [address for address in to if address.isascii()]
            if server.has_extn("smtputf8"):
                written = list(to)
            answers = {address: NO_SMTPUTF8 for address in to if address not in written}
            if written:
                answers |= server.send_message(mail, connection.sender, written)
    except smtplib.SMTPRecipientsRefused as error:
        if any(code == HANGS_UP for code, _ in error.recipients.values()):
            said = next(one_line(said) for _, said in error.recipients.values())
            raise Retry(_say(connection, f"puts the mail off: {HANGS_UP} {said}")) from error
        answers |= error.recipients
    except smtplib.SMTPSenderRefused as error:
        if error.smtp_code in TOO_LARGE:
            raise MailRejected(_text(error)) from error
        raise Retry(
            _say(
                connection,
                f"refuses the sender {connection.sender}: {_text(error)}; check 'sender'",
            )
        ) from error
    except smtplib.SMTPDataError as error:
        if error.smtp_code >= 500:
            raise MailRejected(_text(error)) from error
        raise Retry(_say(connection, f"puts the mail off: {_text(error)}")) from error
    except smtplib.SMTPNotSupportedError as error:
        sender = f"cannot write the sender {connection.sender} ({error}); check 'sender'"
        raise Retry(_say(connection, sender)) from error
    except smtplib.SMTPAuthenticationError as error:
        raise Retry(
            _say(
                connection,
                f"does not let {connection.username!r} in: {_text(error)}; "
                f"check username and password of the connection {name!r} in the site file",
            )
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise _no_answer(connection, error) from error
    permanent = {
        address: f"{code} {one_line(said)}"
        for address, (code, said) in answers.items()
        if code >= 500
    }
    temporary = {
        address: f"{code} {one_line(said)}"
        for address, (code, said) in answers.items()
        if code < 500
    }
    if temporary:
        raise RecipientsDeferred(
            _say(connection, f"puts off the mail to {', '.join(temporary)}"),
            list(temporary),
            permanent,
        )
    return permanent


class RecipientsDeferred(Retry):
    """Some recipients have to wait.

    `waiting` are their addresses, `permanent` those refused for good, with the reason; the others
    have their mail.
    """

    def __init__(self, detail: str, waiting: list[str], permanent: dict[str, str]) -> None:
        super().__init__(detail)
        self.waiting = waiting
        self.permanent = permanent


@contextlib.contextmanager
def session(connection: EmailConnection, name: str) -> Iterator[smtplib.SMTP]:
    """A session with the server, encrypted and logged in as the connection says."""
    host, port, timeout = connection.host, connection.port, connection.timeout
    encrypted = connection.encrypted
    tls = _tls(connection, name) if encrypted or connection.starttls != "off" else None
    server = (
        smtplib.SMTP_SSL(host, port, timeout=timeout, context=tls)
        if encrypted
        else smtplib.SMTP(host, port, timeout=timeout)
    )
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
            _log_in(server, connection.username, password)
        yield server
    finally:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()
        server.close()


def _log_in(server: smtplib.SMTP, user: str, password: str) -> None:
    if (user + password).isascii():
        server.login(user, password)
        return
    pair = base64.b64encode(f"\0{user}\0{password}".encode()).decode()  # RFC 4616; smtplib cannot
    code, said = server.docmd("AUTH", f"PLAIN {pair}")
    if code != LOGGED_IN:
        raise smtplib.SMTPAuthenticationError(code, said)


def greet(connection: EmailConnection, name: str) -> None:
    """See whether a mail server answers, without logging in; raises `Retry`."""
    host, port = connection.host, connection.port
    try:
        if connection.encrypted:
            tls = _tls(connection, name)
            smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=tls).quit()
        else:
            smtplib.SMTP(host, port, timeout=PATIENCE).quit()
    except (smtplib.SMTPException, OSError) as error:
        raise _no_answer(connection, error) from error


def _no_answer(connection: EmailConnection, error: Exception) -> Retry:
    if fault := encryption_fault(error):
        return Retry(f"the mail server {connection.host}:{connection.port}: {fault}")
    what = str(error) or type(error).__name__
    return Retry(
        f"no mail server answers at {connection.host}:{connection.port} ({what[:200]}); is it"
        " running there?"
    )


def _tls(connection: EmailConnection, name: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=connection.ca)
    except OSError as error:  # ssl.SSLError is one
        why = error.strerror or str(error)
        raise Retry(
            f"the certificate authority {connection.ca} cannot be used ({why}); check ca of"
            f" {name!r}"
        ) from error


def _say(connection: EmailConnection, what: str) -> str:
    return f"the mail server {connection.host}:{connection.port} {what}"


def _text(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {one_line(error.smtp_error)}"
