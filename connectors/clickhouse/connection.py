"""The connection to ClickHouse in the site file."""

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from connectors.config.forms import with_port
from operators.component import Spec


class ClickHouseConnection(Spec):
    """Where ClickHouse is: its HTTP interface, and the database."""

    url: str = Field(
        description="Address with the database as path.",
        examples=["http://clickhouse:8123/sentinel"],
    )
    username: str = Field(
        "default",
        description=(
            "User; a flow needs INSERT and SELECT on the database, `vigie migrate` also CREATE"
            " TABLE, CREATE VIEW and ALTER TABLE."
        ),
    )
    password: SecretStr = Field(SecretStr(""), description="Password of that user.")
    ca: str | None = Field(
        None, description="File of the certificate authority, in PEM form, for https."
    )
    migrate: bool = Field(
        False,
        description=(
            "A flow brings older tables up to date at its start, as `vigie migrate` does; off, it"
            " refuses to start."
        ),
    )

    _port = field_validator("url")(with_port)

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected an address such as http://clickhouse:8123/sentinel")
        if parts.password:
            raise ValueError(
                "write user and password under 'username' and 'password', not in the address"
            )
        return url

    @property
    def database(self) -> str:
        """The database that the address names; `default` without one."""
        return urlsplit(self.url).path.strip("/") or "default"
