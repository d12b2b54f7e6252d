"""Why a broker does not let us in, found out by hand: the client only says that it timed out.

Wire formats: ApiVersions 0, SaslHandshake 1 and SaslAuthenticate 0 of the Kafka protocol.
"""

import contextlib
import socket
import ssl
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from kafka.net.sasl import get_sasl_mechanism

from connectors.kafka.access.refusals import BrokerRefusal
from connectors.kafka.connection import TopicConnection

SECONDS = 3.0
VERSIONS, HANDSHAKE, AUTHENTICATE = 18, 17, 36
UNSUPPORTED_MECHANISM, ILLEGAL_STATE = 33, 34
NO_MECHANISM = "NONE"
TLS_ALERT = b"\x15\x03"


class _Closed(Exception):
    """The broker ended the connection instead of answering."""


def find_refusal(connection: TopicConnection) -> BrokerRefusal | None:
    """Why the brokers refuse this connection; None where none can be reached, or all is well."""
    for address in connection.brokers:
        host, _, port = address.rpartition(":")
        try:
            link: Any = socket.create_connection((host, int(port)), SECONDS)
        except (OSError, ValueError):
            continue
        try:
            with contextlib.closing(link), contextlib.ExitStack() as opened:
                if connection.tls:
                    link = _secured(connection, address, host, link)
                    opened.callback(link.close)
                _enter(connection, address, host, link)
        except BrokerRefusal as refusal:
            return refusal
        except (OSError, _Closed, struct.error):
            return None
        return None
    return None


def _enter(connection: TopicConnection, address: str, host: str, link: Any) -> None:
    try:
        _ask(link, VERSIONS, 0, b"")
    except _Closed as error:
        raise BrokerRefusal(
            f"the broker at {address} ends the connection at once: "
            + (
                "it asks for a client's certificate that it trusts; set `certificate` and `key`"
                if connection.tls
                else "it seems to want TLS there; set `tls: true`, or name its port without TLS"
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
        code, rest = _ask(link, AUTHENTICATE, 0, body)
        if code:
            said = _text(rest)[0] or "no reason given"
            of = f"of user {connection.username!r} " if connection.username else ""
            raise BrokerRefusal(
                f"the broker at {address} refuses the credentials {of}({connection.sasl}: {said});"
                f" mend the user, or its password in {connection.password_file or 'the site file'}"
            )
        _, rest = _text(rest)
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
    code, rest = _ask(link, HANDSHAKE, 1, struct.pack(">h", len(name)) + name)
    count, offered = struct.unpack_from(">i", rest)[0], []
    rest = rest[4:]
    for _ in range(count):
        text, rest = _text(rest)
        offered.append(text or "")
    return code, offered


def _text(data: bytes) -> tuple[str | None, bytes]:
    (length,) = struct.unpack_from(">h", data)
    if length < 0:
        return None, data[2:]
    return data[2 : 2 + length].decode("utf-8", "replace"), data[2 + length :]


def _ask(link: Any, key: int, version: int, body: bytes) -> tuple[int, bytes]:
    """Error code and the rest of an answer; raises `_Closed`."""
    client = b"vigie"
    request = struct.pack(">hhih", key, version, 1, len(client)) + client + body
    link.settimeout(SECONDS)
    try:
        link.sendall(struct.pack(">i", len(request)) + request)
        head = _exactly(link, 4)
        if head.startswith(TLS_ALERT):
            raise _Closed
        answer = _exactly(link, struct.unpack(">i", head)[0])
    except TimeoutError:
        raise
    except OSError as error:
        raise _Closed from error
    return struct.unpack_from(">h", answer, 4)[0], answer[6:]


def _exactly(link: Any, count: int) -> bytes:
    data = b""
    while len(data) < count:
        some = link.recv(count - len(data))
        if not some:
            raise _Closed
        data += some
    return data
