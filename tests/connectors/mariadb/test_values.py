"""Every value is the same whether it is read from the table or from the binary log."""

import datetime
import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from connectors.mariadb.binlog.charsets import codec_of, codec_of_collation
from infra.embedded.mariadb import MariaDB
from operators.events import Row, encode_lines
from tests.recorder import RecorderDatabase, Watching

Make = Callable[[random.Random], str]
"""A value of a column, as SQL."""


def whole(bits: int, signed: bool = True) -> Make:
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return lambda r: str(r.choice((low, high, 0, r.randint(low, high))))


def decimal(digits: int, scale: int) -> Make:
    most = 10**digits - 1
    return lambda r: str(Decimal(r.choice((most, -most, 0, r.randint(-most, most)))).scaleb(-scale))


def raw(longest: int, least: int = 0) -> Make:
    def make(r: random.Random) -> str:
        data = r.choice((b"", b"rack1", "é€".encode(), b"ab\0\0", b"\xff\n", r.randbytes(longest)))
        return f"x'{data[:longest].ljust(least, b'a').hex()}'"

    return make


def moment(digits: int, years: tuple[int, int] = (1000, 9999)) -> Make:
    def make(r: random.Random) -> str:
        date = datetime.datetime(r.randint(*years), r.randint(1, 12), r.randint(1, 28))
        at = date + datetime.timedelta(microseconds=r.randrange(86_400 * 10**6))
        return r.choice(
            ("0", repr(at.isoformat(" ", "microseconds")[: 19 + bool(digits) + digits]))
        )

    return make


def date(r: random.Random) -> str:
    return r.choice(
        ("'0000-00-00'", "'2024-00-15'", "'2026-02-31'", "'1000-01-01'", "'9999-12-31'")
    )


def impossible(r: random.Random) -> str:
    return r.choice(
        ("'0000-00-00'", "'2024-00-15 10:20:30.123'", "'2026-02-31 23:59:59'", "'2026-01-00'")
    )


def span(digits: int) -> Make:
    def make(r: random.Random) -> str:
        clock = f"{r.choice(('', '-'))}{r.choice((0, r.randrange(838)))}:{r.randrange(60)}:00"
        return r.choice(
            ("'-838:59:59'", "'-00:00:00.000001'", f"'{clock}.{r.randrange(10**6):06}'")
        )

    return make


def address(r: random.Random) -> str:
    groups = [r.choice((0, 0, r.randrange(65536))) for _ in range(8)]
    text = ":".join(f"{group:x}" for group in groups)
    return repr(r.choice((text, text, "::", "::1", "::ffff:10.0.0.1", "::1.2.3.4", "fe80::1")))


def identity(r: random.Random) -> str:
    return r.choice((f"'{r.randbytes(16).hex()}'", "'123e4567-e89b-12d3-a456-426655440000'"))


def words(*some: str) -> Make:
    return lambda r: repr(r.choice(some))


def number(digits: int, most: float) -> Make:
    return lambda r: repr(r.choice((0.1, 16777217.0, 1e-5, r.uniform(-most, most))))


