"""The connection of HTTP sources: where Vigie listens, and who may send."""

from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.runtime.signature import key_of
from operators.component import Spec
from operators.model.units import Name

SHORTEST_TOKEN = 16


class HttpConnection(Spec):
    """Where Vigie listens for posts, and who may send them.

    Sources that name the same connection share it.
    """

    address: str = Field(
        "127.0.0.1",
        description=(
            "Address to listen on. Beyond this machine, such as `0.0.0.0`, give `cert` and `key`"
            " too, or put a proxy that encrypts in front."
        ),
        examples=["127.0.0.1"],
    )
    port: int = Field(8090, ge=1, le=65535, description="Port to listen on.")
    hosts: list[str] = Field(
        [],
        description=(
            "Names under which senders reach it, without scheme and port; addresses and"
            " `localhost` are known, a request for another name is refused."
        ),
        examples=[["posts.example.org"]],
    )
    tokens: dict[Name, SecretStr] = Field(
        {},
        description=(
            "Tokens by the name of their sender, sent as `Authorization: Bearer …`; at least 16"
            " characters each."
        ),
        examples=[{"pir": "${PIR_TOKEN}"}],
    )
    secret: SecretStr | None = Field(
        None,
        description=(
            "Every post must be signed with it, after Standard Webhooks (headers `webhook-id`,"
            " `webhook-timestamp`, `webhook-signature`): `whsec_` and base64, or any text of at"
            " least 24 bytes."
        ),
    )
    cert: str | None = Field(None, description="File of the certificate in PEM form, for HTTPS.")
    key: str | None = Field(None, description="File of the key of that certificate.")
    max_body: int = Field(1_048_576, ge=1_024, le=8_388_608, description="Largest body, in bytes.")
    connections: int = Field(200, ge=1, le=10_000, description="Most connections at a time.")
    connections_per_address: int = Field(
        100, ge=1, le=10_000, description="Most connections at a time of one address."
    )
    timeout: int = Field(
        10, ge=1, le=300, description="Seconds in which a whole request must have come."
    )
    wait: int = Field(
        10, ge=1, le=300, description="Seconds to wait for Redpanda before the answer is 503."
    )

    @field_validator("tokens")
    @classmethod
    def _long_tokens(cls, tokens: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, token in tokens.items():
            text = token.get_secret_value()
            if (
                len(text) < SHORTEST_TOKEN
                or not text.isascii()
                or not text.isprintable()
                or " " in text
            ):
                raise ValueError(
                    f"the token of {name!r} is to have at least {SHORTEST_TOKEN} printable ASCII"
                    " characters without spaces; make one with  openssl rand -hex 32"
                )
        return tokens

    @field_validator("secret")
    @classmethod
    def _long_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            key_of(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _somebody_is_known(self) -> Self:
        if not self.tokens and self.secret is None:
            raise ValueError(
                "nobody may post: give 'tokens', such as  tokens: {pir: ${PIR_TOKEN}}, or a"
                " 'secret'"
            )
        if bool(self.cert) != bool(self.key):
            raise ValueError("'cert' and 'key' belong together: give both or neither")
        return self
