"""HTTP: the source that takes readings other programs post."""

from typing import ClassVar

from pydantic import Field

from connectors.base import PushSource


class Http(PushSource):
    """Takes JSON that other programs post to a path of the api.

    Delivery: the sender gets its answer when the message is stored in the flow's own topic; without an answer it should
    send again.
    Back pressure: answers 503 while Redpanda is down.
    """

    NAME: ClassVar[str] = "http"
    RUNS: ClassVar[bool] = False
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        'http: {path: /ingest/quotes, subject: "{ticker}", metric: price, value: "{price}"}',
    )

    path: str = Field(description="Path that takes the posts.", pattern=r"^/", examples=["/ingest/quotes"])
    subject: str | None = Field(None, description="Subject of the reading; may hold `{field}` of the posted JSON.")
    metric: str | None = Field(None, description="Metric of the reading; may hold `{field}`.")
    value: str | None = Field(None, description="Value of the reading; may hold `{field}`.")
