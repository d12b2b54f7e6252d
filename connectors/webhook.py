"""Webhooks: the sink that calls another server for every event."""

from typing import ClassVar, Literal

from pydantic import Field, SecretStr

from connectors.base import Sink
from operators.component import Spec


class WebhookConnection(Spec):
    """A server that takes events over HTTP."""

    url: str = Field(
        description="Address of the server.",
        pattern=r"^https?://[^/@]+(/.*)?$",
        examples=["https://backend.example.org"],
    )
    token: SecretStr | None = Field(None, description="Sent as `Authorization: Bearer …`.")
    ca: str | None = Field(
        None, description="File of the certificate authority in PEM form; none for the system's own."
    )
    timeout: int = Field(10, ge=1, le=300, description="Seconds to wait for the server's answer.")


class Webhook(Sink):
    """Sends every event to another server by HTTP, as the map under `shape` or else as the event's JSON.

    Delivery: at least once and in order; with `outbox` events wait in a topic for as long as the server is down.
    Back pressure: without `outbox` the flow waits while the server is down.
    """

    NAME: ClassVar[str] = "webhook"
    RUNS: ClassVar[bool] = False
    CONNECTION: ClassVar[type[WebhookConnection]] = WebhookConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = ("webhook: {connection: cloud, path: /api/events}",)

    path: str = Field(description="Path below the connection's url.", pattern=r"^/", examples=["/api/events"])
    connection: str = Field(description="Connection of the site file.", examples=["cloud"])
    method: Literal["POST", "PUT"] = Field("POST", description="HTTP method.")
