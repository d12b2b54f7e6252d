"""What the server says of the watched tables, with the changes that the unread log still holds."""

import struct
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from connectors.mariadb.binlog import packets as wire
from connectors.mariadb.binlog.definitions import Definitions, Described, Name, describe_with
from connectors.mariadb.binlog.gtids import Gtids, parse_gtids, reached
from connectors.mariadb.binlog.statements import TableChange, table_changes
from connectors.mariadb.binlog.stream import Stream
from connectors.mariadb.server import gtid_position

Open = Callable[[Gtids], Stream]
ENDS = {wire.XID, wire.XA_PREPARE}


def definitions(
    control: Any, tables: frozenset[Name], start: Gtids, open_stream: Open | None
) -> Definitions:
    """The tables as they are; with `open_stream` also what of the log from `start` on changes them.

    That reads the log once more, which is done only where a table's definition is needed.
    """
    describe = describe_with(control)
    while True:
        before = parse_gtids(gtid_position(control))
        described = {table: describe(*table) for table in tables}
        if open_stream is None:
            return Definitions(partial(_look_up, described))
        until = parse_gtids(gtid_position(control))
        pending: dict[Name, list[TableChange]] = {}
        settled = True
        if not reached(start, until):
            for gtid, name, change in _changes(open_stream(start), start, until, tables):
                pending.setdefault(name, []).append(change)
                settled = settled and reached(before, gtid)
        if settled:
            return Definitions(partial(_look_up, described), pending)


def _look_up(described: dict[Name, list[Described]], schema: str, table: str) -> list[Described]:
    return described.get((schema, table), [])


def _changes(
    stream: Stream, start: Gtids, until: Gtids, tables: frozenset[Name]
) -> Iterator[tuple[Gtids, Name, TableChange]]:
    """(transaction, table, change) of each change of a table up to a position."""
    seen = dict(start)
    domain, at, flags = 0, (0, 0), 0
    try:
        while True:
            stream.receive()
            for data in stream.packets():
                kind = data[5]
                text = ""
                if kind == wire.GTID:
                    sequence, domain, flags = struct.unpack_from("<QIB", data, 20)
                    at = int.from_bytes(data[6:10], "little"), sequence
                elif kind in (wire.QUERY, wire.QUERY_COMPRESSED):
                    schema, text = wire.query_text(data, len(data) - stream.checksum)
                    for name, change in table_changes(schema, text, tables):
                        yield {domain: at}, name, change
                if kind in ENDS or (
                    text and (flags & wire.STANDALONE or text in ("COMMIT", "ROLLBACK"))
                ):
                    seen[domain] = at
                    if reached(seen, until):
                        return
    finally:
        stream.close()
