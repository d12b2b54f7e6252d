"""Webhooks: the sink that calls another server for every event."""

from typing import ClassVar, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.base import ConnectorContext, ConnectorError, Sink, Writer
from connectors.webhook.signature import key_of
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


class Webhook(Sink):
    """Sends every event to another server in a request of its own, as the map under `shape` or else
    as the event's JSON.

    An event counts as delivered when the server answers 2xx. After 408, 425, 429, 5xx, a redirect
    (which is not followed), a broken connection, or no answer in time it is sent again, after a
    random pause of at most 0.5, 1, 2, … 10 seconds, or after as long as `Retry-After` says (at most
    an hour). Any other 4xx is the server's last word: the event goes to the dead letters as
    `refused`, with the status and the first 500 bytes of the answer. The metrics count `sent`,
    `retried` and `dead_letter:refused`.

    With `outbox: 7d` an event that the server has not taken 7 days after it happened, in an outage
    that lasts as long, goes to the dead letters as `expired`. Without it, it waits for ever. What
    waits is in the topic that the flow reads: its retention must be longer than the `outbox`.

    Delivery: at least once and in order for each subject; different subjects overtake each other. A
    repetition has the same
    `Idempotency-Key`, the event's id, so that the server can leave it out.
    Back pressure: when the server takes nothing, the flow waits, and its events stay in the topic.
    When it keeps failing for one subject only, the others go on until the end of the epoch (1 s, at
    most 10,000 events), then the flow waits too.
    """

    NAME: ClassVar[str] = "webhook"
    CONNECTION: ClassVar[type[WebhookConnection]] = WebhookConnection
    EXPIRES: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "webhook: {connection: cloud, path: /api/events}",
        "webhook: {connection: cloud, path: /alarms, method: PUT, concurrency: 1}",
    )

    path: str = Field(
        description="Path below the connection's url.",
        pattern=r"^/[!-~]*$",
        examples=["/api/events"],
    )
    connection: str = Field(description="Connection of the site file.", examples=["cloud"])
    method: Literal["POST", "PUT"] = Field("POST", description="HTTP method.")
    concurrency: int = Field(
        4,
        ge=1,
        le=32,
        description=(
            "How many subjects may have a request under way; 1 keeps all events in one order."
        ),
    )

    def open(self, context: ConnectorContext) -> Writer:
        try:
            from connectors.webhook.client import Requests
            from connectors.webhook.writer import WebhookWriter
        except ModuleNotFoundError as error:
            if error.name != "urllib3":
                raise
            raise ConnectorError(
                f"{context.name}: a webhook needs urllib3: pip install 'vigie[webhook]'"
            ) from error
        requests = Requests(context.connection, self.path, self.method, self.concurrency)
        return WebhookWriter(context, requests, self.concurrency)
