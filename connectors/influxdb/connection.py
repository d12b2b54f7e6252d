"""The connection to InfluxDB in the site file."""

from pydantic import Field, SecretStr, field_validator

from connectors.config.forms import with_port
from operators.component import Spec


class InfluxConnection(Spec):
    """Where InfluxDB is, and the token to write with."""

    url: str = Field(
        description="Address of InfluxDB.",
        pattern=r"^https?://[^/@]+(/.*)?$",
        examples=["http://influxdb:8086"],
    )
    token: SecretStr = Field(SecretStr(""), description="API token that may write the bucket.")
    org: str = Field("vigie", description="Organisation of the bucket.")
    ca: str | None = Field(
        None,
        description="File of the certificate authority in PEM form; none for the system's own.",
    )
    timeout: int = Field(10, ge=1, le=300, description="Seconds to wait for an answer.")

    _port = field_validator("url")(with_port)
