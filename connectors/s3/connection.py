"""The connection to an object store in the site file."""

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from connectors.config.forms import with_port
from operators.component import Spec


class ObjectStoreConnection(Spec):
    """Where the object store (S3 protocol) is, and the keys to it."""

    url: str = Field(
        description="Address of the object store.",
        pattern=r"^https?://[^/@\s]+/?$",
        examples=["http://minio:9000", "https://s3.eu-west-3.amazonaws.com"],
    )
    access_key: SecretStr = Field(description="Access key.")
    secret_key: SecretStr = Field(description="Secret key.")
    region: str | None = Field(
        None,
        description="Region, where the store has several; none asks the store.",
        examples=["eu-west-3"],
    )
    style: Literal["path", "virtual"] | None = Field(
        None,
        description=(
            "Where the bucket's name stands: in the path or before the host's name; none is virtual"
            " for Amazon's addresses and path for all others."
        ),
    )
    ca: str | None = Field(
        None,
        description="File of the certificate authority in PEM form; none for the system's own.",
    )
    timeout: int = Field(20, ge=1, le=300, description="Seconds to wait for an answer.")

    _port = field_validator("url")(with_port)
