"""`vigie migrate`: ClickHouse tables and topics brought to what files say of them."""

import sys
from pathlib import Path

import click

from connectors.base import ConnectorError
from connectors.clickhouse.components import ClickHouse
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.table import Declared
from connectors.config.site import SiteError, load_site
from flows.admin.declared_topics import declaring, make_as_declared
from flows.commands.progress import progress
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
    """Make the ClickHouse tables that definitions name, and bring them and topics up to date.

    That is tables' columns, their views, and how long rows are kept, and the settings of topics
    that the site file declares (`topics` of a broker's connection). Give all definitions of a site
    at once: each knows what the others write to their topics. Without definitions, it brings the
    existing tables up to date. It may run at any time, twice at once, and while flows run.

    Exit codes: 0 done, 1 something was refused (the rest is done), 75 ClickHouse or a broker does
    not answer.
    """
    flows = _load(definitions)
    folder = definitions[0].parent if definitions else Path()
    try:
        place = load_site(site or folder / "site.yaml")
        wanted: dict[str, list[Declared]] = declared_tables(flows, place)
        usual = str(ClickHouse.model_fields["connection"].default)
        if not definitions and (usual in place.connections or not declaring(place)):
            wanted = {usual: []}
        if not wanted and not declaring(place):
            click.echo("no definition has a clickhouse sink, no topic is declared: nothing to do")
        refused = False
        for text, is_refused in make_as_declared(place, dry_run):
            click.echo(text, err=is_refused)
            refused = refused or is_refused
        total, done = sum(len(tables) for tables in wanted.values()), 0
        with progress("migrate") as tell:
            for name, tables in wanted.items():
                connection = place.connection(name, ClickHouseConnection)
                for line in bring_up_to_date(connection, tables, dry_run):
                    tell.echo(line.text, err=line.is_problem)
                    refused = refused or line.is_problem
                    done += 1
                    tell.of(min(done, total), total)
    except (TableUnreachable, ConnectorError) as error:
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
