"""The connection to an MQTT broker, as the site file has it."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.config.forms import with_port
from operators.component import Spec


class MqttConnection(Spec):
    """Where the MQTT broker is, and who Vigie is there."""

    url: str = Field(
        description=(
            "Address of the broker: `mqtt://host:port`, or `mqtts://host:port` for an encrypted"
            " connection."
        ),
        examples=["mqtt://mosquitto:1883", "mqtts://broker.example.org:8883"],
    )
    username: str | None = Field(None, description="User; empty for a broker without users.")
    password: SecretStr | None = Field(None, description="Password of that user.")
    client_id: str | None = Field(
        None,
        description=(
            "Beginning of the client ids. Two installations on one broker need different ones."
        ),
        examples=["vigie-maison"],
    )
    protocol: Literal["3.1.1", "5"] = Field("5", description="Version of the MQTT protocol.")
    keepalive: int = Field(
        10,
        ge=5,
        le=3600,
        description=(
            "Seconds without traffic after which the two sides check that the other is there; a"
            " broker that hangs is noticed within twice that."
        ),
    )
    session_expiry: int = Field(
        86400 * 7,
        ge=60,
        description="Seconds the broker keeps messages for a source that is away (MQTT 5).",
    )
    ca: str | None = Field(
        None,
        description="File of the certificate authority in PEM form; none for the system's own.",
    )
    cert: str | None = Field(
        None,
        description="File of the client certificate in PEM form, where the broker asks for one.",
    )
    key: str | None = Field(None, description="File of the key of that certificate.")

    _port = field_validator("url")(with_port)

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError(
                f"{value.split('@')[-1]!r} is not an address of an MQTT broker; write"
                " mqtt://host:1883"
            )
        if parts.username or parts.password:
            raise ValueError(
                "write the user and password as 'username' and 'password', not in the url"
            )
        return value

    @model_validator(mode="after")
    def _cert_with_key(self) -> Self:
        if bool(self.cert) != bool(self.key):
            raise ValueError("'cert' and 'key' belong together: give both or neither")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, with the scheme's usual port where none is written."""
        parts = urlsplit(self.url)
        return str(parts.hostname), parts.port or (8883 if self.encrypted else 1883)

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return urlsplit(self.url).scheme == "mqtts"
