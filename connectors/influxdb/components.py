"""InfluxDB 2 (and what speaks its write protocol): the sink for series."""

from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from connectors.base import ConnectorContext, Sink, Writer
from operators.component import Spec
from operators.model.template import Template

BAD_LINES = (400, 413, 422)


class InfluxConnection(Spec):
    """Where InfluxDB is, and the token to write with."""

    url: str = Field(
        description="Address of InfluxDB.",
        pattern=r"^https?://[^/@]+(/.*)?$",
        examples=["http://influxdb:8086"],
    )
    token: SecretStr = Field(SecretStr(""), description="API token that may write the bucket.")
    org: str = Field("vigie", description="Organisation of the bucket.")
    ca: str | None = Field(
        None,
        description="File of the certificate authority in PEM form; none for the system's own.",
    )
    timeout: int = Field(10, ge=1, le=300, description="Seconds to wait for an answer.")


class InfluxDB(Sink):
    """Writes readings and summaries as points, one field `value` (or `text`), or the summary's
    statistics.

    A two-state metric is written as 1 and 0. Events without a number or text (and infinite numbers)
    have no form in InfluxDB: they are counted and left out. A reading of quality stale or bad has
    it in the field `quality`. With
    `shape` its entries are the fields. Alarm changes have the fields `state`, `change` and `value`,
    occurrences `count`.

    Delivery: at least once; a second delivery writes the same point again, so it does not show.
    What InfluxDB refuses goes to dead letters line by line.
    Back pressure: up to 50,000 events wait while InfluxDB is down, then the flow waits.
    """

    NAME: ClassVar[str] = "influxdb"
    SHORT: ClassVar[str] = "bucket"
    CONNECTION: ClassVar[type[InfluxConnection]] = InfluxConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "influxdb: {bucket: energy}",
        (
            'influxdb: {bucket: energy, measurement: "site_{metric}", tags: [subject, area],'
            " labels: false}"
        ),
    )

    bucket: str = Field(description="Bucket to write to.", examples=["energy"])
    measurement: str = Field("{metric}", description="Name of the measurement; may hold `{field}`.")
    tags: list[str] = Field(
        ["subject"], description="Fields or labels of the event that become tags."
    )
    labels: bool = Field(True, description="Write all labels as tags.")
    field: str = Field("value", description="Name of the field that holds a reading's number.")
    precision: Literal["ms", "ns"] = Field("ms", description="Precision of the time.")
    connection: str = Field("influxdb", description="Connection of the site file.")

    @field_validator("measurement")
    @classmethod
    def _readable(cls, value: str) -> str:
        Template(value)
        return value

    def open(self, context: ConnectorContext) -> Writer:
        from connectors.influxdb.writer import InfluxWriter

        return InfluxWriter(self, context)
