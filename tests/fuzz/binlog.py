"""Row packets of the binary log, damaged in every way: rows, or a problem with its reason.

An input is the number of checksum bytes (one byte), then packets, each after its length (3 bytes,
little-endian).
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from connectors.mariadb.binlog import packets as wire
from connectors.mariadb.binlog.definitions import Definitions, Described
from connectors.mariadb.binlog.gtids import LogPosition
from connectors.mariadb.binlog.transactions import Problem, TransactionDecoder
from connectors.mariadb.homeassistant_recorder import Recorder
from infra.embedded.mariadb import MariaDB
from tests.fuzz.target import Target

SCHEMA, TABLE = "fuzz", "every_type"
ROWS = 25
REASONS = {"undecodable", "unknown_columns"}
HEADER = 30
COMMIT = bytes(5) + bytes([wire.XID]) + bytes(22)


class _Unasked(Recorder):
    """Knows no names and asks nobody."""

    def _query(
        self, table: str, key: str, column: str, keys: list[int]
    ) -> dict[int | None, str | None]:
        return dict.fromkeys(keys)


def packets(data: bytes) -> tuple[int, list[bytes]]:
    """(checksum bytes, packets that are table maps or rows) of an input."""
    found = []
    at = 1
    while at + 3 < len(data):
        end = at + 3 + int.from_bytes(data[at : at + 3], "little")
        packet = data[at + 3 : end]
        if len(packet) >= HEADER and (packet[5] == wire.TABLE_MAP or packet[5] in wire.ROW_EVENTS):
            found.append(packet)
        at = end
    return (4 if data[:1] == b"\x04" else 0), found


def written(checksum: int, some: list[bytes]) -> bytes:
    """Packets as an input."""
    return bytes([checksum]) + b"".join(
        len(packet).to_bytes(3, "little") + packet for packet in some
    )


def follow(data: bytes) -> None:
    """Rows that can be written as events, or problems; never anything else."""
    checksum, some = packets(data)
    problems: list[Problem] = []
    decoder = TransactionDecoder(
        LogPosition(),
        frozenset({(SCHEMA, TABLE), (SCHEMA, "states"), (SCHEMA, "places")}),
        {SCHEMA: _Unasked(SCHEMA)},
        Definitions(_described, {}),
        problems.append,
        lambda word, n: None,
    )
    for packet in some:
        decoder.handle(packet, checksum)
    decoder.handle(COMMIT, 0)
    assert {problem.reason for problem in problems} <= REASONS, problems
    for row in decoder.take():
        assert isinstance(row.id, str)
        assert isinstance(row.time, float), row


def _described(schema: str, table: str) -> list[Described]:
    return [
        Described("id", "bigint", "bigint(20) unsigned", None, True),
        Described("name", "varchar", "varchar(20)", "utf8mb4", False),
    ]


def _seeds() -> Iterator[bytes]:
    """Packets of a real server: rows of every column type, Home Assistant's tables, with and
    without checksums.
    """
    from tests.connectors.mariadb.binlog.test_row_decoder import EVERY_TYPE, Log, write_every_type
    from tests.recorder import RecorderDatabase

    if MariaDB.missing():
        return
    with tempfile.TemporaryDirectory(prefix="vigie-fuzz-") as folder:
        Path(folder).chmod(0o711)
        with MariaDB(Path(folder) / "mariadb") as server:
            db = RecorderDatabase(server, SCHEMA)
            db.run(EVERY_TYPE)
            db.run("CREATE TABLE places(id INT UNSIGNED PRIMARY KEY, at POINT, name VARCHAR(20))")
            settings = (
                "binlog_checksum = CRC32",
                "binlog_checksum = NONE",
                "log_bin_compress = ON",
            )
            for number, setting in enumerate(settings):
                db.run(f"SET GLOBAL {setting}")
                log = Log(db)
                write_every_type(db, ROWS)
                entity = db.entity(f"sensor.rack_{number}", '{"unit_of_measurement": "°C"}')
                db.state(entity, "21.5", "22", "unavailable")
                db.run("UPDATE states SET state = '23' LIMIT 1")
                db.run("INSERT INTO places VALUES (4000000000, POINT(1, 2), 'attic')")
                db.run("DELETE FROM places")
                for table in (TABLE, "states", "states_meta", "state_attributes", "places"):
                    yield from _pairs(log, table)
                db.run(f"TRUNCATE {TABLE}")


def _pairs(log: Any, table: str) -> Iterator[bytes]:
    found = [
        (table_map, rows, checksum)
        for table_map, rows, checksum in log.packets(table)
        if len(rows) < 4000
    ]
    for table_map, rows, checksum in found[:12]:
        yield written(checksum, [table_map, rows])
    if found:
        yield written(found[0][2], [found[0][0], *(cast(bytes, rows) for _, rows, _ in found[-3:])])


TARGETS = [Target("binlog_rows", follow, _seeds, longest=8192)]
