"""HTTP: the source that takes events and readings other programs post."""

from collections.abc import Callable
from typing import ClassVar, Self

from pydantic import Field, model_validator

from connectors.base import ConnectorContext, ConnectorError, PushSource, Receiver
from connectors.http.connection import HttpConnection
from connectors.http.readings import Readings
from connectors.runtime.optional_packages import needing
from operators.events import Event


class Http(PushSource):
    """Takes JSON that other programs `POST` to a path of the flow's process.

    A post is one object, or a list of objects. Without `subject` and `value` each object is a
    message for `decode`, on a topic named as the path; `decode: pir_envelope` reads the bodies of
    the motion sensors' bridge. With them each object becomes a reading at once.

    Answers: 202 and `{"stored": n}`; 400 for what is not JSON, or not as it should be, with the
    place of the mistake, and nothing of the list is stored; 401 without a known token or signature,
    403 for a sender that `senders` does not name; 404, 405, 408, 413 over `max_body` or 256 KiB for
    one object, 415 for what is not `application/json`; 429 when 16 MiB are under way; 503 with
    `Retry-After` while Redpanda is down. The metrics count `stored` objects and `refused:STATUS`
    posts.

    Delivery: at least once. 202 means that Redpanda has everything; after any other answer, or
    none, the sender should send again. An object with an `event_id`, or a post with the header
    `Idempotency-Key` (or `webhook-id`, if signed) has the same id each time, so that `deduplicate:
    {by: id, within: 1h}` and ClickHouse leave a repetition out.

    Back pressure: while Redpanda is down senders get 503.
    """

    NAME: ClassVar[str] = "http"
    CONNECTION: ClassVar[type[HttpConnection]] = HttpConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "http: {path: /api/events}",
        'http: {path: /ingest/quotes, subject: "{ticker}", metric: price, value: "{price}"}',
    )

    path: str = Field(
        "/api/events",
        description="Path that takes the posts.",
        pattern=r"^/[!-z|~]*$",
        examples=["/ingest/quotes"],
    )
    subject: str | None = Field(
        None,
        description=(
            "Subject of the reading; may hold `{field}` of the posted JSON, `{a.b}` for a nested"
            " one."
        ),
    )
    metric: str | None = Field(
        None, description="Metric of the reading, `value` when left out; may hold `{field}`."
    )
    value: str | None = Field(None, description="Value of the reading; may hold `{field}`.")
    time: str | None = Field(
        None,
        description=(
            "Field that holds the time of the reading: ISO 8601, or an epoch in s, ms or µs."
            " Default: the time of receipt."
        ),
        min_length=1,
    )
    senders: list[str] | None = Field(
        None,
        description="Names of the tokens that may post here; all when left out.",
        min_length=1,
        examples=[["pir"]],
    )
    connection: str = Field("http", description="Connection of the site file.")

    @model_validator(mode="after")
    def _reading_or_message(self) -> Self:
        if (self.subject is None) != (self.value is None):
            raise ValueError(
                "'subject' and 'value' belong together: give both for readings, or neither"
            )
        if self.subject is None and (self.metric or self.time):
            raise ValueError(
                "'metric' and 'time' are for readings: give 'subject' and 'value' too, or a step"
                " 'decode'"
            )
        self.readings()
        return self

    def readings(self) -> Readings | None:
        """Makes readings of posted objects; None if they stay messages.

        Raises `ValueError` for a wrong placeholder.
        """
        if self.subject is None or self.value is None:
            return None
        return Readings(
            self.path.strip("/"), self.subject, self.metric or "value", self.value, self.time
        )

    def receiver(
        self, context: ConnectorContext, write: Callable[[Event, Callable[[], None]], None]
    ) -> Receiver:
        """Make the receiver."""
        with needing(f"{context.name}: http", "http", "starlette", "uvicorn", "h11"):
            from connectors.http.receiver import HttpReceiver

        unknown = set(self.senders or ()) - context.connection.tokens.keys()
        if unknown:
            raise ConnectorError(
                f"{context.name}: expected the names of tokens of the connection"
                f" {self.connection!r} as 'senders', got {', '.join(sorted(unknown))}; known:"
                f" {', '.join(context.connection.tokens) or 'none'}"
            )
        return HttpReceiver(context, write, self.path, self.readings(), self.senders)
