"""The connection to a Kafka-protocol broker, as the site file has it."""

from typing import Annotated, Any

from pydantic import Field, SecretStr

from connectors.kafka.topic_names import DEFAULT_PREFIX, TopicNames
from operators.component import Spec

ADDRESS = r"^(\[[0-9A-Fa-f:.]+\]|[^\s:/,\[\]]+):\d{1,5}$"


class TopicConnection(Spec):
    """Where the Kafka-protocol broker (Redpanda) is, and how to talk to it."""

    brokers: list[Annotated[str, Field(pattern=ADDRESS)]] = Field(
        description="Addresses of the brokers.", examples=[["redpanda:9092"]], min_length=1
    )
    prefix: str = Field(
        DEFAULT_PREFIX,
        description="Prefix of the topics Vigie makes for itself.",
        pattern=r"^[a-zA-Z0-9._-]*$",
    )
    partitions: int = Field(
        4, ge=1, le=1000, description="Partitions of a topic that does not exist yet."
    )
    replication: int = Field(
        1, ge=1, le=7, description="Copies of a topic that does not exist yet."
    )
    username: str | None = Field(
        None, description="User for SASL/SCRAM-SHA-256; none for no authentication."
    )
    password: SecretStr | None = Field(None, description="Password of that user.")
    tls: bool = Field(False, description="Encrypt the connection.")
    ca: str | None = Field(None, description="File of the certificate authority, in PEM form.")
    idempotence: bool = Field(
        True, description="Idempotent producer; off for brokers that lack it (the embedded one)."
    )
    fetch_wait_ms: int = Field(
        10,
        ge=1,
        le=5000,
        description=(
            "How long the broker may hold an empty fetch, in milliseconds; bounds the latency on"
            " brokers that do not wake it."
        ),
    )
    record_limit: int = Field(
        1_000_000,
        ge=1000,
        description="Largest record, in bytes; the topic's own limit must allow it.",
    )

    @property
    def topic_names(self) -> TopicNames:
        """The names of Vigie's own topics there."""
        return TopicNames(self.prefix)

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments every client of kafka-python takes."""
        options: dict[str, Any] = {"bootstrap_servers": self.brokers, "client_id": "vigie"}
        if self.username:
            password = self.password.get_secret_value() if self.password else ""
            options |= {"sasl_mechanism": "SCRAM-SHA-256", "sasl_plain_username": self.username}
            options |= {"sasl_plain_password": password}
        protocol = ("SASL_" if self.username else "") + ("SSL" if self.tls else "PLAINTEXT")
        options["security_protocol"] = protocol
        if self.ca:
            options["ssl_cafile"] = self.ca
        return options
