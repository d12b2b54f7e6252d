"""Rows of the binary log that are damaged are refused; they are never read on for ever, nor read
beyond their end.
"""

import pytest

from connectors.mariadb.binlog import packets as wire
from connectors.mariadb.binlog.column_types import LONG, VARCHAR
from connectors.mariadb.binlog.definitions import Definitions
from connectors.mariadb.binlog.gtids import LogFile, LogPosition
from connectors.mariadb.binlog.row_decoder import RowDecoder
from connectors.mariadb.binlog.table_map import Column
from connectors.mariadb.binlog.transactions import TransactionDecoder, UnknownEvent
from connectors.mariadb.homeassistant_recorder import inserted, is_recorder

COLUMNS = (Column(LONG, (), "id"), Column(VARCHAR, (20,), "name"))
ROW = b"\x00" + (7).to_bytes(4, "little") + b"\x05attic"


def decoder() -> TransactionDecoder:
    tables = Definitions(lambda schema, table: [], {})
    return TransactionDecoder(
        LogPosition(), frozenset(), {}, tables, lambda problem: None, lambda word, n: None
    )


def event(kind: int, flags: int = 0, body: bytes = bytes(13)) -> bytes:
    return bytes(5) + bytes([kind]) + bytes(12) + bytes([flags, 0]) + body


def test_an_event_of_a_later_server_is_waited_at_and_named_with_the_remedy() -> None:
    log = decoder()
    log.handle(event(wire.GTID, body=(7).to_bytes(8, "little") + bytes(11)), 0)
    with pytest.raises(UnknownEvent, match=r"type 172 in transaction 0-0-7.*Update Vigie"):
        log.handle(event(172), 0)
    assert log.position.gtids == {}


def test_an_unknown_event_that_may_be_left_out_is_left_out() -> None:
    log = decoder()
    log.handle(event(wire.GTID, body=(7).to_bytes(8, "little") + bytes(11)), 0)
    log.handle(event(172, flags=wire.IGNORABLE), 0)
    log.handle(event(wire.XID), 0)
    assert log.position.gtids == {0: (0, 7)}


def test_rows_that_end_with_the_packet_are_read() -> None:
    assert (
        RowDecoder(COLUMNS).rows(ROW + ROW, 0, 2 * len(ROW), b"\x03")
        == [{"id": 7, "name": "attic"}] * 2
    )


def test_a_row_longer_than_its_packet_is_refused() -> None:
    with pytest.raises(ValueError, match="the last row ends at byte 11, the rows at 10"):
        RowDecoder(COLUMNS).rows(ROW[:-1], 0, len(ROW) - 1, b"\x03")


def test_rows_without_any_column_are_refused() -> None:
    with pytest.raises(ValueError, match="without any column"):
        RowDecoder(COLUMNS).rows(ROW, 0, len(ROW), b"\x00")


@pytest.mark.parametrize(
    ("table", "columns", "is_own"),
    [
        ("states", ["state_id", "metadata_id", "attributes_id"], True),
        ("states", ["id", "name"], False),
        ("states_meta", ["metadata_id", "entity_id"], True),
        ("states_meta", ["id", "state"], False),
        ("state_attributes", ["attributes_id", "hash"], False),
    ],
)
def test_tables_with_the_recorder_s_names_and_other_columns_are_not_the_recorder_s(
    table: str, columns: list[str], is_own: bool
) -> None:
    assert is_recorder(table, columns) is is_own


@pytest.mark.parametrize("updated", [None, 0.0, -5.0, 1e300])
def test_a_row_without_a_usable_time_has_the_time_of_its_commit(updated: float | None) -> None:
    (row,) = inserted("ha.states", [{"state_id": 1, "last_updated_ts": updated}], 1000.0)
    assert row.time == 1000.0


@pytest.mark.parametrize(
    ("now", "further_back", "is_new"),
    [
        (LogFile("bin.000007", 100, "s"), False, False),
        (LogFile("bin.000008", 200, "s"), False, False),
        (LogFile("bin.000007", 200, "s"), False, True),
        (LogFile("bin.000007", 200, "s"), True, True),
        (LogFile("bin.000001", 200, "s"), False, True),
        (LogFile("bin.000006", 90, "s"), True, False),
        (LogFile("bin.000001", 200, "another server"), False, False),
        (LogFile("renamed.000001", 200, "s"), False, False),
    ],
)
def test_a_log_that_was_begun_anew_is_known_by_its_files(
    now: LogFile, further_back: bool, is_new: bool
) -> None:
    assert now.replaces(LogFile("bin.000007", 100, "s"), further_back) is is_new
