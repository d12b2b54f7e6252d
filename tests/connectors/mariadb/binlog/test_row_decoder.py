"""Our own row decoder against mysql-replication's, packet for packet, on rows of every column
type.
"""

import datetime
import string
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from connectors.mariadb.binlog import packets as wire
from connectors.mariadb.binlog import row_decoder
from connectors.mariadb.binlog.definitions import Definitions, describe_with
from connectors.mariadb.binlog.gtids import parse_gtids, reached
from connectors.mariadb.binlog.stream import Stream
from connectors.mariadb.binlog.table_map import parse_table, table_names
from connectors.mariadb.connection import parse_url
from connectors.mariadb.preflight import connect
from infra.embedded.mariadb import MariaDB
from tests.recorder import RecorderDatabase, Watching

EVERY_TYPE = """CREATE TABLE every_type(id BIGINT UNSIGNED PRIMARY KEY, ti TINYINT UNSIGNED,
 tis TINYINT,
 si SMALLINT, su SMALLINT UNSIGNED, mi MEDIUMINT UNSIGNED, ms MEDIUMINT, i INT UNSIGNED,
 n INT, bs BIGINT, d DECIMAL(20,6), d2 DECIMAL(9,9), d3 DECIMAL(38,0),
 d4 DECIMAL(5,2) UNSIGNED, dt DATETIME(6), dt0 DATETIME, dt1 DATETIME(1),
 ts TIMESTAMP(3) NULL, ts0 TIMESTAMP NULL, da DATE, tm TIME(3), tm0 TIME, y YEAR, j JSON,
 t4 VARCHAR(50) CHARACTER SET utf8mb4, tl VARCHAR(300) CHARACTER SET utf8mb4,
 l1 VARCHAR(50) CHARACTER SET latin1, u2 VARCHAR(20) CHARACTER SET ucs2, c CHAR(20), b BLOB,
 vb VARBINARY(8), bn BINARY(8), f FLOAT, dd DOUBLE, bo BOOLEAN, en ENUM('a','b','it''s, ok'),
 se SET('x','y','z'), bi BIT(10), b1 BIT(1), b64 BIT(64), tt TINYTEXT, mt MEDIUMTEXT,
 lt LONGTEXT, u UUID, ip INET6) CHARSET utf8mb4"""


class Log:
    """Packets of the log of one table, from a position on."""

    def __init__(self, db: RecorderDatabase) -> None:
        self.db = db
        self.start = db.gtid()

    def packets(self, table: str) -> Iterator[tuple[bytes, bytes, int]]:
        """(TABLE_MAP packet, row packet, checksum bytes)."""
        address = parse_url(self.db.url)
        target = parse_gtids(self.db.gtid())
        seen: dict[int, tuple[int, int]] = {}
        stream = Stream(connect(address, None), parse_gtids(self.start), 4242)
        maps: dict[bytes, bytes] = {}
        try:
            while True:
                stream.receive()
                for data in stream.packets():
                    if data[5] == wire.TABLE_MAP and table_names(data)[:2] == (self.db.name, table):
                        maps[data[20:26]] = data
                    elif data[5] in wire.ROW_EVENTS and data[20:26] in maps:
                        yield maps[data[20:26]], data, stream.checksum
                    elif data[5] == wire.GTID:
                        sequence, domain = (
                            int.from_bytes(data[20:28], "little"),
                            int.from_bytes(data[28:32], "little"),
                        )
                        seen[domain] = (int.from_bytes(data[6:10], "little"), sequence)
                    elif data[5] in (wire.XID, wire.QUERY) and reached(seen, target):
                        return
        finally:
            stream.close()


