"""Shelly devices of all generations under one codec name."""

from operators.dialects import shelly1, shelly2
from operators.dialects.dialect import Dialect, Route


def route(topic: str, sure: bool) -> Route | None:
    return shelly2.DIALECT.route(topic, sure) or shelly1.DIALECT.route(topic, sure)


DIALECT = Dialect(route, shelly2.fits, shelly2.read)
