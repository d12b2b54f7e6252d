"""The ClickHouse tables that definitions name: checked, made, and migrated."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from connectors.base import ConnectorError
from connectors.clickhouse.components import ClickHouse
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.table import Declared
from connectors.config.site import Site
from connectors.kafka.topic_names import TopicNames
from flows.checks.event_kinds import Contents
from flows.dataflow.compiler import CompiledSink, NotRunnable
from flows.language.model import Flow

if TYPE_CHECKING:
    from connectors.clickhouse.schema import Schema


class TableError(Exception):
    """Definitions contradict each other about a table, or ClickHouse refuses.

    The message names the remedy.
    """


class TableUnreachable(TableError):
    """ClickHouse does not answer."""


class Line(NamedTuple):
    """What was done to a table, or why not, in one line or more."""

    text: str
    is_problem: bool = False


def declared_tables(flows: Iterable[tuple[Path, Flow]], site: Site) -> dict[str, list[Declared]]:
    """The tables that definitions name, by connection.

    Raises `TableError` where they contradict each other.
    """
    flows = list(flows)
    contents = Contents([flow for _, flow in flows], TopicNames.of_site(site))
    found: dict[tuple[str, str], tuple[str, Declared]] = {}
    for path, flow in flows:
        for name, sink in flow.sinks.items():
            if not isinstance(sink.settings, ClickHouse):
                continue
            place, where = (sink.settings.connection, sink.settings.table), f"{path} (sinks.{name})"
            declared = replace(
                sink.settings.declared(contents.of_table(flow, name, sink.settings)),
                zone=site.timezone,
            )
            other_where, other = found.get(place, (where, declared))
            for what in ("kind", "partition", "keep_days"):
                one, two = getattr(other, what), getattr(declared, what)
                if one != two and not (what == "kind" and None in (one, two)):
                    raise TableError(
                        f"{where} says {what.removesuffix('_days')} {two} of table"
                        f" {declared.table!r}, {other_where} says {one}; write the same at both"
                    )
            found[place] = (other_where, declared if other.kind is None else other)
    tables: dict[str, list[Declared]] = {}
    for (connection, _), (_, declared) in found.items():
        tables.setdefault(connection, []).append(declared)
    return tables


def bring_up_to_date(
    connection: ClickHouseConnection, tables: Iterable[Declared], dry_run: bool = False
) -> Iterator[Line]:
    """Migrate tables, also those made before their kind was known, as far as it goes.

    Raises `TableUnreachable` and `TableError`.
    """
    from clickhouse_connect.driver.exceptions import ClickHouseError

    from connectors.clickhouse.client import connect, is_missing, open_client
    from connectors.clickhouse.schema import Schema

    with _words_for(connection):
        tables = list(tables)
        try:
            client = open_client(connection) if dry_run else connect(connection)
        except ClickHouseError as error:
            if not (dry_run and is_missing(error)):
                raise
            yield Line(f"CREATE DATABASE IF NOT EXISTS `{connection.database}`;")
            schema = Schema(None, connection.database)
        else:
            schema = Schema(client, connection.database)
        named = {declared.table for declared in tables}
        for name in schema.known():
            found = schema.look(name)
            if name not in named and found is not None:
                by_day = found.partition == "toYYYYMMDD(time)"
                tables.append(
                    Declared(name, found.kind, "day" if by_day else "month", found.keep_days)
                )
        for declared in tables:
            yield from _one(schema, declared, dry_run)


def lacking_rights(connection: ClickHouseConnection, is_pending: bool) -> str | None:
    """What the user may not do that the tables need, with the remedy; None if that is nothing.

    `is_pending` says that a table is to be made or migrated. Raises as `bring_up_to_date`.
    """
    from connectors.clickhouse.client import open_client
    from connectors.clickhouse.rights import TO_MIGRATE, TO_WRITE, lacking

    rights = (*TO_WRITE, *(TO_MIGRATE if is_pending else ()))
    where = f"`{connection.database}`.*"
    with _words_for(connection):
        missing = lacking(open_client(connection, "", 5), rights, where)
    if not missing:
        return None
    other = " or run vigie migrate with a user that has them," if is_pending else ""
    return (
        f"ClickHouse user {connection.username!r} lacks {', '.join(missing)} on"
        f" {connection.database}: grant them,{other} before the deploy"
    )


def _one(schema: "Schema", declared: Declared, dry_run: bool) -> Iterator[Line]:
    try:
        changes = schema.plan(declared) if dry_run else schema.migrate(declared)
        for change in changes:
            statements = "".join(f"\n{statement};" for statement in change.statements)
            yield Line(change.words + (statements if dry_run else ""))
        found = schema.look(declared.table)
        if not changes and found is not None:
            yield Line(f"{declared.table}: up to date ({found.kind}, version {found.number})")
        for note in schema.differences(declared, found) if found and not dry_run else ():
            yield Line(f"{declared.table}: {note}")
    except ConnectorError as error:
        yield Line(f"{declared.table}: {error}", is_problem=True)


def check_tables(sinks: Mapping[str, CompiledSink], site: Site) -> None:
    """Refuse to start on tables of another version; raises `NotRunnable`.

    The sinks wait for a ClickHouse that is down.
    """
    for name, sink in sinks.items():
        if not isinstance(sink.component, ClickHouse):
            continue
        connection = site.connection(sink.component.connection, ClickHouseConnection)
        if connection.migrate:
            continue
        try:
            _check(connection, sink.component.declared())
        except ConnectorError as error:
            raise NotRunnable(f"sinks.{name}: {error}") from None
        except TableError:
            continue


def _check(connection: ClickHouseConnection, declared: Declared) -> None:
    """Check a table with the packages for it, which a flow without such a sink does not load."""
    from connectors.clickhouse.client import open_client
    from connectors.clickhouse.schema import Schema

    with _words_for(connection):
        Schema(open_client(connection, timeout=5), connection.database).check(declared)


@contextmanager
def _words_for(connection: ClickHouseConnection) -> Iterator[None]:
    from clickhouse_connect.driver.exceptions import ClickHouseError

    from connectors.clickhouse.client import error_text, is_denied, is_wrong_password

    where = f"ClickHouse at {connection.url}"
    try:
        yield
    except (ClickHouseError, OSError) as error:
        text = error_text(error)
        if is_wrong_password(error):
            raise TableError(
                f"{where} refuses user {connection.username!r}: check username and password"
            ) from None
        if is_denied(error):
            raise TableError(
                f"{where} does not allow this to user {connection.username!r} ({text}); vigie"
                " migrate needs a user with CREATE TABLE, CREATE VIEW, DROP VIEW, ALTER TABLE,"
                " INSERT and SELECT on the database"
            ) from None
        if "Code: " in text:
            raise TableError(f"{where} refuses: {text}") from None
        raise TableUnreachable(f"{where} does not answer ({text}); is it running there?") from None
