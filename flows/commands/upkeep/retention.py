"""`vigie retention`: how long tables and topics keep what they hold, in one list."""

import sys
from pathlib import Path

import click

from connectors.base import ConnectorError, NoAnswer
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.config.site import SiteError, load_site
from connectors.kafka.connection import TopicConnection
from connectors.runtime.optional_packages import needing
from flows.loader import load
from flows.runtime.clickhouse_tables import TableError, declared_tables

EXIT_REFUSED = 1
EXIT_DOWN = 75
WHERE = """
To change it: `keep` of a clickhouse sink in its definition, `topics: {TOPIC: {keep: 30d}}` of the
broker in the site file; then vigie migrate. Pictures and videos: `evidence` of the site file.
A bucket of InfluxDB keeps what InfluxDB was told, an object store what its lifecycle rules say."""


@click.command()
@click.argument(
    "definitions",
    nargs=-1,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="[FLOW.yaml ...]",
)
@click.option(
    "--site",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("site.yaml"),
    show_default=True,
    help="Addresses and secrets.",
)
def retention(definitions: tuple[Path, ...], site: Path) -> None:
    """List how long each table and topic keeps what it holds, and how much that is.

    With definitions, tables that are not as their sinks say are named.

    Exit codes: 0 listed, 1 something is refused, 75 a service does not answer.
    """
    try:
        place = load_site(site)
        flows = []
        for path in definitions:
            document, flow = load(path)
            if flow is None:
                raise ConnectorError("\n".join(map(str, document.problems)))
            flows.append((path, flow))
        declared = declared_tables(flows, place)
        with needing("retention", "clickhouse", "clickhouse_connect", "pyarrow"):
            from flows.admin.retention import of_tables, of_topics
        for name, written in place.connections.items():
            if name in ("clickhouse", *declared):
                found = of_tables(
                    place.connection(name, ClickHouseConnection), declared.get(name, [])
                )
            elif "brokers" in written:
                found = of_topics(place.connection(name, TopicConnection))
            else:
                continue
            for one in found:
                click.echo(f"{one.what:<40} {one.keeps:<28} {one.note}".rstrip())
    except NoAnswer as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_DOWN)
    except (ConnectorError, SiteError, TableError) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)
    click.echo(WHERE)
