"""ClickHouse's HTTP protocol over the embedded engine, as its own clients speak it."""

import datetime
import gzip
import io
import json
import math
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import clickhouse_connect
import lz4.frame
import pyarrow as pa
import pytest
import zstandard
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from infra.embedded.clickhouse import ClickHouse
from infra.embedded.clickhouse_http import compression, native
from infra.embedded.clickhouse_http.errors import ClickHouseError as EngineError
from infra.embedded.clickhouse_http.statement import format_of, insert_of, only_reads
from infra.embedded.ports import ask

pytestmark = pytest.mark.service

SIZES = (1, 1000, 5000, 65_536, 70_000, 200_000)


@pytest.fixture
def database(clickhouse: ClickHouse, unique: str) -> str:
    clickhouse.query(f"CREATE DATABASE {unique}")
    return unique


@pytest.fixture
def connect(clickhouse: ClickHouse, database: str) -> Iterator[Callable[..., Client]]:
    clients = []

    def make(**options: Any) -> Client:
        client = clickhouse_connect.get_client(**clickhouse.client_options(database), **options)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    return connect()


def post(
    server: ClickHouse, body: bytes, headers: dict[str, str] | None = None, **query: str
) -> tuple[int, bytes]:
    credentials = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": server.password}
    return ask(
        server.port,
        "/?" + urllib.parse.urlencode(query),
        "POST",
        body,
        {**credentials, **(headers or {})},
    )


@pytest.mark.parametrize("compress", [True, False, "lz4", "zstd", "gzip"])
def test_no_row_is_lost_under_any_compression_and_size(
    connect: Callable[..., Client], compress: bool | str
) -> None:
    client = connect(compress=compress)
    client.command("CREATE TABLE l (id UInt64, s String) ENGINE = MergeTree ORDER BY id")
    for size in SIZES:
        client.command("TRUNCATE TABLE l")
        texts = [f"row {n}\n\n{n}" for n in range(size)]
        client.insert(
            "l", [list(range(size)), texts], column_names=["id", "s"], column_oriented=True
        )
        found = client.query(
            "SELECT count(), uniqExact(id), sum(id), sum(length(s)) FROM l"
        ).result_rows[0]
        assert found == (size, size, size * (size - 1) // 2, sum(map(len, texts)))
        assert len(client.query("SELECT id, s FROM l").result_rows) == size


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate", "lz4", "zstd"])
def test_a_body_of_several_frames_is_read_whole(
    clickhouse: ClickHouse, database: str, encoding: str
) -> None:
    import zlib

    encode = {
        "identity": bytes,
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "lz4": lz4.frame.compress,
        "zstd": zstandard.ZstdCompressor().compress,
    }[encoding]
    clickhouse.query(f"CREATE TABLE {database}.f (n UInt32) ENGINE = MergeTree ORDER BY n")
    parts = [
        b"".join(b'{"n":%d}\n' % n for n in range(start, start + 1000))
        for start in range(0, 5000, 1000)
    ]
    body = encode(b"".join(parts)) if encoding == "deflate" else b"".join(map(encode, parts))
    query = f"INSERT INTO {database}.f FORMAT JSONEachRow"
    assert post(clickhouse, body, {"Content-Encoding": encoding}, query=query) == (200, b"")
    assert (
        clickhouse.query(f"SELECT count(), sum(n) FROM {database}.f")
        == f"5000\t{sum(range(5000))}\n"
    )


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "lz4", "zstd"])
def test_a_body_that_is_cut_off_is_an_error_and_inserts_nothing(
    clickhouse: ClickHouse, database: str, encoding: str
) -> None:
    import random
    import zlib

    encode = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "lz4": lz4.frame.compress,
        "zstd": zstandard.ZstdCompressor().compress,
    }[encoding]
    clickhouse.query(f"CREATE TABLE {database}.f (n UInt32) ENGINE = MergeTree ORDER BY n")
    rows = encode(b"".join(b"%d\n" % random.Random(1).randrange(1 << 30) for _ in range(5000)))
    query = f"INSERT INTO {database}.f FORMAT TSV"
    status, answer = post(clickhouse, rows[:-20], {"Content-Encoding": encoding}, query=query)
    assert (status, answer[:10]) == (400, b"Code: 271.")
    assert clickhouse.query(f"SELECT count() FROM {database}.f") == "0\n"


def test_an_unknown_compression_is_named(clickhouse: ClickHouse) -> None:
    status, answer = post(
        clickhouse, b"x", {"Content-Encoding": "br"}, query="INSERT INTO t FORMAT TSV"
    )
    assert status == 501
    assert b"Unsupported Content-Encoding 'br'" in answer


