"""The connection to a MariaDB server in the site file, and the parts of its URL."""

import hashlib
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr

from connectors.base import ConnectorError
from operators.component import Spec

SCHEMES = ("mysql", "mariadb")
URL_FORM = "mysql://user:password@host:3306/homeassistant"


@dataclass(frozen=True)
class Address:
    """The parts of a MariaDB URL."""

    host: str
    port: int
    user: str
    database: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}/{self.database}"


class MariadbConnection(Spec):
    """Where the MariaDB server is whose binary log is read."""

    url: SecretStr = Field(
        SecretStr(""),
        description=f"Address, user, password and database, as `{URL_FORM}`.",
        examples=["${MARIADB_URL}"],
    )
    server_id: int | None = Field(
        None,
        ge=1,
        le=4294967295,
        description=(
            "Number this reader shows to the server, different from the server's own and from every"
            " replica's; by default it follows from the names of flow and source."
        ),
    )
    ca: str | None = Field(
        None,
        description=(
            "File of the certificate authority, in PEM form; with it the connection is encrypted,"
            " and the server must have a certificate of that authority for the host in `url`."
        ),
    )

    def address(self) -> Address:
        """The parts of `url`.

        Raises `ConnectorError`, without the password, if it is missing or malformed.
        """
        url = self.url.get_secret_value().strip()
        if not url:
            raise ConnectorError(
                f"the MariaDB connection has no url: set MARIADB_URL={URL_FORM} in the environment "
                "(and `url: ${MARIADB_URL}` in the site file)"
            )
        return parse_url(url)


def parse_url(url: str) -> Address:
    """Split `mysql://user:password@host:port/database`.

    Raises `ConnectorError` that names what is wrong with it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 3306
    except ValueError:  # the error's own text may hold a part of the password
        raise _malformed("its host or port cannot be read") from None
    if parts.scheme.partition("+")[0] not in SCHEMES:
        raise _malformed(
            f"it begins with {parts.scheme + '://' if parts.scheme else 'no scheme'!r}, not"
            " mysql://"
        )
    if not parts.hostname:
        raise _malformed("it names no host")
    if not parts.username:
        raise _malformed("it names no user")
    database = unquote(parts.path.strip("/"))
    if not database or "/" in database:
        raise _malformed(
            "it names no database after the host"
            if not database
            else "it names more than one database"
        )
    return Address(
        parts.hostname, port, unquote(parts.username), database, unquote(parts.password or "")
    )


def _malformed(why: str) -> ConnectorError:
    return ConnectorError(
        f"MARIADB_URL is malformed: {why}; expected {URL_FORM}, with characters such as @ : / in"
        " the password written as %40 %3A %2F"
    )


def server_id(flow: str, source: str) -> int:
    """A replica number, the same each time for a flow and source, of 2 to 4 thousand million."""
    return (
        2_000_000_000
        + int.from_bytes(hashlib.sha256(f"{flow}/{source}".encode()).digest()[:8]) % 2_000_000_000
    )