def some_row(random: Random, n: int) -> dict[str, Any]:
    def text(longest: int, letters: str = string.ascii_letters + " 'é€😀") -> str:
        return "".join(random.choices(letters, k=random.randint(0, longest)))

    def moment() -> datetime.datetime:
        return datetime.datetime(1971, 1, 1) + datetime.timedelta(
            microseconds=random.randrange(2 * 10**15)
        )

    def digits(whole: int, part: int) -> Decimal:
        return Decimal(
            random.randint(-(10 ** (whole + part)) + 1, 10 ** (whole + part) - 1)
        ).scaleb(-part)

    span = datetime.timedelta(milliseconds=random.randrange(0, 838 * 3600 * 1000))
    row: dict[str, Any] = {
        "id": 2**64 - 1 - n, "ti": random.randrange(256), "tis": random.randrange(-128, 128),
        "si": random.randrange(-(2**15), 2**15), "su": random.randrange(2**16),
        "mi": random.randrange(2**24),
        "ms": random.randrange(-(2**23), 2**23), "i": random.randrange(2**32),
        "n": random.randrange(-(2**31), 2**31),
        "bs": random.randrange(-(2**63), 2**63), "d": digits(14, 6), "d2": digits(0, 9),
        "d3": str(digits(37, 0)),
        "d4": abs(digits(3, 2)), "dt": moment(), "dt0": moment(), "dt1": moment(), "ts": moment(),
        "ts0": moment(),
        "da": moment().date(), "tm": span, "tm0": random.choice((1,
        -1)) * datetime.timedelta(seconds=span.seconds + 1),
        "y": random.randrange(1901, 2156), "j": '{"a": [1, "é"]}', "t4": text(50), "tl": text(300),
        "l1": text(50, "aé ö€"), "u2": text(20, "aé€"), "c": text(20).strip() + "x",
        "b": random.randbytes(random.randrange(400)),
        "vb": random.randbytes(8), "bn": random.randbytes(7) + b"x", "f": random.uniform(-1e9, 1e9),
        "dd": random.uniform(-1e99, 1e99),
        "bo": random.random() < 0.5, "en": random.choice(("a", "b", "it's, ok")),
        "se": ",".join(random.sample("xyz", random.randrange(4))), "bi": random.randrange(2**10),
        "b1": random.randrange(2),
        "b64": random.randrange(2**64), "tt": text(60), "mt": text(3000),
        "lt": text(70000 if n % 50 == 0 else 90),
        "u": "123e4567-e89b-12d3-a456-426655440000", "ip": "2001:db8::ff00:42:8329",
    }  # fmt: skip
    nullable = [name for name in row if name != "id"]
    return row | dict.fromkeys(random.sample(nullable, random.randrange(len(nullable) // 2)))


def write_every_type(db: RecorderDatabase, rows: int) -> None:
    random = Random(11)
    db.run("SET SESSION time_zone = '+00:00', sql_mode = ''")
    written = [some_row(random, n) for n in range(rows)]
    names = ", ".join(written[0])
    marks = ", ".join(["%s"] * len(written[0]))
    for row in written:
        db.run(f"INSERT INTO every_type({names}) VALUES ({marks})", list(row.values()))
    db.run("UPDATE every_type SET tl = 'changed', ti = NULL, dd = 0.5 LIMIT 40")
    db.run("DELETE FROM every_type LIMIT 40")


@pytest.fixture
def db(mariadb: MariaDB, unique: str) -> Iterator[RecorderDatabase]:
    db = RecorderDatabase(mariadb, unique)
    yield db
    db.run(
        "SET GLOBAL binlog_checksum = CRC32, log_bin_compress = OFF, binlog_row_metadata = FULL,"
        " mysql56_temporal_format = ON"
    )


def test_without_names_in_the_log_rows_are_read_with_the_names_of_the_table(
    db: RecorderDatabase,
) -> None:
    db.run(EVERY_TYPE)
    db.run("SET GLOBAL binlog_row_metadata = NO_LOG")
    with Watching(db.url, tables=["every_type"], snapshot=False) as nameless:
        nameless.until_live()
        write_every_type(db, 60)
        nameless.until_rows(60 + 40 + 40)
    db.run("TRUNCATE every_type")
    db.run("SET GLOBAL binlog_row_metadata = FULL")
    with Watching(db.url, tables=["every_type"], snapshot=False) as named:
        named.until_live()
        write_every_type(db, 60)
        named.until_rows(60 + 40 + 40)
    assert [row.values for row in nameless.rows] == [row.values for row in named.rows]


def test_a_row_is_the_same_by_every_function_that_is_written_for_its_table(
    db: RecorderDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.run(EVERY_TYPE)
    log = Log(db)
    write_every_type(db, 60)
    definitions = Definitions(describe_with(connect(parse_url(db.url), None)), {})
    rows: dict[int, list[Any]] = {}
    for often in (10**9, 1):
        monkeypatch.setattr(row_decoder, "OFTEN", often)
        rows[often] = []
        decoder: row_decoder.RowDecoder | None = None
        for table_map, packet, checksum in log.packets("every_type"):
            table = parse_table(table_map, len(table_map) - checksum, definitions)
            decoder = decoder or row_decoder.RowDecoder(table.columns)
            end, kind = len(packet) - checksum, wire.ROW_EVENTS[packet[5]]
            for _ in range(2):  # the second time by the functions that were written at the first
                before, after = decoder.images(packet, end, kind)
                rows[often] += [before, after]
                if (tuples := decoder.tuples(packet[:end], end, kind)) is not None:
                    for row, values in zip(after, tuples, strict=True):
                        made = {
                            column.name: decoder.later[n](value)
                            if n in decoder.later and value is not None
                            else value
                            for n, (column, value) in enumerate(
                                zip(table.columns, values, strict=True)
                            )
                        }
                        assert made == row
                else:
                    assert kind.op != "insert"
    assert rows[1] == rows[10**9]
    assert sum(map(len, rows[1])) > 200


def test_rows_of_a_table_that_was_changed_since_and_has_no_names_in_the_log_are_dead_letters(
    db: RecorderDatabase,
) -> None:
    db.run("SET GLOBAL binlog_row_metadata = NO_LOG")
    db.run("CREATE TABLE meters(id INT PRIMARY KEY, watts INT)")
    with Watching(db.url, tables=["meters"], snapshot=False) as watching:
        watching.until_live()
        position = watching.position
    db.run("INSERT INTO meters VALUES (1, 10)")
    db.run("ALTER TABLE meters ADD COLUMN room VARCHAR(20) FIRST")
    db.run("INSERT INTO meters VALUES ('attic', 2, 20)")
    with Watching(db.url, position, tables=["meters"], snapshot=False) as watching:
        watching.until_rows(1)
    assert watching.rows[0].values == {"room": "attic", "id": 2, "watts": 20}
    (letter,) = watching.letters
    assert letter.reason == "unknown_columns"
    assert "binlog_row_metadata=FULL" in letter.detail


def test_times_of_the_old_format_are_read_unless_they_have_fractions(db: RecorderDatabase) -> None:
    db.run("SET SESSION time_zone = '+00:00', sql_mode = ''")
    db.run("SET GLOBAL mysql56_temporal_format = OFF")
    db.run("CREATE TABLE old_times(id INT PRIMARY KEY, ts TIMESTAMP NULL, dt DATETIME, tm TIME)")
    db.run("CREATE TABLE finer(id INT PRIMARY KEY, tm TIME(3))")
    db.run("SET GLOBAL mysql56_temporal_format = ON")
    with Watching(db.url, tables=["old_times", "finer"], snapshot=False) as watching:
        watching.until_live()
        db.run("INSERT INTO finer VALUES (1, '12:34:56.789')")
        db.run(
            "INSERT INTO old_times VALUES"
            " (1, '2026-11-29 18:20:07', '1999-12-31 23:59:58', '838:59:59'), (2, 0, 0, NULL)"
        )
        watching.until_rows(2)
    assert [list(row.values.values())[1:] for row in watching.rows] == [
        [
            datetime.datetime(2026, 11, 29, 18, 20, 7, tzinfo=datetime.UTC),
            datetime.datetime(1999, 12, 31, 23, 59, 58),
            datetime.timedelta(hours=838, minutes=59, seconds=59),
        ],
        ["0000-00-00 00:00:00", "0000-00-00 00:00:00", None],
    ]
    (letter,) = watching.letters
    assert "ALTER TABLE finer FORCE" in letter.detail


def test_a_negative_time_of_the_old_format_is_negative(db: RecorderDatabase) -> None:
    db.run("SET GLOBAL mysql56_temporal_format = OFF")
    db.run("CREATE TABLE old_spans(id INT PRIMARY KEY, t TIME)")
    db.run("SET GLOBAL mysql56_temporal_format = ON")
    with Watching(db.url, tables=["old_spans"], snapshot=False) as watching:
        watching.until_live()
        db.run("INSERT INTO old_spans VALUES (1, '-10:20:30'), (2, '-00:00:01')")
        watching.until_rows(2)
    assert [row.values["t"] for row in watching.rows] == [
        -datetime.timedelta(hours=10, minutes=20, seconds=30),
        -datetime.timedelta(seconds=1),
    ]


def test_a_negative_time_keeps_its_fraction(db: RecorderDatabase) -> None:
    db.run("CREATE TABLE spans(id INT PRIMARY KEY, t TIME(3))")
    with Watching(db.url, tables=["spans"], snapshot=False) as watching:
        watching.until_live()
        db.run("INSERT INTO spans VALUES (1, '-10:20:30.456'), (2, '-00:00:00.001')")
        watching.until_rows(2)
    assert [row.values["t"] for row in watching.rows] == [
        -datetime.timedelta(hours=10, minutes=20, seconds=30, milliseconds=456),
        -datetime.timedelta(milliseconds=1),
    ]