def test_arrow_goes_in_and_out(client: Client) -> None:
    client.command(
        "CREATE TABLE a (id String, time DateTime64(6, 'UTC'), value Nullable(Float64)) ENGINE ="
        " MergeTree ORDER BY id"
    )
    times = [datetime.datetime(2026, 1, 5, 12, 0, 0, n, datetime.UTC) for n in range(1000)]
    table = pa.table(
        {
            "id": [f"{n:05}" for n in range(1000)],
            "time": pa.array(times, pa.timestamp("us", "UTC")),
            "value": [None if n % 7 == 0 else n / 2 for n in range(1000)],
        }
    )
    client.insert_arrow("a", table)
    back = client.query_arrow("SELECT id, time, value FROM a ORDER BY id")
    assert back.column("time").to_pylist() == times
    assert back.column("value").to_pylist() == table.column("value").to_pylist()


VALUES: list[tuple[str, Any]] = [
    ("UInt8", 255), ("Int64", -(2**60)), ("UInt256", 2**200), ("Float32", 0.5), ("Float64",
    math.pi), ("Bool", True),
    ("String", "é\n\n\t\0"), ("FixedString(3)", b"abc"), ("LowCardinality(String)", "W"),
    ("LowCardinality(Nullable(String))", None), ("Nullable(Float64)", None), ("Nullable(String)",
    "x"),
    ("DateTime64(6, 'Europe/Paris')", datetime.datetime(2026, 1, 5, 12, 0, 0, 123456,
    datetime.UTC)),
    ("Date", datetime.date(2026, 1, 5)), ("UUID", uuid.UUID(int=7)), ("IPv4",
    IPv4Address("10.0.0.1")),
    ("Array(UInt32)", [1, 2, 3]), ("Array(Array(String))", [["a"], []]),
    ("Array(LowCardinality(String))", ["a", "b"]),
    ("Map(LowCardinality(String), String)", {"area": "yard"}), ("Map(String, Array(UInt8))",
    {"a": [1], "b": []}),
    ("Tuple(UInt8, String)", (1, "x")), ("Enum8('a, (b' = 1, 'c' = 2)", "a, (b"),
    ("SimpleAggregateFunction(max, Float64)", 3.5),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "value"), VALUES, ids=[type_ for type_, _ in VALUES])
def test_values_of_every_type_come_back_as_they_went_in(
    client: Client, type_: str, value: Any
) -> None:
    client.command(
        f"CREATE TABLE v (n UInt32, v {type_}, last String) ENGINE = MergeTree ORDER BY n"
    )
    client.insert("v", [[n, value, f"end {n}"] for n in range(3)], column_names=["n", "v", "last"])
    found = client.query("SELECT n, v, last FROM v ORDER BY n").result_rows
    assert found == [(n, value, f"end {n}") for n in range(3)]


def test_a_type_without_known_framing_is_an_error_that_names_it(client: Client) -> None:
    with pytest.raises(ClickHouseError, match="AggregateFunction"):
        client.query("SELECT uniqState(number) FROM numbers(10)")


def test_columns_may_have_the_names_of_clauses(client: Client) -> None:
    client.command(
        "CREATE TABLE c (`values` Map(String, Float64), `format` String, n UInt8) ENGINE ="
        " MergeTree ORDER BY n"
    )
    client.insert("c", [[{"mean": 2.0}, "x", 1]], ["values", "format", "n"])
    client.command(
        "INSERT INTO c (format, `values`, n) VALUES ('it''s; FORMAT x', map('a', 1 + 1), 2)"
    )
    found = client.query("SELECT format, `values` FROM c ORDER BY n").result_rows
    assert found == [("x", {"mean": 2.0}), ("it's; FORMAT x", {"a": 2.0})]


def test_parameters_are_values_and_not_text(client: Client) -> None:
    row = client.query(
        "SELECT {n:Int32} + 1, {s:String}, {l:Array(String)}",
        parameters={"n": 41, "s": "it's; DROP TABLE x -- \\", "l": ["a", "b'c"]},
    ).result_rows[0]
    assert row == (42, "it's; DROP TABLE x -- \\", ["a", "b'c"])


def test_settings_count_for_their_statement_only(client: Client) -> None:
    question = "SELECT toUInt32(getSetting('max_threads'))"
    usual = client.command(question)
    assert client.query(question, settings={"max_threads": 3}).result_rows == [(3,)]
    assert client.command(question) == usual


def test_an_unknown_setting_is_an_error_of_clickhouse(clickhouse: ClickHouse) -> None:
    status, answer = post(clickhouse, b"SELECT 1", no_such_setting="1")
    assert status >= 400
    assert b"no_such_setting" in answer


def test_the_same_block_with_the_same_token_is_inserted_once(client: Client) -> None:
    client.command(
        "CREATE TABLE d (n UInt32) ENGINE = MergeTree ORDER BY n SETTINGS"
        " non_replicated_deduplication_window = 100"
    )
    for _ in range(2):
        client.insert(
            "d", [[1], [2]], ["n"], settings={"insert_deduplication_token": "readings/0/17-18"}
        )
    assert client.command("SELECT count() FROM d") == 2


