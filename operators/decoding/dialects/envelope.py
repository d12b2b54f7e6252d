"""The envelope of the motion and pressure sensors kept whole, for flows that pass messages on."""

from typing import Any

from operators.decoding.dialects import pir_envelope as pir
from operators.decoding.payloads.base import Dialect, Route, never
from operators.decoding.payloads.reading_builder import Sheet


def read(sheet: Sheet, data: Any) -> None:
    """One occurrence whose data are the message, at its time of receipt: a device's clock may be
    wrong.
    """
    device, kind = pir.device_and_type(data)
    sheet.occurred(device, kind, data, pir.source_of(data), pir.id_of(data))


def route(topic: str, sure: bool) -> Route | None:
    return Route(read, "json") if sure else None


DIALECT = Dialect(route, never, read)
