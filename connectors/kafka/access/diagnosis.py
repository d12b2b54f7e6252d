"""Why a broker does not let us in, found out by hand: the client only says that it timed out."""

import contextlib
import socket
import ssl
import struct
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from kafka.net.sasl import get_sasl_mechanism

from connectors.kafka.access import wire
from connectors.kafka.access.refusals import BrokerRefusal
from connectors.kafka.connection import TopicConnection

SECONDS = 3.0
UNSUPPORTED_MECHANISM, ILLEGAL_STATE = 33, 34
NO_MECHANISM = "NONE"


class Found(NamedTuple):
    """What a look at the brokers showed: a refusal, or words for what else is wrong, or nothing.

    `answers` says that one of them did.
    """

    refusal: BrokerRefusal | None = None
    words: str = ""
    answers: bool = True


def find_refusal(connection: TopicConnection) -> BrokerRefusal | None:
    """Why the brokers refuse this connection; None where none can be reached, or all is well."""
    return look(connection).refusal


def look(connection: TopicConnection) -> Found:
    """Why the brokers refuse this connection, or what else is wrong with it, as far as it shows."""
    lost = []
    for address in connection.brokers:
        host, _, port = address.rpartition(":")
        try:
            link: Any = _reached(host, int(port))
        except OSError as error:
            lost.append((address, _why(error)))
            continue
        try:
            with contextlib.closing(link), contextlib.ExitStack() as opened:
                if connection.tls:
                    link = _secured(connection, address, host, link)
                    opened.callback(link.close)
                _enter(connection, address, host, link)
                return Found(words=_advertised_faults(address, link))
        except BrokerRefusal as refusal:
            return Found(refusal)
        except TimeoutError:
            lost.append((address, "it takes the connection and says nothing"))
        except (OSError, wire.Closed, wire.Foreign, struct.error):
            return Found()
    words = [why if len(lost) == 1 else f"{address}: {why}" for address, why in lost]
    return Found(words="; ".join(words), answers=False)


def _reached(host: str, port: int) -> socket.socket:
    return socket.create_connection((host.strip("[]"), port), SECONDS)


def _why(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "no such host is known here"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    return error.strerror or "no way there"


def _advertised_faults(address: str, link: Any) -> str:
    """What is wrong with the addresses under which the brokers tell clients to reach them."""
    try:
        told = wire.brokers(wire.ask(link, wire.METADATA, 1, struct.pack(">i", 0)))
    except wire.Closed:
        return f"{address} answers, but not as a broker does; name no controller's port"
    lost = []
    for host, port in told:
        try:
            _reached(host, port).close()
        except OSError as error:
            lost.append(f"{host}:{port} ({_why(error)})")
    if not lost:
        return ""
    return (
        f"the broker at {address} sends clients on to {'; '.join(lost)}. Start the broker there,"
        " or set its advertised.listeners to an address that this machine reaches"
    )


def _enter(connection: TopicConnection, address: str, host: str, link: Any) -> None:
    link.settimeout(SECONDS)
    try:
        wire.ask(link, wire.VERSIONS, 0, b"")
    except wire.Foreign as error:
        raise BrokerRefusal(
            f"what answers at {address} speaks another protocol than Kafka's (it says"
            f" {str(error)!r}); name the broker's port"
        ) from error
    except wire.Closed as error:
        raise BrokerRefusal(
            f"the broker at {address} ends the connection at once: "
            + (
                "it asks for a client's certificate that it trusts; set `certificate` and `key`"
                if connection.tls
                else "it seems to want TLS there, or is no Kafka broker; set `tls: true`, or name"
                " the broker's port without TLS"
            )
        ) from error
    if connection.sasl is None:
        code, offered = _handshake(link, NO_MECHANISM)
        if code == UNSUPPORTED_MECHANISM and NO_MECHANISM not in offered:  # the embedded one's echo
            raise BrokerRefusal(
                f"the broker at {address} wants a user; set `username`, `password` and `mechanism`"
                f" (it offers {', '.join(offered)})"
            )
        return
    code, offered = _handshake(link, connection.sasl)
    if code == UNSUPPORTED_MECHANISM:
        raise BrokerRefusal(
            f"the broker at {address} does not offer {connection.sasl}; set `mechanism` to one of:"
            f" {', '.join(offered)}"
        )
    if code == ILLEGAL_STATE:
        raise BrokerRefusal(
            f"the broker at {address} wants no user there; leave `username` and `mechanism` out, or"
            " name its port for users"
        )
    _authenticate(connection, address, host, link)


def _secured(connection: TopicConnection, address: str, host: str, link: Any) -> Any:
    try:
        context = ssl.create_default_context(cafile=connection.ca)
        if connection.certificate:
            password = connection.key_password
            context.load_cert_chain(
                connection.certificate,
                connection.key,
                password.get_secret_value() if password else None,
            )
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(filter(None, (connection.ca, connection.certificate, connection.key)))
        raise BrokerRefusal(f"the files for TLS cannot be used ({files}): {error}") from error
    try:
        return context.wrap_socket(link, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise BrokerRefusal(
            f"the certificate of the broker at {address} is not accepted: {error.verify_message};"
            " set `ca` to the authority that signed it, and name the broker as its certificate does"
        ) from error
    except (ssl.SSLError, ConnectionError) as error:
        raise BrokerRefusal(
            f"the broker at {address} does not speak TLS there ({error}); set `tls: false`, or name"
            " its port with TLS"
        ) from error


def _authenticate(connection: TopicConnection, address: str, host: str, link: Any) -> None:
    options = connection.client_options()
    names = ("sasl_plain_username", "sasl_plain_password", "sasl_oauth_token_provider")
    config = {name: options[name] for name in names if name in options}
    make = partial(
        get_sasl_mechanism(connection.sasl), host=host, sasl_mechanism=connection.sasl, **config
    )
    mechanism = _read(make)
    while not mechanism.is_done():
        sent = _read(mechanism.auth_bytes)
        body = struct.pack(">i", len(sent)) + sent
        code, rest = _answer(link, wire.AUTHENTICATE, 0, body)
        if code:
            said = wire.text(rest)[0] or "no reason given"
            of = f"of user {connection.username!r} " if connection.username else ""
            raise BrokerRefusal(
                f"the broker at {address} refuses the credentials {of}({connection.sasl}: {said});"
                f" mend the user, or its password in {connection.password_file or 'the site file'}"
            )
        _, rest = wire.text(rest)
        mechanism.receive(rest[4:])


def _read(secret: Callable[[], Any]) -> Any:
    """Do what reads the file of a password or of a token."""
    try:
        return secret()
    except (OSError, ValueError) as error:
        raise BrokerRefusal(
            f"the file with the password or token cannot be read: {error}; put it there"
        ) from error


def _handshake(link: Any, mechanism: str) -> tuple[int, list[str]]:
    name = mechanism.encode()
    code, rest = _answer(link, wire.HANDSHAKE, 1, struct.pack(">h", len(name)) + name)
    count, offered = struct.unpack_from(">i", rest)[0], []
    rest = rest[4:]
    for _ in range(count):
        text, rest = wire.text(rest)
        offered.append(text or "")
    return code, offered


def _answer(link: Any, key: int, version: int, body: bytes) -> tuple[int, bytes]:
    """Error code and the rest of an answer."""
    answer = wire.ask(link, key, version, body)
    return struct.unpack_from(">h", answer)[0], answer[2:]