MEMBERS = tuple(f"m{n}" for n in range(300))
TYPES: dict[str, Make] = {
    "TINYINT": whole(8), "TINYINT UNSIGNED": whole(8, False),
    "SMALLINT": whole(16), "SMALLINT UNSIGNED ZEROFILL": whole(16, False),
    "MEDIUMINT": whole(24), "MEDIUMINT UNSIGNED": whole(24, False),
    "INT": whole(32), "INT UNSIGNED": whole(32, False),
    "BIGINT": whole(64), "BIGINT UNSIGNED": whole(64, False), "BOOLEAN": whole(1, False),
    "BIT(1)": whole(1, False), "BIT(8)": whole(8, False), "BIT(9)": whole(9, False),
    "BIT(64)": whole(64, False),
    "DECIMAL(65,30)": decimal(65, 30), "DECIMAL(9,9)": decimal(9, 9), "DECIMAL(5)": decimal(5, 0),
    "FLOAT": number(7, 3e38), "FLOAT(7,2)": number(7, 9e4), "DOUBLE": number(17, 1e300),
    "DOUBLE(20,5)": number(17, 1e12), "YEAR": lambda r: r.choice(("0", "1901", "1970", "2155")),
    "DATE": date,
    "DATETIME": moment(0), "DATETIME(1)": moment(1), "DATETIME(3)": moment(3),
    "DATETIME(6)": moment(6), "DATETIME(6) NULL": impossible, "DATETIME NULL": impossible,
    "TIMESTAMP NULL": moment(0, (1971, 2037)), "TIMESTAMP(5) NULL": moment(5, (1971, 2037)),
    "TIMESTAMP(2) NULL": moment(2, (1971, 2037)),
    "TIME": span(0), "TIME(2)": span(2), "TIME(6)": span(6),
    "BINARY(4)": raw(4), "BINARY(16)": raw(16), "BINARY(255)": raw(255), "VARBINARY(20)": raw(20),
    "VARBINARY(300)": raw(300), "TINYBLOB": raw(200), "BLOB": raw(900), "MEDIUMBLOB": raw(70000),
    "LONGBLOB": raw(30), "BLOB COMPRESSED": raw(900), "VARBINARY(300) COMPRESSED": raw(300),
    "VARCHAR(300) COMPRESSED": words("", "x", "é" * 150), "TEXT COMPRESSED": words("", "ab" * 900),
    "TINYTEXT COMPRESSED": words("", "é" * 90), "LONGTEXT COMPRESSED": words("", "z" * 70000),
    "CHAR(0)": words(""), "CHAR(20)": words("", "a  ", "é€😀"), "CHAR(255)": words("", "é" * 255),
    "VARCHAR(50)": words("", " a  ", "it''s"), "TEXT": words("", "\\\\n\\n"),
    "JSON": words('{"a": 1}'), "TINYTEXT": words("", "é"),
    "MEDIUMTEXT": words("a" * 70000), "LONGTEXT": words("", "é€😀"),
    "ENUM('a','it''s','b\\\\c','é,d')": lambda r: r.choice(("'a'", "0", "2", "3", "4", "'no'")),
    "SET('z','a','it''s','é')": lambda r: r.choice(("''", "'a,z'", "'é,z'", "15", "4")),
    "UUID": identity, "INET6": address, "INET4": words("0.0.0.0", "10.0.0.1", "255.255.255.255"),
    "POINT": words("1 2"), "GEOMETRY": words("3 4"),
    "INT INVISIBLE DEFAULT 7": whole(32), "DECIMAL(9,4) ZEROFILL": words("0", "12345.0001"),
    "SET" + str(MEMBERS[:64]): words("m0,m63", "", "m62,m1"),
    "ENUM" + str(MEMBERS): words("m0", "m299"),
}  # fmt: skip


@pytest.fixture
def db(mariadb: MariaDB, unique: str) -> Iterator[RecorderDatabase]:
    db = RecorderDatabase(mariadb, unique)
    db.run("SET SESSION time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES'")
    yield db
    db.run("SET GLOBAL binlog_checksum = CRC32, log_bin_compress = OFF, binlog_row_metadata = FULL")


def from_log_and_table(
    db: RecorderDatabase, tables: list[str], write: Callable[[], int]
) -> tuple[list[Row], list[Row]]:
    """The rows that `write` makes, out of the log and out of the tables."""
    settings: dict[str, Any] = {"tables": tables}
    with Watching(db.url, snapshot=False, **settings) as live:
        live.until_live()
        count = write()
        live.until_rows(count)
        assert live.letters == []
    with Watching(db.url, **settings) as starting:
        starting.until_live()
    assert len(starting.rows) == count
    return live.rows, starting.rows


def assert_same(log: list[Row], table: list[Row]) -> None:
    """Values are equal, of one type, and the same in JSON."""
    of_table = {(row.table, row.values["id"]): row for row in table}
    for row in log:
        other = of_table[row.table, row.values["id"]]
        assert list(row.values) == list(other.values)
        for name, value in row.values.items():
            assert (value, type(value)) == (other.values[name], type(other.values[name])), name
        row.id, row.time, row.snapshot = other.id, other.time, other.snapshot
        assert encode_lines([row]) == encode_lines([other])


@pytest.mark.parametrize(
    "setting",
    ["binlog_checksum = NONE", "log_bin_compress = ON", "binlog_row_metadata = NO_LOG"],
)
def test_values_of_every_type_are_the_same_from_table_and_log(
    db: RecorderDatabase, setting: str
) -> None:
    db.run(f"SET GLOBAL {setting}, log_bin_compress_min_len = 10")
    r = random.Random(setting)
    columns = ", ".join(f"c{n} {kind}" for n, kind in enumerate(TYPES))
    made = "g INT AS (id + 1) VIRTUAL, p INT AS (id + 2) PERSISTENT, d INT DEFAULT (id + 3)"
    db.run(f"CREATE TABLE every(id INT PRIMARY KEY, {columns}, {made}) CHARSET utf8mb4")
    names = ", ".join(f"c{n}" for n in range(len(TYPES)))

    def value(kind: str, make: Make) -> str:
        if r.random() < 0.1:
            return "NULL"
        made = make(r)
        return (
            f"ST_GeomFromText('POINT({made[1:-1]})', 4326)"
            if kind in ("POINT", "GEOMETRY")
            else made
        )

    def write() -> int:
        for n in range(60):
            values = ", ".join(value(kind, make) for kind, make in TYPES.items())
            with db.admin.cursor() as cursor:
                cursor.execute(f"INSERT INTO every(id, {names}) VALUES ({n}, {values})")
        return 60

    assert_same(*from_log_and_table(db, ["every"], write))


