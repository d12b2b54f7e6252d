"""mysql-replication's decoder on single packets, for tables with a column type that our own does
not know.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymysql.protocol import MysqlPacket
from pymysqlreplication.packet import BinLogPacketWrapper
from pymysqlreplication.row_event import (
    DeleteRowsEvent,
    TableMapEvent,
    UpdateRowsEvent,
    WriteRowsEvent,
)

from connectors.mariadb.binlog.stream import ROW_EVENTS, length_coded
from connectors.mariadb.binlog.table_map import Table

CHECKSUM_BYTES = 4


class _Control:
    """Stands in for the library's control connection; the packets hold all it would ask for."""

    charset = "utf8"

    def _get_dbms(self) -> str:
        return "mariadb"


@contextmanager
def _damage_as_value_error() -> Iterator[None]:
    """The library and its client fail on damaged bytes with errors of many kinds, assertions
    among them.
    """
    try:
        yield
    except NotImplementedError:
        raise
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _check_size(data: bytes) -> None:
    """The library reads on for ever where a packet is shorter than it says or has rows without
    columns.
    """
    size = int.from_bytes(data[10:14], "little")
    kind = ROW_EVENTS[data[5]]
    columns, offset = length_coded(
        data, 28 if kind.version == 1 else 28 + int.from_bytes(data[28:30], "little")
    )
    width = (columns + 7) >> 3
    if size != len(data) - 1:
        raise ValueError(f"the packet has {len(data) - 1} bytes and says {size}")
    if not any(data[offset : offset + width]) or (
        kind.op == "update" and not any(data[offset + width : offset + 2 * width])
    ):
        raise ValueError("rows without any column")


class LibraryDecoder:
    """Decodes the row packets that belong to one TABLE_MAP packet; slow, but it knows every
    type.
    """

    def __init__(self, table_map: bytes, table: Table, checksum: int) -> None:
        """Raises `ValueError` for a damaged packet."""
        self._tables: dict[int, Any] = {}
        self._checksum = checksum
        with _damage_as_value_error():
            event = self._event(table_map, self._tables)
        for column, ours in zip(event.columns, table.columns, strict=True):
            column.name, column.unsigned = ours.name, ours.unsigned
        self._only = event.table_id

    def images(self, data: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """(rows before, rows after) of a row packet.

        Raises `NotImplementedError` for an unknown type and `ValueError` for a damaged packet.
        """
        _check_size(data)
        table_id = int.from_bytes(data[20:26], "little")
        with _damage_as_value_error():
            event = self._event(data, {table_id: self._tables[self._only]})
            rows: list[dict[str, Any]] = event.rows
        if isinstance(event, UpdateRowsEvent):
            return [row["before_values"] for row in rows], [row["after_values"] for row in rows]
        values = [row["values"] for row in rows]
        return (values, []) if isinstance(event, DeleteRowsEvent) else ([], values)

    def _event(self, data: bytes, tables: dict[int, Any]) -> Any:
        # the library finds the end of a table's definition only before a checksum
        if not self._checksum:
            size = int.from_bytes(data[10:14], "little") + CHECKSUM_BYTES
            data = data[:10] + struct.pack("<I", size) + data[14:] + bytes(CHECKSUM_BYTES)
        wrapper = BinLogPacketWrapper(
            MysqlPacket(data, "utf8"),
            tables,
            _Control(),
            mysql_version=(0, 0, 0),
            use_checksum=True,
            allowed_events=frozenset(
                {TableMapEvent, WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent}
            ),
            only_tables=None,
            ignored_tables=None,
            only_schemas=None,
            ignored_schemas=None,
            freeze_schema=False,
            ignore_decode_errors=False,
            verify_checksum=False,
            optional_meta_data=True,
            enable_logging=False,
        )
        return wrapper.event
