"""The envelope of the motion and pressure sensors kept whole, for flows that pass messages on."""

from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.dialects import pir_envelope as pir
from operators.decoding.payloads.reading_builder import ReadingBuilder


def _read(builder: ReadingBuilder, data: Any) -> None:
    """One occurrence whose data are the message.

    It has the time of receipt: a device's clock may be wrong.
    """
    device, kind = pir.device_and_type(data)
    builder.put_occurrence(device, kind, data, pir.source_of(data), pir.id_of(data))


def _route(topic: str, named: bool) -> Route | None:
    return Route(_read, "json") if named else None


DIALECT = Dialect(
    "messages as `pir_envelope` reads them, each kept whole as the data of one occurrence with its "
    "time of receipt, for passing it on",
    _route,
    _read,
    metrics=frozenset(),
)
