"""`vigie evidence`: export what belongs to an event, pin it, and delete what is kept no longer."""

import getpass
import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import click
from kafka import KafkaProducer
from kafka.errors import KafkaError

from connectors.base import ConnectorError
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.config.site import Site, SiteError, load_site
from connectors.kafka.admin import ensure_topic, explain
from connectors.kafka.connection import TopicConnection
from connectors.s3.connection import ObjectStoreConnection
from connectors.s3.evidence import STORED, is_genuine
from connectors.s3.retention import pin_row
from flows.commands.progress import progress
from flows.commands.site_option import SITE

EXIT_REFUSED = 1
EXIT_DOWN = 75
_EVENT = "SELECT *, toUnixTimestamp64Micro(time) AS at FROM events FINAL WHERE id = {id:String}"
_TOLD = """
SELECT id, data FROM events FINAL
WHERE subject = {subject:String} AND type = 'evidence' AND kind = 'occurrence'
  AND toUnixTimestamp64Micro(time) = {at:Int64}
  AND JSONExtractString(data, 'data', 'event') = {id:String}
"""
_ALARMS = """
SELECT * FROM alarm_events FINAL
WHERE occ > 0 AND (rule, subject, occ) IN (
  SELECT rule, subject, occ FROM alarm_events
  WHERE JSONExtractString(evidence, 'id') = {id:String}
) ORDER BY recorded, seq
"""


class _NotThere(Exception):
    """There is nothing to export; the message says what is missing."""


@click.group()
def evidence() -> None:
    """Pictures and videos of events."""


@evidence.command()
@click.argument("event")
@SITE
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("evidence.zip"),
    help="The file to write; default: evidence.zip.",
)
def export(event: str, site: Path, output: Path) -> None:
    """Write an event, its pictures and clips, and the alarms it raised into a ZIP file.

    SHA256SUMS in it has the checksum of each file, in the form of `sha256sum -c`. What no longer
    has the checksum it was stored with is refused, and what a sink did not sign is left out.

    Exit codes: 0 done, 1 nothing there or damaged, 75 a service does not answer.
    """
    from clickhouse_connect.driver.exceptions import ClickHouseError
    from urllib3.exceptions import HTTPError

    from connectors.runtime.threaded_writer import Retry

    try:
        files = _files(event, load_site(site))
    except (SiteError, ConnectorError, _NotThere) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)
    except (ClickHouseError, HTTPError, OSError, Retry) as error:
        click.echo(f"a service does not answer: {error}", err=True)
        sys.exit(EXIT_DOWN)
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    try:
        with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
            for name, data in (*files.items(), ("SHA256SUMS", sums.encode())):
                archive.writestr(name, data)
    except OSError as error:
        click.echo(f"{output} cannot be written: {error.strerror}", err=True)
        sys.exit(EXIT_REFUSED)
    click.echo(f"{output}: {', '.join(files)}")


@evidence.command()
@click.argument("event")
@click.option("--undo", is_flag=True, help="Let it be deleted again.")
@SITE
def pin(event: str, undo: bool, site: Path) -> None:
    """Keep the pictures and clips of an event, whatever the site's `evidence` says.

    Exit codes: 0 done, 1 the site file is wrong, 75 the broker does not answer.
    """
    try:
        connection = load_site(site).connection("redpanda", TopicConnection)
    except (SiteError, ConnectorError) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)
    topic = connection.topic_names.evidence_pins
    try:
        ensure_topic(connection, topic, 1, compact=True)
        producer = KafkaProducer(**connection.client_options(), acks="all")
        row = pin_row(event, not undo, getpass.getuser())
        producer.send(topic, row, event.encode(), partition=0).get(10)
        producer.close()
    except (KafkaError, OSError) as error:
        click.echo(explain(error, connection), err=True)
        sys.exit(EXIT_DOWN)
    click.echo(f"{event}: {'no longer pinned' if undo else 'pinned'}")


@evidence.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@SITE
def sweep(dry_run: bool, site: Path) -> None:
    """Delete now what the site's `evidence` no longer keeps; flows do so by themselves, too.

    Exit codes: 0 done, 1 the site file is wrong, 75 a service does not answer.
    """
    from flows.admin.evidence_sweep import DOWN, EvidenceSweep

    try:
        lines = EvidenceSweep(load_site(site)).sweep(dry_run)
    except (SiteError, ConnectorError) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)
    except DOWN as error:
        click.echo(f"a service does not answer: {error}", err=True)
        sys.exit(EXIT_DOWN)
    for line in lines:
        click.echo(line)
    click.echo(f"{len(lines)} {'would be deleted' if dry_run else 'deleted'}")


def _files(event: str, site: Site) -> dict[str, bytes]:
    """The files of the archive by name. Raises `_NotThere`."""
    from connectors.clickhouse.client import open_client

    client = open_client(site.connection("clickhouse", ClickHouseConnection))
    try:
        rows = _rows(client, _EVENT, id=event)
        if not rows:
            raise _NotThere(f"the table events has no event {event!r}")
        bound = {"id": event, "subject": rows[0]["subject"], "at": rows[0].pop("at")}
        told = [json.loads(row["data"])["data"] for row in _rows(client, _TOLD, **bound)]
        alarms = _alarms(client, event)
    finally:
        client.close()
    files = {"event.json": _json(rows[0]), "evidence.json": _json(told)}
    if alarms:
        files["alarms.json"] = _json(alarms)
    stored = [one for one in told if one.get("state") == STORED]
    if not stored:
        return files
    connection = site.connection("minio", ObjectStoreConnection)
    secret = connection.secret_key.get_secret_value()
    with progress("export") as tell:
        for number, one in enumerate(stored):
            tell.of(number, len(stored))
            if is_genuine(one, secret):
                files |= _objects(connection, one)
                continue
            click.echo(
                f"{one.get('key')!r} is left out: it is not signed with the key of the object"
                " store, so anybody may have called it evidence of this event",
                err=True,
            )
    return files


def _alarms(client: Any, event: str) -> list[dict[str, Any]]:
    if not _rows(client, "EXISTS TABLE alarm_events")[0]["result"]:
        return []
    return _rows(client, _ALARMS, id=event)


def _objects(connection: ObjectStoreConnection, told: dict[str, Any]) -> dict[str, bytes]:
    from connectors.s3.settings import Settings
    from connectors.s3.store import Store

    store = Store(connection, Settings("minio", told["bucket"], create=False))
    files: dict[str, bytes] = {}
    try:
        for key in filter(None, (told["key"], told.get("drawn"), told.get("thumbnail"))):
            data = store.get(key)
            if data is None:
                raise _NotThere(f"the bucket {told['bucket']!r} no longer has {key!r}")
            if key == told["key"] and hashlib.sha256(data).hexdigest() != told["sha256"]:
                raise _NotThere(f"{key!r} is no longer what was stored: its checksum differs")
            files[key] = data
    finally:
        store.close()
    return files


def _rows(client: Any, statement: str, **bound: Any) -> list[dict[str, Any]]:
    return list(client.query(statement, parameters=bound).named_results())


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str).encode()
