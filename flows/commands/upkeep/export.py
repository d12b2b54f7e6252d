"""`vigie export`: rows of ClickHouse as a file."""

import os
import sys
import time
from pathlib import Path

import click

from connectors.base import ConnectorError, NoAnswer
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.config.site import SiteError, load_site
from connectors.runtime.optional_packages import needing
from flows.commands.progress import progress
from flows.commands.site_option import SITE
from flows.replay.time_arguments import moment

EXIT_REFUSED = 1
EXIT_DOWN = 75
ENDINGS = {".parquet": "parquet", ".csv": "csv", ".jsonl": "jsonl"}


@click.command()
@click.argument("table")
@SITE
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Ends in .parquet, .csv or .jsonl, which says the form.",
)
@click.option(
    "--from",
    "start",
    default="-30d",
    show_default=True,
    metavar="TIME",
    help="Begin: 2026-11-01, 2026-11-01T08:30, -30d, today, yesterday.",
)
@click.option("--to", "end", default="now", show_default=True, help="End, itself not included.")
@click.option("--subject", multiple=True, help="Only of these subjects.")
@click.option("--metric", multiple=True, help="Only of these metrics (a table of readings).")
@click.option("--type", "type_", multiple=True, help="Only of these types (a table of events).")
@click.option("--rule", multiple=True, help="Only of these rules (a table of alarms).")
@click.option("--connection", default="clickhouse", show_default=True, help="Of the site file.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def export(
    table: str, site: Path, output: Path, start: str, end: str, subject: tuple[str, ...],
    metric: tuple[str, ...], type_: tuple[str, ...], rule: tuple[str, ...], connection: str,
    force: bool,
) -> None:  # fmt: skip
    """Write the rows of a ClickHouse TABLE into a file: each once, in the order of time.

    Times are the site's, unless they name a zone. The file appears once it is whole.

    Exit codes: 0 done, 1 something is wrong with what was asked, 75 ClickHouse does not answer.
    """
    form = ENDINGS.get(output.suffix)
    try:
        if form is None:
            raise ConnectorError(
                f"{output}: the ending says the form; end it in {', '.join(ENDINGS)}"
            )
        if output.exists() and not force:
            raise ConnectorError(f"{output} is there; take another name, or --force replaces it")
        place = load_site(site)
        now = time.time()
        first, last = (moment(text, now, place.zone) for text in (start, end))
        if first >= last:
            raise ConnectorError(f"--from {start} is not before --to {end}")
        with needing("export", "clickhouse", "clickhouse_connect", "pyarrow"):
            from connectors.clickhouse.export import Chosen, exported
        only = {"subject": subject, "metric": metric, "type": type_, "rule": rule}
        chosen = Chosen(table, first, last, {k: list(v) for k, v in only.items() if v})
        settings = place.connection(connection, ClickHouseConnection)
        written = 0
        part = output.with_name(f".{output.name}.part")
        try:
            with part.open("wb") as file, progress("export") as tell:
                for piece in exported(settings, chosen, form):  # type: ignore[arg-type]
                    file.write(piece)
                    written += len(piece)
                    tell(0, f"{written / 1e6:.0f} MB")
                file.flush()
                os.fsync(file.fileno())
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)
    except NoAnswer as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_DOWN)
    except (ConnectorError, SiteError, ValueError, OSError) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)
    click.echo(f"{output}: {written / 1e6:.1f} MB of {table}")
