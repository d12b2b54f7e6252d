"""`vigie migrate`: tables made and brought up to date on a real engine, and the refusals of
`vigie run`.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import flows
from connectors.base import ConnectorError
from connectors.clickhouse.changes import Change, Migration, migrations
from connectors.clickhouse.client import connect
from connectors.clickhouse.columns import KINDS
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from flows.checks.event_kinds import Contents
from flows.cli import main
from flows.loader import load
from infra.embedded.clickhouse import ClickHouse
from tests.waiting import PATIENCE

SHIPPED = sorted((Path(flows.__file__).parent / "definitions").glob("*.yaml"))
DEFINITIONS = [path for path in SHIPPED if path.name != "site.yaml"]


@pytest.fixture
def connection(clickhouse: ClickHouse, unique: str) -> ClickHouseConnection:
    return ClickHouseConnection(url=f"{clickhouse.url}/{unique}", password=clickhouse.password)


@pytest.fixture
def site(connection: ClickHouseConnection, tmp_path: Path) -> Path:
    return write_site(tmp_path, connection.url, connection.password.get_secret_value())


def write_site(folder: Path, url: str, password: str) -> Path:
    path = folder / "site.yaml"
    known = {
        "clickhouse": {"url": url, "password": password},
        "redpanda": {"brokers": ["127.0.0.1:1"]},
    }
    path.write_text(json.dumps({"vigie": 1, "site": "test", "connections": known}))
    return path


def write(folder: Path, name: str, sinks: str, source: str = "topic: site.readings") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(f"vigie: 1\nflow: {name}\nsources: {{a: {{{source}}}}}\nsinks:\n  {sinks}\n")
    return path


def vigie(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_tables_of_the_shipped_definitions_are_made_once(
    site: Path, connection: ClickHouseConnection
) -> None:
    plan = vigie("migrate", "--dry-run", "--site", site, *DEFINITIONS)
    assert plan.output.startswith(f"CREATE DATABASE IF NOT EXISTS `{connection.database}`;\n")
    assert "CREATE TABLE IF NOT EXISTS `readings`" in plan.output
    first = vigie("migrate", "--site", site, *DEFINITIONS)
    assert first.exit_code == 0, first.output
    assert sorted(first.output.split()) == sorted(
        f"{table}: {migration.name}".split()[part]
        for table, kind in (
            ("alarm_events", "alarms"),
            ("readings", "readings"),
            ("events", "events"),
        )
        for migration in migrations(kind)
        for part in (0, 1)
    )
    second = vigie("migrate", "--site", site, *DEFINITIONS)
    assert sorted(second.output.splitlines()) == sorted(
        f"{table}: up to date ({kind}, version {migrations(kind)[-1].number})"
        for table, kind in (
            ("alarm_events", "alarms"),
            ("readings", "readings"),
            ("events", "events"),
        )
    )
    # without definitions: all that there are
    assert vigie("migrate", "--site", site).output.count("up to date") == 3


def test_a_dry_run_prints_the_statements_and_changes_nothing(
    site: Path, connection: ClickHouseConnection, tmp_path: Path
) -> None:
    client = connect(connection)
    definition = write(
        tmp_path, "kept", "t: {from: a, clickhouse: {table: kept, kind: readings, keep: 30d}}"
    )
    result = vigie("migrate", "--dry-run", "--site", site, definition)
    assert "CREATE TABLE IF NOT EXISTS `kept` (" in result.output
    assert "TTL toDateTime(time) + toIntervalDay(30)\nCOMMENT" in result.output
    assert client.query("SHOW TABLES").result_rows == []


def test_a_changed_time_to_keep_is_applied(
    site: Path, connection: ClickHouseConnection, tmp_path: Path
) -> None:
    client = connect(connection)
    said = []
    for keep in (", keep: 30d", ", keep: 90d", ""):
        definition = write(
            tmp_path, "kept", f"t: {{from: a, clickhouse: {{table: kept, kind: readings{keep}}}}}"
        )
        said.append(vigie("migrate", "--site", site, definition).output)
        found = Schema(client, "").look("kept")
        assert found is not None
        assert found.keep_days == {", keep: 30d": 30, ", keep: 90d": 90, "": None}[keep]
    assert said[1:] == [
        "kept: keeps rows 90 days, was 30 days\n",
        "kept: keeps rows for ever, was 90 days\n",
    ]


def test_two_that_migrate_at_once_do_no_harm(site: Path, connection: ClickHouseConnection) -> None:
    command = [
        sys.executable,
        "-m",
        "flows.cli",
        "migrate",
        "--site",
        str(site),
        *map(str, DEFINITIONS),
    ]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    for process in both:
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, output
    schema = Schema(connect(connection), "")
    for table, kind in (("alarm_events", "alarms"), ("readings", "readings"), ("events", "events")):
        found = schema.check(Declared(table, kind))
        assert found is not None
        assert found.number == migrations(kind)[-1].number


@pytest.mark.parametrize("kind", KINDS)
def test_every_migration_can_be_applied_again(connection: ClickHouseConnection, kind: str) -> None:
    schema = Schema(connect(connection), "")
    declared = Declared("t", kind)
    assert [change.migration for change in schema.migrate(declared)] == list(migrations(kind))
    schema._client.command("ALTER TABLE t MODIFY COMMENT ''")
    with pytest.raises(ConnectorError, match="schema version 0, this Vigie writes version"):
        schema.check(declared)
    assert [change.migration for change in schema.migrate(declared)] == list(migrations(kind))
    assert schema.check(declared)
    numbers = [migration.number for migration in migrations(kind)]
    assert numbers == sorted(
        set(numbers)
    )  # one whose whole work a later one does again is left out


def test_run_refuses_an_older_table_with_the_command(
    site: Path, connection: ClickHouseConnection, tmp_path: Path
) -> None:
    client = connect(connection)
    Schema(client, "").migrate(Declared("kept", "readings"))
    client.command("ALTER TABLE kept MODIFY COMMENT ''")
    definition = write(tmp_path, "kept", "t: {from: a, clickhouse: {table: kept, kind: readings}}")
    result = vigie("run", definition, "--site", site, "--data", tmp_path / "data")
    assert result.exit_code == 1
    assert (
        f"the table 'kept' of the database '{connection.database}' has schema version 0"
        in result.output
    )
    assert "run `vigie migrate`" in result.output


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "CREATE TABLE kept (id String) ENGINE = MergeTree ORDER BY id",
            "is a MergeTree; expected a ReplacingMergeTree",
        ),
        (
            "CREATE TABLE kept (id String) ENGINE = ReplacingMergeTree ORDER BY id",
            "it lacks time DateTime64(6, 'UTC'), subject",
        ),
        ("CREATE VIEW kept AS SELECT 1", "is a View; expected a ReplacingMergeTree"),
    ],
)
def test_a_table_of_somebody_else_is_left_alone(
    site: Path, connection: ClickHouseConnection, tmp_path: Path, statement: str, words: str
) -> None:
    client = connect(connection)
    client.command(statement)
    definition = write(tmp_path, "kept", "t: {from: a, clickhouse: {table: kept, kind: readings}}")
    result = vigie("migrate", "--site", site, definition)
    assert result.exit_code == 1
    assert words in result.output
    assert Schema(client, "").known() == []


def test_what_cannot_be_migrated_is_said(
    site: Path, connection: ClickHouseConnection, tmp_path: Path
) -> None:
    connect(connection)
    unknown = write(tmp_path, "unknown", "t: {from: a, clickhouse: {table: kept}}")
    result = vigie("migrate", "--site", site, unknown)
    assert (
        result.exit_code,
        "write kind: readings, alarms or events at its sink" in result.output,
    ) == (1, True)
    one = write(
        tmp_path, "one", "t: {from: a, clickhouse: {table: kept, kind: readings, keep: 30d}}"
    )
    two = write(
        tmp_path, "two", "t: {from: a, clickhouse: {table: kept, kind: readings, keep: 31d}}"
    )
    result = vigie("migrate", "--site", site, one, two)
    assert result.exit_code == 1
    assert "two.yaml (sinks.t) says keep 31 of table 'kept'" in result.output
    nowhere = write_site(tmp_path, "http://127.0.0.1:1/x", "secret-word")
    result = vigie("migrate", "--site", nowhere, one)
    assert result.exit_code == 75
    assert "ClickHouse at http://127.0.0.1:1/x does not answer" in result.output
    assert "secret-word" not in result.output


def test_definitions_tell_of_each_others_topics(tmp_path: Path) -> None:
    paths = [
        write(
            tmp_path,
            "meters",
            "log: {from: a, topic: site.power}",
            "simulate: {every: 5s, signals: {m/power: {random: 1..2 W}}}",
        ),
        write(tmp_path, "archive", "t: {from: a, clickhouse: {table: power}}", "topic: site.power"),
        write(tmp_path, "relay", "log: {from: a, topic: site.power}", "topic: site.power"),
    ]
    meters, archive, relay = (load(path)[1] for path in paths)
    assert meters and archive and relay
    settings = archive.sinks["t"].settings
    assert Contents([meters, archive]).of_table(archive, "t", settings) == "readings"  # type: ignore[arg-type]
    assert Contents([archive, relay]).of_table(archive, "t", settings) is None  # type: ignore[arg-type]


BOTH = """\
vigie: 1
flow: f
sources: {a: {simulate: {every: 5s, signals: {m/power: {random: 1..2 W}}}}, t: {topic: site.any}}
alarms: {high: {from: a, when: {above: 1.5}, response: Look.}}
sinks:
"""


@pytest.mark.parametrize(
    ("sinks", "words"),
    [
        (
            "  x: {from: [a, alarms], clickhouse: all}\n",
            "cannot hold alarms (from 'alarms') and readings (from 'a')",
        ),
        (
            "  x: {from: a, clickhouse: all}\n  y: {from: high, clickhouse: all}\n",
            "cannot hold alarms (from 'high')",
        ),
        (
            "  x: {from: a, clickhouse: {table: all, kind: alarms}}\n",
            "cannot hold readings (from 'a') and alarms (from 'kind')",
        ),
        (
            "  x: {from: [t, alarms], clickhouse: all}\n",
            "takes alarms only; what else 't' may bring goes to the dead letters",
        ),
        (
            "  x: {from: a, clickhouse: all}\n  y: {from: t, clickhouse: {table: all, keep: 9d}}\n",
            "another 'keep' at 'x'",
        ),
    ],
)
def test_what_differs_in_columns_cannot_share_a_table(
    tmp_path: Path, sinks: str, words: str
) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(BOTH + sinks)
    document, _ = load(path)
    assert words in document.report()


@pytest.mark.parametrize(
    "sinks",
    [
        "  x: {from: [a, t], clickhouse: all}\n",
        "  x: {from: a, clickhouse: r}\n  y: {from: [alarms, high], clickhouse: s}\n",
    ],
)
def test_what_fits_shares_a_table(tmp_path: Path, sinks: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(BOTH + sinks)
    document, flow = load(path)
    assert flow
    assert "table '" not in document.report()


def test_a_second_process_that_was_faster_is_no_failure(connection: ClickHouseConnection) -> None:
    schema = Schema(connect(connection), "")
    schema.migrate(Declared("t", "readings"))
    late = Change("t: keeps rows for ever", ("ALTER TABLE `t` REMOVE TTL",), sets_keep=True)
    schema._do(late, Declared("t", "readings"))  # there is none any more
    with pytest.raises(Exception, match="Code: 36"):
        schema._do(late, Declared("t", "readings", keep_days=3))
    assert Migration(1, "0001_table", "").number == 1