def test_a_row_written_twice_is_one_row_with_final(client: Client) -> None:
    client.command("CREATE TABLE r (id String, v Float64) ENGINE = ReplacingMergeTree ORDER BY id")
    for _ in range(3):
        client.insert("r", [["a", 1.0], ["b", 2.0]], ["id", "v"])
    assert client.command("SELECT count() FROM r FINAL") == 2


@pytest.mark.parametrize(
    ("statement", "status", "code"),
    [
        ("SELECT * FROM no_such_table", 404, 60),
        ("SELEC 1", 400, 62),
        ("SELECT no_such_column", 400, 47),
        ("SELECT throwIf(1)", 500, 395),
    ],
)
def test_errors_have_clickhouses_code_and_status(
    clickhouse: ClickHouse, statement: str, status: int, code: int
) -> None:
    answer = post(clickhouse, statement.encode())
    assert answer[0] == status
    assert answer[1].startswith(f"Code: {code}. DB::Exception".encode())


def test_an_unknown_database_is_an_error_and_the_next_statement_works(
    clickhouse: ClickHouse,
) -> None:
    assert post(clickhouse, b"SELECT 1", database="nowhere")[0] == 404
    assert post(clickhouse, b"SELECT currentDatabase()") == (200, b"default\n")


@pytest.mark.parametrize("password", ["", "wrong"])
def test_nobody_enters_without_the_password(clickhouse: ClickHouse, password: str) -> None:
    status, answer = ask(clickhouse.port, "/", "POST", b"SELECT 1", {"X-ClickHouse-Key": password})
    assert status == 403
    assert answer.startswith(b"Code: 516.")
    with pytest.raises(DatabaseError, match="516"):
        clickhouse_connect.get_client(**{**clickhouse.client_options(), "password": password})


def test_basic_authentication_works_as_curl_and_grafana_send_it(clickhouse: ClickHouse) -> None:
    import base64

    token = base64.b64encode(f"default:{clickhouse.password}".encode()).decode()
    assert ask(
        clickhouse.port, "/?query=SELECT+1", headers={"Authorization": f"Basic {token}"}
    ) == (200, b"1\n")
    assert ask(clickhouse.port, "/?query=SELECT+1", headers={"Authorization": "Basic !!"})[0] == 403


def test_get_only_reads(clickhouse: ClickHouse, database: str) -> None:
    def get(statement: str) -> tuple[int, bytes]:
        query = urllib.parse.urlencode(
            {"query": statement, "user": "default", "password": clickhouse.password}
        )
        return ask(clickhouse.port, f"/?{query}")

    assert get("SELECT 1 FORMAT JSONEachRow") == (200, b'{"1":1}\n')
    assert get("  -- a note\n/* and more */ WITH 2 AS x SELECT x")[1] == b"2\n"
    status, answer = get(f"CREATE TABLE {database}.x (n Int8) ENGINE = Memory")
    assert (status, answer[:10]) == (500, b"Code: 164.")


def test_the_summary_counts_written_rows(client: Client) -> None:
    client.command("CREATE TABLE w (n UInt32) ENGINE = MergeTree ORDER BY n")
    assert client.insert("w", [[n] for n in range(1234)], ["n"]).written_rows == 1234


def test_large_answers_are_compressed_and_whole(clickhouse: ClickHouse) -> None:
    import http.client

    link = http.client.HTTPConnection("127.0.0.1", clickhouse.port, timeout=60)
    headers = {"X-ClickHouse-Key": clickhouse.password, "Accept-Encoding": "zstd, gzip;q=0.5"}
    link.request(
        "POST", "/?enable_http_compression=1", b"SELECT number FROM numbers(100000)", headers
    )
    answer = link.getresponse()
    assert answer.getheader("Content-Encoding") == "zstd"
    body = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(answer.read())).read()
    assert body == b"".join(b"%d\n" % n for n in range(100_000))
    link.close()


def test_many_clients_at_once_lose_nothing(connect: Callable[..., Client]) -> None:
    clients = [connect(autogenerate_session_id=False) for _ in range(8)]
    clients[0].command("CREATE TABLE m (w UInt8, n UInt32) ENGINE = MergeTree ORDER BY (w, n)")

    def write(worker: int) -> None:
        for start in range(0, 5000, 500):
            clients[worker].insert(
                "m", [[worker, n] for n in range(start, start + 500)], ["w", "n"]
            )

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    assert clients[0].query("SELECT count(), uniqExact(w, n) FROM m").result_rows == [
        (40_000, 40_000)
    ]


