"""`vigie retention`: how long tables, topics and buckets keep what they hold; `set` changes it."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from connectors.base import ConnectorError, NoAnswer
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.config.edit import NotEditable
from connectors.config.site import Site, SiteError, load_site
from connectors.kafka.connection import TopicConnection
from connectors.runtime.optional_packages import needing
from connectors.s3.connection import ObjectStoreConnection
from flows.admin.life_cycle import SINKS, LifeCycle, life_cycle
from flows.commands.site_option import SITE
from flows.commands.upkeep.retention_change import (
    Change,
    WrongChange,
    of_bucket,
    of_evidence,
    of_table,
    of_topic,
)
from flows.language.model import Flow
from flows.loader import load
from flows.runtime.clickhouse_tables import TableError, TableUnreachable, declared_tables

EXIT_REFUSED = 1
EXIT_DOWN = 75
WHERE = """
To change it: vigie retention set 30d --topic NAME, --table or --bucket NAME FLOW.yaml,
or --evidence. A bucket of InfluxDB keeps what InfluxDB was told."""

DEFINITIONS = click.argument(
    "definitions",
    nargs=-1,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="[FLOW.yaml ...]",
)


class _Listing(click.Group):
    """A group whose first command is meant where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Listing)
def retention() -> None:
    """How long tables, topics, buckets and evidence are kept: listed, or with `set` changed.

    `vigie retention [FLOW.yaml ...]` lists.
    """


@retention.command("list")
@DEFINITIONS
@SITE
def listed(definitions: tuple[Path, ...], site: Path) -> None:
    """List how long each table, topic and bucket keeps what it holds, and how much that is.

    With definitions, tables and buckets that are not as their sinks say are named.

    Exit codes: 0 listed, 1 something is refused, 75 a service does not answer.
    """
    with _refusals():
        place = load_site(site)
        flows = _load(definitions)
        declared, objects = declared_tables(flows, place), _declared_objects(flows)
        with needing("retention", "clickhouse", "clickhouse_connect", "pyarrow"):
            from flows.admin.retention import of_tables, of_topics
        for name, written in place.connections.items():
            if name in ("clickhouse", *declared):
                found = of_tables(
                    place.connection(name, ClickHouseConnection), declared.get(name, [])
                )
            elif "brokers" in written:
                found = of_topics(place.connection(name, TopicConnection))
            elif "access_key" in written:
                with needing("retention", "objects", "minio"):
                    from flows.admin.bucket_retention import of_buckets
                store = place.connection(name, ObjectStoreConnection)
                found = of_buckets(store, name, objects.get(name, []), _uses(place, name))
            else:
                continue
            for one in found:
                click.echo(f"{one.what:<40} {one.keeps:<28} {one.note}".rstrip())
        keep = place.evidence.keep
        said = f"{keep / 86400:g} days" if keep else "for ever"
        click.echo(f"{'evidence':<40} {said}")
    click.echo(WHERE)


@retention.command("set")
@click.argument("keep")
@DEFINITIONS
@click.option("--topic", metavar="NAME", help="For this topic, in the site file.")
@click.option("--table", metavar="NAME", help="For this table, in the definitions.")
@click.option("--bucket", metavar="NAME", help="For this bucket, in the definitions.")
@click.option("--evidence", is_flag=True, help="For pictures and videos, in the site file.")
@click.option("--connection", metavar="NAME", help="Of which connection, where there are several.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@SITE
def set_(
    keep: str, definitions: tuple[Path, ...], topic: str | None, table: str | None,
    bucket: str | None, evidence: bool, connection: str | None, dry_run: bool, site: Path,
) -> None:  # fmt: skip
    """Change how long a topic, a table, a bucket or evidence is kept: KEEP is 30d, 12h, or forever.

    It is written where it belongs, once: for topics and evidence in the site file, for tables
    and buckets at the sinks of the definitions given; and then made so. What is older
    than that is deleted for good, so look with --dry-run first.

    Exit codes: 0 done, 1 something is refused, 75 a service does not answer.
    """
    if sum(one is not None for one in (topic, table, bucket)) + evidence != 1:
        raise click.UsageError("say what: --topic, --table or --bucket NAME, or --evidence")
    with _refusals():
        place = load_site(site)
        if topic is not None:
            change = of_topic(place, topic, keep, connection or "redpanda")
        elif table is not None:
            change = of_table(place, _load(definitions), table, keep, connection)
        elif bucket is not None:
            change = of_bucket(place, _load(definitions), bucket, keep, connection)
        else:
            change = of_evidence(place, keep)
        _make(change, dry_run)


def _make(change: Change, dry_run: bool) -> None:
    for edit in change.edits:
        click.echo(f"{edit.path}: {edit.words}")
        if not dry_run:
            edit.write()
    refused = False
    for text, is_refused in change.apply(dry_run):
        click.echo(text, err=is_refused)
        refused = refused or is_refused
    if refused:
        sys.exit(EXIT_REFUSED)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (NoAnswer, TableUnreachable) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_DOWN)
    except (ConnectorError, SiteError, TableError, WrongChange, NotEditable) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)


def _declared_objects(flows: Iterable[tuple[Path, Flow]]) -> dict[str, list[LifeCycle]]:
    """What sinks ask of object stores, by connection."""
    found: dict[str, list[LifeCycle]] = {}
    for _, flow in flows:
        for name, sink in flow.sinks.items():
            if isinstance(sink.settings, SINKS):
                rule = life_cycle(sink.settings, flow.flow, name)
                found.setdefault(sink.settings.connection, []).append(rule)
    return found


def _uses(place: Site, connection: str) -> dict[str, str]:
    """What buckets are for of which no sink speaks."""
    copies = place.recovery.objects if place.recovery.connection == connection else None
    return {} if copies is None else {copies: "the last copies of the state of flows (recovery)"}


def _load(definitions: tuple[Path, ...]) -> list[tuple[Path, Flow]]:
    flows = []
    for path in definitions:
        document, flow = load(path)
        if flow is None:
            raise ConnectorError("\n".join(map(str, document.problems)))
        flows.append((path, flow))
    return flows
