"""The connection to an MQTT broker, its client, and the broker's reasons in words."""

import ssl
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.base import ConnectorError
from operators.component import Spec

if TYPE_CHECKING:
    from paho.mqtt.client import Client
    from paho.mqtt.reasoncodes import ReasonCode

CONNECT_TIMEOUT = 5.0


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
        30,
        ge=5,
        le=3600,
        description=(
            "Seconds without traffic after which the two sides check that the other is there."
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


def make_client(
    connection: MqttConnection, client_id: str, manual_ack: bool, reconnect: bool
) -> "Client":
    """A paho client for the connection; raises `ConnectorError` for unreadable certificates."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=(
            MQTTProtocolVersion.MQTTv5
            if connection.protocol == "5"
            else MQTTProtocolVersion.MQTTv311
        ),
        manual_ack=manual_ack,
        reconnect_on_failure=reconnect,
        clean_session=None if connection.protocol == "5" else not manual_ack,
    )
    client.connect_timeout = CONNECT_TIMEOUT
    if connection.username:
        password = connection.password.get_secret_value() if connection.password else None
        client.username_pw_set(connection.username, password)
    if connection.encrypted:
        try:
            client.tls_set(ca_certs=connection.ca, certfile=connection.cert, keyfile=connection.key)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            files = ", ".join(
                name for name in (connection.ca, connection.cert, connection.key) if name
            )
            raise ConnectorError(
                f"{connection.url}: expected certificate files in PEM form in {files}, got {error};"
                " check ca, cert and key of the connection"
            ) from error
    return client


def explain_refusal(
    connection: MqttConnection, name: str, client_id: str, reason: "ReasonCode"
) -> str:
    """Why the broker refused or ended a connection, and what to do, in one line."""
    said = f"the MQTT broker {connection.url} says {str(reason).lower()!r}"
    if reason.value in (134, 135):
        who = f"user {connection.username!r}" if connection.username else "a client without a user"
        return (
            f"{said} to {who}; check username and password of the connection {name!r} in the site"
            " file"
        )
    if reason.value in (133, 142):
        return (
            f"{said} to the client id {client_id!r}: another client has it, such as this flow"
            " started twice on different --data folders, or another installation (then set"
            f" client_id of the connection {name!r}). The two take turns until one of them stops"
        )
    if reason.value in (132, 1):
        return f"{said}; try protocol 3.1.1 in the connection {name!r}"
    return f"{said}; see the broker's log"


def explain_failure(connection: MqttConnection, error: BaseException | None) -> str:
    """Why no connection came about, in one line."""
    host, port = connection.address
    if isinstance(error, ssl.SSLError):
        return (
            f"no encrypted connection to the MQTT broker {connection.url}: {error.reason or error};"
            " check ca and the url"
        )
    what = (
        (error.strerror or str(error)) if isinstance(error, OSError) else str(error or "no answer")
    )
    return f"no MQTT broker answers at {host}:{port} ({what}); is it running there?"
