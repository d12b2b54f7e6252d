"""The connection to a Kafka-protocol broker, as the site file has it."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, field_validator, model_validator

from connectors.config.forms import with_port
from connectors.kafka.foreign.settings import SchemaRegistry
from connectors.kafka.net.selector import QuickSelector
from connectors.kafka.topic_names import DEFAULT_PREFIX, TopicNames
from connectors.kafka.topics.declared import DeclaredTopic
from operators.component import Spec

if TYPE_CHECKING:
    from connectors.kafka.fencing.fence import Fence

CODECS = {"snappy": "snappy", "lz4": "lz4", "zstd": "zstandard"}
"""The package, of an extra, that kafka-python compresses with."""
TopicName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$")]
ADDRESS = r"^(\[[0-9A-Fa-f:.]+\]|[^\s:/,\[\]]+):\d{1,5}$"


class TopicConnection(Spec):
    """Where the Kafka-protocol broker (Redpanda) is, and how to talk to it."""

    brokers: list[Annotated[str, Field(pattern=ADDRESS), AfterValidator(with_port)]] = Field(
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
    replication: int | None = Field(
        None,
        ge=1,
        le=7,
        description="Copies of a topic that does not exist yet; what the broker has by default.",
    )
    username: str | None = Field(
        None, description="User for SASL; none for no authentication, or a token or certificate."
    )
    password: SecretStr | None = Field(None, description="Password of that user.")
    password_file: str | None = Field(
        None,
        description="File with that password instead, read again for each connection.",
        examples=["/run/secrets/kafka"],
    )
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = Field(
        "SCRAM-SHA-256", description="How the user is authenticated; OAUTHBEARER needs a token."
    )
    token: SecretStr | None = Field(None, description="Token for OAUTHBEARER.")
    token_file: str | None = Field(
        None, description="File with that token, read again for each connection."
    )
    tls: bool = Field(
        False,
        description="Encrypt the connection. The files are read again for each connection.",
    )
    ca: str | None = Field(None, description="File of the certificate authority, in PEM form.")
    certificate: str | None = Field(
        None, description="File of the client's own certificate, in PEM form; needs `tls`."
    )
    key: str | None = Field(None, description="File of that certificate's key, in PEM form.")
    key_password: SecretStr | None = Field(None, description="Password of that file.")
    idempotence: bool = Field(
        True, description="Idempotent producer; off for brokers that lack it (the embedded one)."
    )
    fetch_wait_ms: int = Field(
        500,
        ge=1,
        le=5000,
        description=(
            "How long the broker may hold an empty fetch, in milliseconds. A broker that does not"
            " wake it when something comes is found out, and asked more often."
        ),
    )
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] | None = Field(
        None,
        description=(
            "How records are compressed; without it zstd, where it is installed and the broker has"
            " it (Kafka 2.1), or not at all."
        ),
    )
    registry: SchemaRegistry | None = Field(
        None,
        description=(
            "Schema registry for topics of other programs (`messages`) with Avro or Protobuf; needs"
            " the extra `schemas`."
        ),
        examples=[{"url": "http://redpanda:8081"}],
    )
    record_limit: int = Field(
        1_000_000,
        ge=1000,
        description="Largest record, in bytes; the topic's own limit must allow it.",
    )

    topics: dict[TopicName, DeclaredTopic] = Field(
        {},
        description=(
            "How topics are to be: a topic is made so, `vigie validate --site` says where one"
            " differs, and `vigie migrate` changes it."
        ),
        examples=[{"site.readings": {"keep": "30d", "in_sync": 2}}],
    )

    _fence: "Fence | None" = PrivateAttr(None)

    @field_validator("compression")
    @classmethod
    def _check_codec(cls, compression: str | None) -> str | None:
        if compression in CODECS and not _is_installed(compression):
            raise ValueError(
                f"{compression} is not installed here; install Vigie with [compression], or leave"
                " `compression` out"
            )
        return compression

    @model_validator(mode="after")
    def _has_one_password(self) -> Self:
        if self.password is not None and self.password_file is not None:
            raise ValueError("expected `password` or `password_file`, got both; leave one out")
        return self

    @property
    def fence(self) -> "Fence | None":
        """What shuts out other processes from writing; None where only one may run."""
        return self._fence

    def fenced(self, fence: "Fence | None") -> Self:
        """The same connection, whose producers shut out those of an earlier owner."""
        copy = self.model_copy()
        copy._fence = fence
        return copy

    @property
    def codecs(self) -> list[str | None]:
        """What to compress with, the first that the broker has; None for nothing."""
        if self.compression is not None:
            return [None if self.compression == "none" else self.compression]
        return ["zstd", None] if _is_installed("zstd") else [None]

    @property
    def topic_names(self) -> TopicNames:
        """The names of Vigie's own topics there."""
        return TopicNames(self.prefix)

    @property
    def sasl(self) -> str | None:
        """The mechanism of SASL; None without authentication, or with a certificate alone."""
        if self.mechanism == "OAUTHBEARER":
            return self.mechanism
        return self.mechanism if self.username else None

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments every client of kafka-python takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.brokers, "client_id": "vigie", "selector": QuickSelector,
        }  # fmt: skip
        if self.sasl:
            options["sasl_mechanism"] = self.sasl
        if self.sasl == "OAUTHBEARER":
            from connectors.kafka.access.token import Token

            options["sasl_oauth_token_provider"] = Token(self.token, self.token_file)
        elif self.sasl:
            options |= {
                "sasl_plain_username": self.username,
                "sasl_plain_password": self._password(),
            }
        protocol = ("SASL_" if self.sasl else "") + ("SSL" if self.tls else "PLAINTEXT")
        options["security_protocol"] = protocol
        if self.ca:
            options["ssl_cafile"] = self.ca
        if self.certificate:
            options |= {"ssl_certfile": self.certificate, "ssl_keyfile": self.key}
        if self.key_password:
            options["ssl_password"] = self.key_password.get_secret_value()
        return options

    def _password(self) -> Any:
        from connectors.kafka.access.password import PasswordFile

        if self.password_file is not None:
            return PasswordFile(self.password_file)
        return self.password.get_secret_value() if self.password else ""


def _is_installed(codec: str) -> bool:
    return find_spec(CODECS[codec]) is not None
