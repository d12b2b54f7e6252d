"""The part `traces` of the site file: where the ways of single events are sent to."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from operators.component import Spec


class TracesSection(Spec):
    """With `to`, some events are followed from their source to sinks and clients.

    Needs the extra `traces`.
    """

    to: str | None = Field(
        None,
        description=(
            "Address of a receiver of OpenTelemetry's OTLP over HTTP; without a path, `/v1/traces`."
        ),
        examples=["http://collector:4318"],
    )
    sample: float = Field(
        0.01,
        ge=0,
        le=1,
        description=(
            "Share of the events that are followed, and of these at most 100 a second in each"
            " process. What comes with a `traceparent` is followed whenever that says so."
        ),
        examples=[0.01, 1],
    )

    @field_validator("to")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                f"{value!r} is not the address of a receiver of traces; write one such as"
                " http://collector:4318"
            )
        return value if parts.path.strip("/") else f"{value.rstrip('/')}/v1/traces"
