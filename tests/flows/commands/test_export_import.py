"""`vigie export` and `vigie import`, on a real engine."""

import csv
import json
import sqlite3
from pathlib import Path

import pyarrow.parquet
import pymysql
import pytest
from click.testing import CliRunner, Result
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from minio.commonconfig import ENABLED, Filter
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule

from connectors.clickhouse.client import open_client
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.config.site import load_site
from flows.cli import main
from infra.embedded.broker import Broker
from infra.embedded.clickhouse import ClickHouse
from infra.embedded.mariadb import MariaDB
from infra.embedded.objects import Objects
from tests.bucket import Bucket, connection_to
from tests.flows.running import site_of

LINES = """time;subject;metric;value;unit
2026-10-25T01:30:00+02:00;rack;temperature;21,5;°C
2026-10-25T02:30:00;rack;temperature;22;°C
1793000000;door;open;on;
1793000000000;l'abri "nord";humidity;;%
yesterday;rack;temperature;1;°C
"""


class Site:
    def __init__(self, folder: Path, server: ClickHouse, database: str) -> None:
        self.folder = folder
        self.connection = ClickHouseConnection(
            url=f"{server.url}/{database}", password=server.password
        )
        self.path = site_of(
            folder, clickhouse={"url": self.connection.url, "password": server.password}
        )

    def vigie(self, *words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--site", str(self.path)])

    def rows(self, columns: str) -> list[tuple[object, ...]]:
        query = f"SELECT {columns} FROM readings FINAL ORDER BY time, subject, metric"
        return [tuple(row) for row in open_client(self.connection).query(query).result_rows]


@pytest.fixture
def site(tmp_path: Path, clickhouse: ClickHouse, unique: str) -> Site:
    return Site(tmp_path, clickhouse, unique)


def test_history_of_a_csv_file_is_there_once_however_often_it_is_imported(site: Site) -> None:
    file = site.folder / "old.csv"
    file.write_text(LINES)
    for _ in range(2):
        done = site.vigie("import", "csv", str(file))
        assert done.exit_code == 3, done.output
        assert "4 readings into readings; 1 lines left out" in done.output
        assert "old.csv:6: 'yesterday' is no time" in done.output
    assert site.rows("toUnixTimestamp64Milli(time), subject, metric, value, text, unit, quality") == [
        (1792884600000, "rack", "temperature", 21.5, None, "°C", "good"),
        (1792895400000, "rack", "temperature", 22.0, None, "°C", "good"),
        (1793000000000, "door", "open", None, "on", "", "good"),
        (1793000000000, "l'abri \"nord\"", "humidity", None, None, "%", "bad"),
    ]  # fmt: skip


def test_a_table_with_a_column_for_each_metric_is_read_too(site: Site) -> None:
    file = site.folder / "logger.csv"
    file.write_text("Date,Temp,Hum\n2026-01-01 00:00,20.5,40\n2026-01-01 01:00,,41\n")
    words = ("--column", "time=Date", "--column", "subject==cellar")
    shown = site.vigie("import", "csv", str(file), *words, "--dry-run")
    assert shown.output.splitlines() == [
        "2026-01-01T00:00:00Z cellar Temp 20.5",
        "2026-01-01T00:00:00Z cellar Hum 40",
        "2026-01-01T01:00:00Z cellar Hum 41",
    ]
    assert site.vigie("import", "csv", str(file), *words).exit_code == 0
    assert len(site.rows("id")) == 3


def test_an_export_of_influxdb_is_there_once_and_what_is_no_point_is_counted(site: Site) -> None:
    file = site.folder / "old.lp"
    file.write_text("# DML\npower,device=meter,phase=1 value=5.5 1790000000000000000\nnonsense\n")
    for _ in range(2):
        done = site.vigie("import", "influxdb", str(file))
        assert done.exit_code == 3, done.output
        assert "1 readings into readings; 1 lines left out" in done.output
    assert site.rows("subject, metric, value, labels") == [("meter", "power", 5.5, {"phase": "1"})]


def test_a_file_that_does_not_say_what_is_needed_is_refused_with_the_remedy(site: Site) -> None:
    file = site.folder / "odd.csv"
    file.write_text("when,value\n1,2\n")
    done = site.vigie("import", "csv", str(file))
    assert done.exit_code == 1
    assert "does not say time and subject and metric" in done.output
    assert "--column time=NAME" in done.output and "when, value" in done.output
    done = site.vigie("import", "csv", str(file), "--column", "time=whne")
    assert "has no column 'whne'" in done.output


def test_what_is_exported_is_what_is_there_by_time_and_name_and_can_be_imported(
    site: Site, tmp_path: Path, clickhouse: ClickHouse, unique: str
) -> None:
    file = site.folder / "old.csv"
    file.write_text(LINES)
    site.vigie("import", "csv", str(file))

    out = site.folder / "all.parquet"
    done = site.vigie(
        "export", "readings", "-o", str(out), "--from", "2026-01-01", "--to", "2027-01-01"
    )
    assert done.exit_code == 0, done.output
    table = pyarrow.parquet.read_table(out)
    assert table.num_rows == 4 and {"time", "subject", "metric", "value"} <= set(table.column_names)
    again = site.vigie("export", "readings", "-o", str(out))
    assert again.exit_code == 1 and "--force" in again.output

    some = site.folder / "some.csv"
    odd = 'l\'abri "nord"'
    span = ("--from", "2026-01-01", "--to", "2027-01-01")
    done = site.vigie(
        "export", "readings", "-o", str(some), *span, "--subject", odd, "--subject", "door"
    )
    assert done.exit_code == 0, done.output
    with some.open(newline="") as lines:
        assert [row["subject"] for row in csv.DictReader(lines)] == ["door", odd]

    other = site.folder / "other"
    other.mkdir()
    copy = Site(other, clickhouse, f"{unique}_copy")
    whole = site.folder / "whole.csv"
    site.vigie("export", "readings", "-o", str(whole), *span)
    assert copy.vigie("import", "csv", str(whole)).exit_code == 0
    assert copy.rows("id, time, subject, metric, value, text, unit, quality") == site.rows(
        "id, time, subject, metric, value, text, unit, quality"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("export", "reedings", "-o", "x.csv"), "there is no table 'reedings'"),
        (("export", "readings", "-o", "x.txt"), "end it in .parquet, .csv, .jsonl"),
        (("export", "readings", "-o", "x.csv", "--rule", "r"), "has no column 'rule'; choose by subject, metric"),
        (("export", "readings", "-o", "x.csv", "--from", "now", "--to", "today"), "is not before"),
        (("export", "readings", "-o", "x.csv", "--from", "soon"), "is no time"),
    ],
)  # fmt: skip
def test_an_export_that_cannot_be_is_refused_and_leaves_no_file(
    site: Site, words: tuple[str, ...], said: str
) -> None:
    file = site.folder / "old.csv"
    file.write_text(LINES)
    site.vigie("import", "csv", str(file))
    words = tuple(str(site.folder / word) if word.startswith("x.") else word for word in words)
    done = site.vigie(*words)
    assert done.exit_code == 1 and said in done.output, done.output
    assert [path for path in site.folder.iterdir() if "x." in path.name] == []


