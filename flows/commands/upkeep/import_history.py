"""`vigie import`: history from elsewhere as rows of ClickHouse, so that a site begins with some."""

import sys
import threading
import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import click

from connectors.base import ConnectorContext, ConnectorError, Health
from connectors.clickhouse.components import ClickHouse
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.config.site import Site, SiteError, load_site
from connectors.mariadb.connection import MariadbConnection
from connectors.runtime.optional_packages import needing
from connectors.runtime.threaded_writer import Retry
from flows.admin.history_csv import FIELDS, CsvHistory
from flows.admin.history_influxdb import SUBJECTS, UNITS_OF_TIME, InfluxHistory
from flows.admin.history_recorder import RecorderHistory, of_file, of_mariadb
from flows.commands.progress import progress
from flows.replay.time_arguments import moment
from operators.events import DeadLetter, Reading

EXIT_REFUSED = 1
EXIT_LEFT_OUT = 3
EXIT_DOWN = 75
AT_ONCE = 20_000


def _common(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--dry-run", is_flag=True, help="Show the first readings; write nothing."),
        click.option("--table", default="readings", show_default=True, help="Where they go."),
        click.option("--connection", default="clickhouse", show_default=True,
                     help="ClickHouse, in the site file."),
        click.option("--site", type=click.Path(dir_okay=False, path_type=Path),
                     default=Path("site.yaml"), show_default=True, help="Addresses and secrets."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group()
def import_history() -> None:
    """Bring history into a ClickHouse table of readings.

    What is imported again changes nothing: a reading that says the same has the same id. Flows may
    run meanwhile. Alarms are not evaluated; `vigie replay` shows which there would have been.

    Exit codes: 0 done, 1 refused, 3 done but for what could not be read, 75 a service is down.
    """


@import_history.command("csv")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="FIELD=NAME",
    help=f"Which column holds a field ({', '.join(FIELDS)}); FIELD==TEXT is one text for all.",
)
@_common
def import_csv(
    file: Path, columns: tuple[str, ...], site: Path, connection: str, table: str, dry_run: bool
) -> None:  # fmt: skip
    """Readings of a CSV FILE whose first line names the columns.

    It has `time`, `subject`, `metric`, `value` and, if you like, `unit`; or, without `value`, a
    column for each metric. What `vigie export` wrote can be read back.
    """

    def act(place: Site) -> tuple[Iterable[Reading], Callable[[], tuple[int, str]]]:
        named: dict[str, str] = {}
        for one in columns:
            field, sign, name = one.partition("=")
            if not sign or field not in FIELDS:
                raise ConnectorError(
                    f"--column {one}: expected FIELD=NAME, with one of {', '.join(FIELDS)}"
                )
            named[field] = name
        history = CsvHistory(file, place.zone, named)
        return history.readings(), lambda: (history.left_out, history.first_bad)

    _import(site, connection, table, dry_run, act)


@import_history.command("influxdb")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--subject",
    default="",
    metavar="TEXT",
    help="What a point is about, with {TAG} for the value of a tag, such as '{host}/{disk}'."
    f" Default: the first of the tags {', '.join(SUBJECTS)}.",
)
@click.option(
    "--metric",
    default="",
    metavar="TEXT",
    help="What it measures, with {measurement}, {field} or {TAG}. Default: the name of the field,"
    " or of the measurement where the field is called `value`.",
)
@click.option(
    "--precision",
    type=click.Choice([*UNITS_OF_TIME]),
    default="ns",
    show_default=True,
    help="Of the times in the file; exports have ns.",
)
@_common
def import_influxdb(
    file: Path, subject: str, metric: str, precision: str, site: Path, connection: str, table: str,
    dry_run: bool,
) -> None:  # fmt: skip
    """Points of an export in line protocol, plain or packed with gzip.

    InfluxDB 1: influx_inspect export -lponly -database DB -datadir … -waldir … -out FILE.
    InfluxDB 2: influxd inspect export-lp --bucket-id ID --engine-path … --output-path FILE.
    What Home Assistant wrote is decoded as the states of its recorder are.
    """

    def act(place: Site) -> tuple[Iterable[Reading], Callable[[], tuple[int, str]]]:
        history = InfluxHistory(file, place.zone, precision, subject, metric)
        return history.readings(), lambda: (history.left_out, history.first_bad)

    _import(site, connection, table, dry_run, act)


@import_history.command("home-assistant")
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A home-assistant_v2.db; without it, the tables of a MariaDB server.",
)
@click.option("--from", "start", default="1970-01-02", metavar="TIME", help="Begin; default: all.")
@click.option(
    "--to",
    "end",
    default="now",
    show_default=True,
    help="End, itself not included: when the flow began that reads the same recorder.",
)
@click.option("--recorder", default="mariadb", show_default=True, help="MariaDB, in the site file.")
@_common
def import_home_assistant(
    file: Path | None, start: str, end: str, recorder: str, site: Path, connection: str,
    table: str, dry_run: bool,
) -> None:  # fmt: skip
    """States of Home Assistant's recorder, decoded as the flow decodes them."""

    def act(place: Site) -> tuple[Iterable[Reading], Callable[[], tuple[int, str]]]:
        now = time.time()
        rows = of_file(file) if file else of_mariadb(place.connection(recorder, MariadbConnection))
        history = RecorderHistory(rows, place.zone)
        first, last = (moment(text, now, place.zone) for text in (start, end))
        return history.readings(first, last), lambda: (0, "")

    _import(site, connection, table, dry_run, act)


def _import(
    site: Path, connection: str, table: str, dry_run: bool,
    act: Callable[[Site], tuple[Iterable[Reading], Callable[[], tuple[int, str]]]],
) -> None:  # fmt: skip
    refused: list[DeadLetter] = []
    try:
        place = load_site(site)
        readings, left_out = act(place)
        if dry_run:
            for reading in islice(readings, 10):
                click.echo(_line(reading))
            return
        with needing("import", "clickhouse", "clickhouse_connect", "pyarrow"):
            from connectors.clickhouse.writer import Inserter

        context = ConnectorContext(
            flow="import", name="import",
            connection=place.connection(connection, ClickHouseConnection),
            stopping=threading.Event(), health=Health(), count=lambda word, n: None,
            dead_letter=refused.append, folder=None,
        )  # fmt: skip
        inserter = Inserter(context, ClickHouse(table=table, kind="readings").declared())
        done = 0
        with progress("import") as tell:
            coming = iter(readings)
            while part := [*islice(coming, AT_ONCE)]:
                inserter.insert([*part])
                done += len(part)
                tell(0, f"{done} readings")
    except Retry as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_DOWN)
    except (ConnectorError, SiteError, ValueError) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)
    n, first = left_out()
    click.echo(f"{done} readings into {table}" + (f"; {n} lines left out" if n else ""))
    if n:
        click.echo(f"the first: {first}", err=True)
        sys.exit(EXIT_LEFT_OUT)


def _line(reading: Reading) -> str:
    said: Any = reading.text if reading.value is None else f"{reading.value:g}"
    unit = f" {reading.unit}" if reading.unit else ""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(reading.time))
    return f"{at} {reading.subject} {reading.metric} {said}{unit}"
