"""`vigie migrate`: ClickHouse tables made and brought up to date."""

import sys
from pathlib import Path

import click

from connectors.clickhouse.components import ClickHouse
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.table import Declared
from connectors.config.site import SiteError, load_site
from flows.language.model import Flow
from flows.loader import load
from flows.runtime.clickhouse_tables import (
    TableError,
    TableUnreachable,
    bring_up_to_date,
    declared_tables,
)

EXIT_REFUSED = 1
EXIT_DOWN = 75


@click.command()
@click.argument(
    "definitions",
    nargs=-1,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="[FLOW.yaml ...]",
)
@click.option(
    "--site",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Addresses and secrets; default: site.yaml beside the first definition, or here.",
)
@click.option("--dry-run", is_flag=True, help="Print the statements and change nothing.")
def migrate(definitions: tuple[Path, ...], site: Path | None, dry_run: bool) -> None:
    """Make the ClickHouse tables that definitions name, and bring them up to date.

    That is their columns, their views, and how long rows are kept. Give all definitions of a site
    at once: each knows what the others write to their topics. Without definitions, it brings the
    existing tables up to date. It may run at any time, twice at once, and while flows run.

    Exit codes: 0 done, 1 something was refused (the rest is done), 75 ClickHouse does not answer.
    """
    flows = _load(definitions)
    folder = definitions[0].parent if definitions else Path()
    try:
        place = load_site(site or folder / "site.yaml")
        wanted: dict[str, list[Declared]] = declared_tables(flows, place)
        if not definitions:
            wanted = {str(ClickHouse.model_fields["connection"].default): []}
        if not wanted:
            click.echo("no definition has a clickhouse sink: nothing to do")
        refused = False
        for name, tables in wanted.items():
            connection = place.connection(name, ClickHouseConnection)
            for line in bring_up_to_date(connection, tables, dry_run):
                click.echo(line.text, err=line.is_problem)
                refused = refused or line.is_problem
    except TableUnreachable as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_DOWN)
    except (SiteError, TableError) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)
    if refused:
        sys.exit(EXIT_REFUSED)


def _load(definitions: tuple[Path, ...]) -> list[tuple[Path, Flow]]:

    flows = []
    broken = False
    for path in definitions:
        document, flow = load(path)
        for problem in document.problems if flow is None else ():
            click.echo(problem, err=True)
        broken = broken or flow is None
        if flow is not None:
            flows.append((path, flow))
    if broken:
        sys.exit(EXIT_REFUSED)
    return flows