def test_what_was_answered_is_there_after_a_kill(tmp: Path, own: Callable[[Any], Any]) -> None:
    server = own(ClickHouse(tmp / "clickhouse"))
    server.query("CREATE TABLE k (n UInt32) ENGINE = MergeTree ORDER BY n")
    for start in range(0, 20_000, 1000):
        client = clickhouse_connect.get_client(**server.client_options())
        client.insert("k", [[n] for n in range(start, start + 1000)], ["n"])
        client.close()
    port, password = server.port, server.password
    server.kill()
    server.restart()
    assert (server.port, server.password) == (port, password)
    assert server.query("SELECT count(), uniqExact(n) FROM k") == "20000\t20000\n"
    server.restart()
    assert server.query("SELECT count() FROM k") == "20000\n"


@pytest.mark.parametrize(
    ("statement", "data", "target", "format_", "payload"),
    [
        (b"INSERT INTO t FORMAT Native", b"\n\n\x01", b"INSERT INTO t ", b"Native", b"\n\n\x01"),
        (
            b"INSERT INTO t (a, b) VALUES (1, 'x\n\ny')",
            b"",
            b"INSERT INTO t (a, b) ",
            b"Values",
            b" (1, 'x\n\ny')",
        ),
        (
            b"-- note\ninsert into t format TSV\n1\t2\n",
            b"",
            b"-- note\ninsert into t ",
            b"TSV",
            b"1\t2\n",
        ),
        (b"INSERT INTO t SETTINGS a = 1 FORMAT CSV", b"1", b"INSERT INTO t ", b"CSV", b"1"),
        (
            b'INSERT INTO t (`values`, format, "select") FORMAT Arrow',
            b"x",
            b'INSERT INTO t (`values`, format, "select") ',
            b"Arrow",
            b"x",
        ),
        (
            b"INSERT INTO `format`.values FORMAT TSV",
            b"x",
            b"INSERT INTO `format`.values ",
            b"TSV",
            b"x",
        ),
        (
            b"INSERT INTO d.t /* SELECT */ (a) -- VALUES\n FORMAT TSV",
            b"x",
            b"INSERT INTO d.t /* SELECT */ (a) -- VALUES\n ",
            b"TSV",
            b"x",
        ),
    ],
)
def test_an_insert_is_split_from_its_data(
    statement: bytes, data: bytes, target: bytes, format_: bytes, payload: bytes
) -> None:
    insert = insert_of(statement, data)
    assert insert is not None
    assert insert.target == target
    assert insert.format == format_
    assert insert.settings == (b"SETTINGS a = 1 " if b"SETTINGS" in statement else b"")
    assert bytes(insert.data).lstrip(b" ") == payload.lstrip(b" ")


@pytest.mark.parametrize(
    "statement",
    [
        b"INSERT INTO t SELECT * FROM s FORMAT Null",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        b"SELECT 'INSERT INTO t FORMAT TSV'",
        b"CREATE TABLE t",
    ],
)
def test_other_statements_are_not_taken_for_an_insert_of_data(statement: bytes) -> None:
    assert insert_of(statement, b"") is None


def test_the_format_is_the_one_at_the_end_of_the_query() -> None:
    assert format_of(b"SELECT 1 FORMAT Arrow", "TabSeparated") == "Arrow"
    assert format_of(b"SELECT 1 format JSON ;\n", "TabSeparated") == "JSON"
    assert format_of(b"SELECT 'FORMAT JSON' AS x", "TabSeparated") == "TabSeparated"
    assert format_of(b"INSERT INTO t FORMAT Native", "TabSeparated") == "TabSeparated"


def test_reading_statements_are_told_from_writing_ones() -> None:
    assert only_reads(b"(SELECT 1) UNION ALL (SELECT 2)")
    assert not only_reads(b"/* SELECT */ DROP TABLE t")


def test_an_empty_or_unknown_type_is_refused_by_the_framing() -> None:
    block = b"\x01\x01" + b"\x01c" + b"\x07Strange" + b"\x00"
    with pytest.raises(EngineError, match="Strange"):
        native.reframe(block, 54_460)


def test_answers_too_small_to_gain_are_left_as_they_are() -> None:
    assert compression.encode(b"x" * 100, "gzip, lz4") == (b"x" * 100, None)
    data, name = compression.encode(b"x" * 10_000, "gzip, lz4")
    assert name == "lz4"
    assert lz4.frame.decompress(data) == b"x" * 10_000
    assert compression.encode(b"x" * 10_000, "br") == (b"x" * 10_000, None)


def test_health_is_asked_without_a_password(clickhouse: ClickHouse) -> None:
    assert ask(clickhouse.port, "/ping") == (200, b"Ok.\n")
    assert ask(clickhouse.port, "/")[0] == 200
    assert json.loads(clickhouse.query("SELECT 1 AS x FORMAT JSON"))["rows"] == 1