def test_states_of_home_assistant_are_decoded_as_the_flow_decodes_them(site: Site) -> None:
    file = site.folder / "home-assistant_v2.db"
    with sqlite3.connect(file) as database:
        database.executescript(
            """CREATE TABLE states_meta (metadata_id INTEGER PRIMARY KEY, entity_id TEXT);
            CREATE TABLE state_attributes (attributes_id INTEGER PRIMARY KEY, shared_attrs TEXT);
            CREATE TABLE states (state_id INTEGER PRIMARY KEY, metadata_id INT, state TEXT,
                last_updated_ts REAL, attributes_id INT);
            INSERT INTO states_meta VALUES (1, 'sensor.rack'), (2, 'binary_sensor.pir');"""
        )
        for number, shared in (
            (1, {"device_class": "temperature", "unit_of_measurement": "°C"}),
            (2, {"device_class": "motion"}),
        ):
            database.execute(
                "INSERT INTO state_attributes VALUES (?, ?)", (number, json.dumps(shared))
            )
        database.executemany(
            "INSERT INTO states VALUES (?, ?, ?, ?, ?)",
            [(1, 1, "21.5", 1.79e9, 1), (2, 2, "on", 1.79e9 + 1, 2), (3, 1, "unavailable", 1.79e9 + 2, 1)],
        )  # fmt: skip
    for _ in range(2):
        done = site.vigie("import", "home-assistant", "--file", str(file))
        assert done.exit_code == 0, done.output
    assert site.rows("subject, metric, value, quality") == [
        ("sensor.rack", "temperature", 21.5, "good"),
        ("binary_sensor.pir", "motion", 1.0, "good"),
        ("sensor.rack", "temperature", None, "bad"),
    ]
    before = ("--from", "2020-01-01", "--to", "2021-01-01")
    assert (
        "0 readings" in site.vigie("import", "home-assistant", "--file", str(file), *before).output
    )
    file.write_bytes(b"no database at all, and long enough to be read as one" * 20)
    broken = site.vigie("import", "home-assistant", "--file", str(file))
    assert broken.exit_code == 1 and "home-assistant_v2.db" in broken.output