CHARSETS = [
    "armscii8",
    "ascii",
    "big5",
    "cp1250",
    "cp1251",
    "cp1256",
    "cp1257",
    "cp850",
    "cp852",
    "cp866",
    "cp932",
    "dec8",
    "eucjpms",
    "euckr",
    "gb2312",
    "gbk",
    "geostd8",
    "greek",
    "hebrew",
    "hp8",
    "keybcs2",
    "koi8r",
    "koi8u",
    "latin1",
    "latin2",
    "latin5",
    "latin7",
    "macce",
    "macroman",
    "sjis",
    "swe7",
    "tis620",
    "ucs2",
    "ujis",
    "utf16",
    "utf16le",
    "utf32",
    "utf8mb3",
    "utf8mb4",
]
EUROPE, ASIA = "ab 'é", "ab 日本"


def test_texts_of_every_character_set_are_the_same_from_table_and_log(
    db: RecorderDatabase,
) -> None:
    db.run("SET SESSION sql_mode = ''")
    for charset in CHARSETS:
        db.run(
            f"CREATE TABLE in_{charset}(id INT PRIMARY KEY, v VARCHAR(300), c CHAR(20), t TEXT,"
            f" e ENUM('ab', 'é', '日', 'ж'), s SET('x', 'é', '日', 'ж'), z VARCHAR(300) COMPRESSED)"
            f" CHARACTER SET {charset}"
        )
    every = "".join(chr(n) for n in (*range(32, 127), *range(0xA0, 0x180), *range(0x386, 0x460)))

    def write() -> int:
        for charset in CHARSETS:
            for n, text in enumerate((every, "日本語 テスト", "😀 한국어 中文")):
                kept = db.run(f"SELECT REPLACE(CONVERT(%s USING {charset}), '?', '')", (text,))[0][
                    0
                ]
                db.run(
                    f"INSERT INTO in_{charset} VALUES ({n}, %s, %s, %s, {n + 1}, {n + 1}, %s)",
                    (kept, kept[:20], kept, kept),
                )
        return 3 * len(CHARSETS)

    assert_same(*from_log_and_table(db, [f"in_{charset}" for charset in CHARSETS], write))


def test_every_collation_is_read_with_the_codec_of_its_character_set(db: RecorderDatabase) -> None:
    wrong = [
        (number, charset)
        for number, charset in db.run(
            "SELECT ID, CHARACTER_SET_NAME FROM"
            " information_schema.COLLATION_CHARACTER_SET_APPLICABILITY"
        )
        if codec_of_collation(number) != codec_of(charset)
    ]
    assert wrong == []


def test_values_are_as_people_write_them(db: RecorderDatabase) -> None:
    db.run(
        "CREATE TABLE some(id INT PRIMARY KEY, b BIT(8), y YEAR, d DATE, at DATETIME(3), ts"
        " TIMESTAMP NULL, f FLOAT, u UUID, ip INET6, bin BINARY(4), vb VARBINARY(9), s"
        " SET('x', 'a'), e ENUM('fermé') CHARACTER SET latin1, g POINT, t TIME(6), tiny"
        " DECIMAL(12,9))"
    )

    def write() -> int:
        db.run(
            "INSERT INTO some VALUES (1, b'101', 0, '2024-00-15', 0, 0, 0.1,"
            " '123e4567-e89b-12d3-a456-426655440000', 'fe80::1', 'ab', 'rack1', 'a,x', 'fermé',"
            " POINT(1, 2), '-00:00:00.000001', 0.00000012), (2, NULL, 1970, 0,"
            " '2026-01-02 03:04:05.5',"
            " '2026-01-02 03:04:05', NULL, NULL, NULL, 'abcd', x'FF', '', '', NULL, NULL, 0)"
        )
        return 2

    log, table = from_log_and_table(db, ["some"], write)
    assert_same(log, table)
    first, second = (list(row.values.values())[1:] for row in log)
    assert first == [
        5, 0, "2024-00-15", "0000-00-00 00:00:00.000", "0000-00-00 00:00:00", 0.1,
        "123e4567-e89b-12d3-a456-426655440000", "fe80::1", "61620000", "rack1", "x,a", "fermé",
        {"srid": 0, "wkb": "0101000000000000000000f03f0000000000000040"},
        -datetime.timedelta(microseconds=1), "0.000000120",
    ]  # fmt: skip
    assert second == [
        None, 1970, "0000-00-00", datetime.datetime(2026, 1, 2, 3, 4, 5, 500_000),
        datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), None, None, None, "abcd", "ff",
        "", "", None, None, "0.000000000",
    ]  # fmt: skip
