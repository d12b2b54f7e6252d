"""InfluxDB 2, and servers that speak its write protocol: the sink for time series."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from connectors.base import ConnectorContext, Sink, Writer
from connectors.influxdb.connection import InfluxConnection
from connectors.influxdb.line_protocol import Lines
from connectors.runtime.optional_packages import needing
from operators.model.template import Template


class InfluxDB(Sink):
    """Writes readings and summaries as points, with one field `value` (or `text`) a reading.

    A summary has a field for each of its statistics. A two-state metric is written as 1 and 0.
    Events without a number or text (and infinite numbers) have no form in InfluxDB: they are
    counted and left out. A reading of quality stale or bad has it in the field `quality`. With
    `shape` its entries are the fields. Alarm changes have the fields `state`, `change` and `value`,
    occurrences `count`. A label or tag that is called as one of the fields is written as
    `value_tag`, since InfluxDB 3 refuses one name for both; `time` is written as `time_tag`, and a
    field of that name as `time_field`, since InfluxDB drops such points.

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
        """Make the writer; it connects with the first batch."""
        with needing(f"{context.name}: influxdb", "influxdb", "influxdb_client"):
            from connectors.influxdb.writer import InfluxWriter

        lines = Lines(
            self.measurement, self.tags, self.labels, self.field, self.precision, context.shape
        )
        return InfluxWriter(context, lines, self.bucket, self.connection)