def test_states_in_mariadb_are_imported_as_well(site: Site, mariadb: MariaDB) -> None:
    with pymysql.connect(**mariadb.client_options(), autocommit=True) as link, link.cursor() as db:
        db.execute("INSERT INTO states_meta (entity_id) VALUES ('sensor.import_test')")
        meta = db.lastrowid
        db.execute(
            "INSERT INTO states (state, metadata_id, last_updated_ts) VALUES ('7', %s, 1000000000)",
            (meta,),
        )
    connections = json.loads(site.path.read_text())["connections"]
    site_of(site.folder, **connections, mariadb={"url": mariadb.url})
    span = ("--from", "2001-09-08", "--to", "2001-09-10")
    done = site.vigie("import", "home-assistant", *span)
    assert done.exit_code == 0, done.output
    assert [row[0] for row in site.rows("subject")] == ["sensor.import_test"]


def test_what_keeps_how_long_is_one_list_with_what_is_not_as_declared(
    site: Site, broker: Broker, unique: str
) -> None:
    file = site.folder / "old.csv"
    file.write_text(LINES)
    site.vigie("import", "csv", str(file))
    connections = json.loads(site.path.read_text())["connections"]
    redpanda = {"brokers": [broker.address], "idempotence": False}
    site_of(site.folder, **connections, redpanda=redpanda)
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    admin.create_topics([NewTopic(f"{unique}.log", 1, 1), NewTopic(f"{unique}.rows", 1, 1)])
    admin.close()
    definition = site.folder / "archive.yaml"
    definition.write_text(
        "vigie: 1\nflow: archive\nsources: {all: {topic: site.readings}}\n"
        "sinks: {kept: {from: all, clickhouse: {table: readings, kind: readings, keep: 30d}}}\n"
    )
    listed = site.vigie("retention", str(definition))
    assert listed.exit_code == 0, listed.output
    lines = {" ".join(line.split()) for line in listed.output.splitlines()}
    (table,) = [line for line in lines if line.startswith("table readings")]
    assert table.startswith("table readings for ever 4 rows, ")
    assert table.endswith("its sink says 30 days: vigie migrate applies that")
    assert any(line.startswith(f"topic {unique}.log ") for line in lines)
    assert "vigie retention set" in listed.output


