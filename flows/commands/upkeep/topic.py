"""`vigie topic`: what stands in a topic, as JSON."""

import sys
from pathlib import Path

import click
import msgspec

from connectors.base import ConnectorError, NoAnswer
from connectors.config.site import SiteError, load_site
from connectors.kafka.connection import TopicConnection
from connectors.kafka.inspection import existing_topics
from connectors.kafka.log.content import as_lines
from connectors.kafka.topics.contents import Unreachable, contents
from flows.commands.site_option import SITE

EXIT_REFUSED = 1
EXIT_DOWN = 75


@click.group()
def topic() -> None:
    """See what stands in a topic."""


@topic.command()
@click.argument("name", metavar="TOPIC")
@SITE
@click.option(
    "--connection", default="redpanda", show_default=True, help="Connection of the site file."
)
@click.option(
    "--last",
    type=click.IntRange(1),
    metavar="RECORDS",
    help="Only so many records at the end of each partition, of one or many events each.",
)
def cat(name: str, site: Path, connection: str, last: int | None) -> None:
    """Print the events of a topic, one JSON object a line, whether it holds JSON or Arrow.

    Ends at what the topic held when it began. Of a record that is neither, the place is told on
    standard error.

    Exit codes: 0 printed, 1 something is refused or damaged, 75 the broker does not answer.
    """
    damaged = 0
    try:
        broker = load_site(site).connection(connection, TopicConnection)
        if name not in existing_topics(broker):
            raise ConnectorError(f"there is no topic {name!r}; `vigie graph` shows those of flows")
        for record in contents(broker, name, last):
            try:
                lines = as_lines("topic cat", record.value, record.arrow)
            except msgspec.DecodeError as error:
                damaged += 1
                where = f"{name}/{record.partition}/{record.offset}"
                click.echo(f"{where}: {len(record.value)} bytes are left out: {error}", err=True)
                continue
            sys.stdout.buffer.write(lines if lines.endswith(b"\n") or not lines else lines + b"\n")
            sys.stdout.buffer.flush()
    except (NoAnswer, Unreachable) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_DOWN)
    except (ConnectorError, SiteError) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)
    if damaged:
        sys.exit(EXIT_REFUSED)
