"""What a site file says of a schema registry; without the client, for who only checks."""

from pydantic import Field, SecretStr, field_validator

from connectors.config.forms import with_port
from operators.component import Spec


class SchemaRegistry(Spec):
    """Where the schemas of Avro and Protobuf records are."""

    url: str = Field(
        pattern=r"^https?://[^\s@]+$",
        description="Address, without user and password.",
        examples=["http://redpanda:8081"],
    )
    username: str | None = Field(None, description="User for basic authentication.")
    password: SecretStr | None = Field(None, description="Password of that user.")
    ca: str | None = Field(None, description="File of the certificate authority, in PEM form.")

    _port = field_validator("url")(with_port)
