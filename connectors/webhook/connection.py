"""The connection of a webhook: where the server is, and who Vigie is there."""

from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.config.forms import with_port
from connectors.runtime.signature import key_of
from operators.component import Spec


class WebhookConnection(Spec):
    """A server that takes events over HTTP, and who Vigie is there."""

    url: str = Field(
        description="Address of the server.",
        pattern=r"^https?://[^/@]+(/.*)?$",
        examples=["https://backend.example.org"],
    )
    token: SecretStr | None = Field(None, description="Sent as `Authorization: Bearer …`.")
    username: str | None = Field(
        None, description="User for HTTP basic authentication, in place of a token."
    )
    password: SecretStr | None = Field(None, description="Password of that user.")
    secret: SecretStr | None = Field(
        None,
        description=(
            "Signs every request after Standard Webhooks (HMAC-SHA256; headers `webhook-id`,"
            " `webhook-timestamp`, `webhook-signature`): `whsec_` and base64, or any text of at"
            " least 24 bytes."
        ),
    )
    ca: str | None = Field(
        None,
        description="File of the certificate authority in PEM form; none for the system's own.",
    )
    timeout: int = Field(10, ge=1, le=300, description="Seconds to wait for the server's answer.")

    _port = field_validator("url")(with_port)

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            key_of(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.token and self.username:
            raise ValueError(
                "'token' and 'username' are two ways to say who Vigie is: give one of them"
            )
        return self
