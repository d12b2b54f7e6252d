"""Shelly devices of all generations under one codec name."""

from operators.decoding.dialects.shelly import gen1 as shelly1
from operators.decoding.dialects.shelly import gen2 as shelly2
from operators.decoding.payloads.base import Dialect, Route


def route(topic: str, sure: bool) -> Route | None:
    return shelly2.DIALECT.route(topic, sure) or shelly1.DIALECT.route(topic, sure)


DIALECT = Dialect(route, shelly2.fits, shelly2.read)