def test_how_long_a_table_keeps_rows_is_changed_at_its_sinks_and_in_the_table(site: Site) -> None:
    file = site.folder / "old.csv"
    file.write_text(LINES)
    site.vigie("import", "csv", str(file))
    text = (
        "vigie: 1\nflow: archive\nsources: {all: {topic: site.readings}}\n"
        "sinks: {kept: {from: all, clickhouse: {table: readings, kind: readings}}}  # for years\n"
    )
    definition = site.folder / "archive.yaml"
    definition.write_text(text)
    wanted = ("retention", "set", "90d", "--table", "readings", str(definition))
    shown = site.vigie(*wanted, "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "sinks.kept.clickhouse.keep: 90d" in shown.output
    assert "ALTER TABLE" in shown.output
    assert definition.read_text() == text
    done = site.vigie(*wanted)
    assert done.exit_code == 0, done.output
    assert definition.read_text() == text.replace("readings}}}", "readings, keep: 90d}}}")
    [line] = [
        line
        for line in site.vigie("retention", str(definition)).output.splitlines()
        if line.startswith("table readings")
    ]
    assert line.split()[2:4] == ["90", "days"] and "vigie migrate" not in line
    assert "evidence" in site.vigie("retention", str(definition)).output


def test_how_long_a_bucket_keeps_objects_is_shown_and_changed_at_its_sinks_and_in_the_store(
    tmp_path: Path, objects: Objects, unique: str
) -> None:
    connection = connection_to(objects)
    bucket = Bucket(connection, unique)
    bucket.client.make_bucket(unique)
    other = Rule(
        ENABLED, rule_id="other", rule_filter=Filter(prefix="tmp/"), expiration=Expiration(days=1)
    )
    bucket.client.set_bucket_lifecycle(unique, LifecycleConfig([other]))
    secrets = {"access_key": objects.access_key, "secret_key": objects.secret_key}
    site_of(tmp_path, minio={"url": objects.url, **secrets})
    site = tmp_path / "site.yaml"
    settings = json.loads(site.read_text()) | {"recovery": {"objects": f"{unique}-copies"}}
    site.write_text(json.dumps(settings))
    definition = tmp_path / "archive.yaml"
    text = (
        "vigie: 1\nflow: archive\nsources: {all: {topic: site.readings}}\nsinks:\n"
        f"  lines: {{from: all, objects: {{bucket: {unique}, keep: 30d}}}}\n"
        f"  each: {{from: all, objects: {{bucket: {unique}, key: 'one/{{id}}'}}}}  # kept\n"
    )
    definition.write_text(text)

    def vigie(*words: str) -> list[str]:
        done = CliRunner().invoke(main, ["retention", *words, "--site", str(site)])
        assert done.exit_code == 0, done.output
        lines = [" ".join(line.split()) for line in done.output.splitlines()]
        return [
            line
            for line in lines
            if line.startswith(("bucket " + unique + "/", "bucket " + unique + "-"))
        ]

    says = "vigie retention set, or the flow's next start"
    assert vigie(str(definition)) == [
        f"bucket {unique}/tmp/ 1 days",
        f"bucket {unique}/archive/lines/ for ever its sink says 30 days: {says}",
        f"bucket {unique}-copies the last copies of the state of flows (recovery); not there yet",
    ]
    change = ("set", "90d", "--bucket", unique, str(definition))
    made = [
        f"bucket {unique}/{prefix}: objects are deleted after 90 days"
        for prefix in ("archive/lines/", "one/")
    ]
    assert vigie(*change, "--dry-run") == made
    assert definition.read_text() == text
    assert vigie(*change) == made
    changed = text.replace("30d", "90d").replace("'one/{id}'}", "'one/{id}', keep: 90d}")
    assert definition.read_text() == changed
    assert vigie(str(definition))[:3] == [
        f"bucket {unique}/tmp/ 1 days",
        f"bucket {unique}/one/ 90 days",
        f"bucket {unique}/archive/lines/ 90 days",
    ]


def test_how_long_evidence_is_kept_is_changed_in_the_site_file(site: Site) -> None:
    done = site.vigie("retention", "set", "720h", "--evidence")
    assert done.exit_code == 0, done.output
    assert load_site(site.path).evidence.keep == 30 * 86_400


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("30",), "say what: --topic, --table or --bucket NAME, or --evidence"),
        (("soon", "--evidence"), "soon"),
        (("-1d", "--evidence"), "No such option"),
        (("0s", "--evidence"), "expected a time above 0"),
        (("forever", "--evidence"), "take it out of 'evidence'"),
        (("12h", "--table", "readings"), "expected whole days for a table"),
        (("90d", "--table", "reading"), "no sink of the definitions given writes"),
        (("forever", "--table", "readings"), "then vigie migrate"),
        (("12h", "--bucket", "archive"), "expected whole days for a bucket"),
        (("forever", "--bucket", "archive"), "out of the bucket"),
        (("90d", "--bucket", "archive"), "no sink of the definitions given writes to the bucket"),
        (("30d", "--topic", "x"), "no broker under connections.redpanda"),
    ],
)
def test_a_time_that_cannot_be_is_refused_and_nothing_is_written(
    site: Site, words: tuple[str, ...], said: str
) -> None:
    before = site.path.read_text()
    refused = site.vigie("retention", "set", *words)
    assert refused.exit_code in (1, 2)
    assert said in refused.output
    assert site.path.read_text() == before
