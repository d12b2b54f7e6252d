"""Dates and times in the binary log.

A date that no calendar has (`0000-00-00`, `2024-00-15`) is its text, as the server shows it.
"""

import datetime
from collections.abc import Callable
from typing import Any

from connectors.mariadb.binlog.column_types import (
    DATE,
    DATETIME,
    DATETIME2,
    NEWDATE,
    TIME,
    TIME2,
    TIMESTAMP,
    TIMESTAMP2,
)

BEFORE_10_1 = {TIMESTAMP, DATETIME, TIME}
"""Types of tables made before MariaDB 10.1 or without `mysql56_temporal_format`. The log does not
say how many digits their fractions have.
"""
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

Value = Callable[[bytes], Any]


def value_of(kind: int, meta: tuple[int, ...]) -> tuple[int, Value] | None:
    """(bytes of a value, what they mean); None if the type is no date or time."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind not in _FRACTIONAL:
        return None
    size, make = _FRACTIONAL[kind]
    return size + (meta[0] + 1) // 2, make(meta[0])


def _date(data: bytes) -> datetime.date | str:
    packed = int.from_bytes(data, "little")
    return _day(packed >> 9, packed >> 5 & 15, packed & 31)


def _day(year: int, month: int, day: int) -> datetime.date | str:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return f"{year:04}-{month:02}-{day:02}"


def _moment(
    date: tuple[int, int, int], clock: tuple[int, int, int], micros: int, digits: int
) -> datetime.datetime | str:
    try:
        return datetime.datetime(*date, *clock, micros)
    except ValueError:
        if max(clock[1:]) > 59 or clock[0] > 23:
            raise
        text = "{:04}-{:02}-{:02} {:02}:{:02}:{:02}".format(*date, *clock)
        return zero_text(text, micros, digits)


def zero_text(text: str, micros: int, digits: int) -> str:
    """A date and time without a day of the calendar, with its fraction as the column has it."""
    return f"{text}.{micros:06}"[: len(text) + 1 + digits] if digits else text


def _datetime(digits: int) -> Value:
    scale = 10 ** (6 - 2 * ((digits + 1) // 2))

    def value(data: bytes) -> datetime.datetime | str:
        packed = int.from_bytes(data[:5], "big") - 0x8000000000
        year, month = divmod(packed >> 22, 13)
        clock = packed >> 12 & 31, packed >> 6 & 63, packed & 63
        micros = int.from_bytes(data[5:], "big") * scale
        return _moment((year, month, packed >> 17 & 31), clock, micros, digits)

    return value


def _timestamp(digits: int) -> Value:
    scale = 10 ** (6 - 2 * ((digits + 1) // 2))
    zero = zero_text("0000-00-00 00:00:00", 0, digits)

    def value(data: bytes) -> datetime.datetime | str:
        seconds = int.from_bytes(data[:4], "big")
        micros = int.from_bytes(data[4:], "big") * scale
        if not seconds and not micros:
            return zero
        return EPOCH + datetime.timedelta(seconds=seconds, microseconds=micros)

    return value


def _time(digits: int) -> Value:
    fraction = (digits + 1) // 2
    scale, shift = 10 ** (6 - 2 * fraction), 8 * fraction
    zero = 0x800000 << shift

    def value(data: bytes) -> datetime.timedelta:
        packed = int.from_bytes(data, "big") - zero
        size = abs(packed)
        clock, micros = size >> shift, (size & ((1 << shift) - 1)) * scale
        return _span(packed < 0, clock >> 12 & 1023, clock >> 6 & 63, clock & 63, micros)

    return value


def _span(
    negative: bool, hours: int, minutes: int, seconds: int, micros: int = 0
) -> datetime.timedelta:
    if minutes > 59 or seconds > 59:
        raise ValueError(f"time of {minutes} minutes and {seconds} seconds")
    span = datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=micros)
    return -span if negative else span


def _old_timestamp(data: bytes) -> datetime.datetime | str:
    seconds = int.from_bytes(data, "little")
    return EPOCH + datetime.timedelta(seconds=seconds) if seconds else "0000-00-00 00:00:00"


def _old_datetime(data: bytes) -> datetime.datetime | str:
    """Digits of a decimal number: YYYYMMDDhhmmss."""
    date, clock = divmod(int.from_bytes(data, "little"), 1_000_000)
    (year, month), day = divmod(date // 100, 100), date % 100
    return _moment((year, month, day), (clock // 10_000, clock // 100 % 100, clock % 100), 0, 0)


def _old_time(data: bytes) -> datetime.timedelta:
    """Digits of a decimal number: hhmmss, negative as a whole."""
    packed = int.from_bytes(data, "little", signed=True)
    clock = abs(packed)
    return _span(packed < 0, clock // 10_000, clock // 100 % 100, clock % 100)


_PLAIN: dict[int, tuple[int, Value]] = {
    DATE: (3, _date),
    NEWDATE: (3, _date),
    TIMESTAMP: (4, _old_timestamp),
    DATETIME: (8, _old_datetime),
    TIME: (3, _old_time),
}
_FRACTIONAL: dict[int, tuple[int, Callable[[int], Value]]] = {
    DATETIME2: (5, _datetime),
    TIMESTAMP2: (4, _timestamp),
    TIME2: (3, _time),
}
