"""mysql-replication's decoder on single packets: the peer that ours is compared with."""

import struct
from typing import Any

from pymysql.protocol import MysqlPacket
from pymysqlreplication.packet import BinLogPacketWrapper
from pymysqlreplication.row_event import (
    DeleteRowsEvent,
    TableMapEvent,
    UpdateRowsEvent,
    WriteRowsEvent,
)

from connectors.mariadb.binlog.packets import ROW_EVENTS, Rows, length_coded, uncompressed
from connectors.mariadb.binlog.table_map import Table

CHECKSUM_BYTES = 4


class _Control:
    """Stands in for the library's control connection; the packets hold all it would ask for."""

    charset = "utf8"

    def _get_dbms(self) -> str:
        return "mariadb"


class LibraryDecoder:
    """Decodes the row packets that belong to one TABLE_MAP packet."""

    def __init__(self, table_map: bytes, table: Table, checksum: int) -> None:
        self._tables: dict[int, Any] = {}
        self._checksum = checksum
        event = self._event(table_map, self._tables)
        for column, ours in zip(event.columns, table.columns, strict=True):
            column.name, column.unsigned = ours.name, ours.unsigned
        self._only = event.table_id

    def images(
        self, data: bytes, end: int, kind: Rows
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """(rows before, rows after) of a row packet; `end` is where its checksum begins."""
        if kind.compressed:
            data = _plain_packet(data, end, kind)
        table_id = int.from_bytes(data[20:26], "little")
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


def _plain_packet(data: bytes, end: int, kind: Rows) -> bytes:
    """A compressed row packet as it would be without compression."""
    offset = 28 if kind.version == 1 else 28 + int.from_bytes(data[28:30], "little")
    columns, offset = length_coded(data, offset)
    offset += ((columns + 7) >> 3) * (2 if kind.op == "update" else 1)
    plain = next(
        code for code, rows in ROW_EVENTS.items() if rows == kind._replace(compressed=False)
    )
    body = data[14:offset] + uncompressed(data[:end], offset) + data[end:]
    return data[:5] + bytes([plain]) + data[6:10] + struct.pack("<I", 13 + len(body)) + body
