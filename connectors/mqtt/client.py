"""paho's client for a connection, and the broker's reasons in words."""

from collections.abc import Sequence

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from connectors.base import ConnectorError
from connectors.mqtt.connection import MqttConnection
from connectors.mqtt.quick_client import QuickClient
from connectors.runtime.error_text import encryption_fault

CONNECT_TIMEOUT = 5.0
"""Seconds."""


def make_client(
    connection: MqttConnection, client_id: str, manual_ack: bool, reconnect: bool
) -> Client:
    """A paho client for the connection; raises `ConnectorError` for unreadable certificates."""
    client = QuickClient(
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
    connection: MqttConnection, name: str, client_id: str, reason: ReasonCode
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


def explain_subscription(
    connection: MqttConnection, topics: Sequence[str], reasons: Sequence[ReasonCode]
) -> str | None:
    """Which subscriptions the broker refused, and what to do; None if it took all."""
    refused = [
        f"{topic} ({reason})"
        for topic, reason in zip(topics, reasons, strict=False)
        if reason.is_failure
    ]
    if not refused:
        return None
    user = connection.username
    who = f"user {user!r}" if user else "clients without a user"
    return (
        f"the MQTT broker {connection.url} refuses the subscription to {', '.join(refused)};"
        f" allow {who} to read it in the broker's access list"
    )


def explain_silence(connection: MqttConnection) -> str:
    """What is wrong with a broker that takes connections and says nothing."""
    return f"{connection.url} takes connections and says nothing; is the MQTT broker stuck?"


def explain_failure(connection: MqttConnection, error: BaseException | None) -> str:
    """Why no connection came about, in one line."""
    host, port = connection.address
    if error is not None and (fault := encryption_fault(error)):
        return f"the MQTT broker {connection.url}: {fault}"
    what = (
        (error.strerror or str(error)) if isinstance(error, OSError) else str(error or "no answer")
    )
    return f"no MQTT broker answers at {host}:{port} ({what}); is it running there?"
