"""Rows of Home Assistant's `states` from a real binary log: our reader beside mysql-replication,
in the same run.
"""

import sys
import tempfile
import time
from pathlib import Path

import pymysql
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.row_event import WriteRowsEvent

from connectors.mariadb.binlog.definitions import Definitions, describe_with
from connectors.mariadb.binlog.gtids import LogPosition, parse_gtids, reached
from connectors.mariadb.binlog.stream import Stream
from connectors.mariadb.binlog.transactions import TransactionDecoder
from connectors.mariadb.connection import parse_url
from connectors.mariadb.homeassistant_recorder import Recorder
from connectors.mariadb.preflight import connect
from infra.embedded.mariadb import DATABASE, MariaDB
from tests.bench.report import Figure, machine, table

ROWS, PEER_ROWS = 200_000, 20_000
ENTITIES, ATTRIBUTES = 500, 2000
STATES = (
    "INSERT INTO states(state, last_updated_ts, old_state_id, attributes_id, metadata_id,"
    " origin_idx, context_id_bin) SELECT ROUND(20 + RAND(), 2), 1.7e9 + seq / 10, NULL, seq MOD %s"
    " + 1, seq MOD %s + 1, 0, UNHEX(MD5(seq)) FROM seq_1_to_{}"
)


def binlog(folder: Path) -> list[Figure]:
    """Rows per CPU-second, resolved and as events (ours), as dicts (the peer's), for rows
    written by thousands and one by one.
    """
    with MariaDB(folder / "mariadb") as server:
        writer = pymysql.connect(**server.client_options(), autocommit=True)
        cursor = writer.cursor()
        cursor.execute(
            "INSERT INTO states_meta(entity_id) SELECT CONCAT('sensor.s', seq) FROM"
            f" seq_1_to_{ENTITIES}"
        )
        attributes = '{"unit_of_measurement": "°C", "device_class": "temperature"}'
        cursor.execute(
            f"INSERT INTO state_attributes(shared_attrs) SELECT %s FROM seq_1_to_{ATTRIBUTES}",
            (attributes,),
        )
        start = _position(cursor)
        cursor.execute(STATES.format(ROWS), (ATTRIBUTES, ENTITIES))
        middle = _position(cursor)
        cursor.execute("BEGIN")
        for n in range(PEER_ROWS):
            cursor.execute(
                "INSERT INTO states(state, last_updated_ts, attributes_id, metadata_id, origin_idx,"
                " context_id_bin) VALUES ('20.5', %s, %s, %s, 0, 'abcdefgh')",
                (1.7e9 + n, n % ATTRIBUTES + 1, n % ENTITIES + 1),
            )
        cursor.execute("COMMIT")
        end = _position(cursor)
        figures = []
        for name, begin, until in (
            ("many rows a statement", start, middle),
            ("one row a statement", middle, end),
        ):
            ours, theirs = _ours(server.url, begin, until), _theirs(server.url, begin)
            peer = "mysql-replication, freeze_schema"
            figures.append(
                Figure(
                    f"binlog, {name}",
                    round(ours),
                    "rows per CPU-second",
                    peer,
                    round(theirs),
                    "≥ 100,000",
                )
            )
    return figures


def _position(cursor: pymysql.cursors.Cursor) -> str:
    cursor.execute("SELECT @@global.gtid_binlog_pos")
    return str(cursor.fetchone()[0])  # type: ignore[index]


def _ours(url: str, begin: str, until: str) -> float:
    """Rows per CPU-second once connected."""
    address = parse_url(url)
    control = connect(address, None)
    recorder = Recorder(DATABASE)
    recorder.seed(control)
    passed: list[int] = []
    decoder = TransactionDecoder(
        LogPosition(parse_gtids(begin)),
        frozenset({(DATABASE, "states")}),
        {DATABASE: recorder},
        Definitions(describe_with(control), {}),
        lambda problem: print(problem, file=sys.stderr),
        lambda word, n: None,
        lambda decoder: passed.append(len(decoder.take())),
    )
    stream = Stream(connect(address, None), parse_gtids(begin), 77)
    target = parse_gtids(until)
    began = time.process_time()
    while not reached(decoder.position.gtids, target):
        stream.receive()
        for data in stream.packets():
            decoder.handle(data, stream.checksum)
    rate = (sum(passed) + len(decoder.take())) / (time.process_time() - began)
    stream.close()
    control.close()
    return rate


def _theirs(url: str, begin: str) -> float:
    """Rows per CPU-second once connected."""
    address = parse_url(url)
    stream = BinLogStreamReader(
        connection_settings={
            "host": address.host,
            "port": address.port,
            "user": address.user,
            "passwd": address.password,
        },
        server_id=78,
        is_mariadb=True,
        auto_position=begin,
        only_events=[WriteRowsEvent],
        only_tables=["states"],
        freeze_schema=True,
        enable_logging=False,
    )
    rows = len(stream.fetchone().rows)
    began = time.process_time()
    for event in stream:
        rows += len(event.rows)
        if rows >= PEER_ROWS:
            break
    rate = rows / (time.process_time() - began)
    stream.close()
    return rate


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="vigie-bench-") as place:
        Path(place).chmod(0o711)
        print(f"Measured on {machine()}\n\n{table(binlog(Path(place)))}")
