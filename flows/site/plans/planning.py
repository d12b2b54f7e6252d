"""The plan of a file against what runs, with what the site's services know."""

from collections.abc import Callable
from pathlib import Path

import msgspec
from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAuthorizationFailedError

from connectors.base import ConnectorError
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.config.site import Site, load_site
from connectors.kafka.access.refusals import BrokerRefusal, no_right, refuse_missing_right
from connectors.kafka.admin import explain
from connectors.kafka.components import Topic, TopicSink
from connectors.kafka.connection import TopicConnection
from connectors.kafka.topic_names import TopicNames
from connectors.kafka.topics.contents import Unreachable, contents
from flows.admin.alarm_client import AlarmTopics
from flows.checks.connections import check_site
from flows.checks.context import Scope
from flows.dataflow.compiler import NotRunnable, compile_flow
from flows.language.lock import born, lock_path, read_lock
from flows.loader import load
from flows.runtime.clickhouse_tables import (
    TableError,
    bring_up_to_date,
    declared_tables,
    lacking_rights,
)
from flows.site.plans.last_day import NoHistory, compare, last_day
from flows.site.plans.plan import Plan, Side, plan
from operators.events import AlarmTransition


class Refused(Exception):
    """A definition that cannot run; the message says why."""


def side(definition: Path, site: Site, profile: str | None) -> Side:
    """A version ready to be compared; raises `Refused`."""
    document, flow = load(definition)
    if flow is not None:
        check_site(document, flow, site)
    if flow is None or document.errors:
        raise Refused(document.report())
    try:
        names = born(flow, read_lock(lock_path(definition, flow)))
        tables = Scope(document, flow).tables
        return Side(
            document,
            flow,
            compile_flow(flow, tables, site.zone, profile, names, location=site.place),
        )
    except (NotRunnable, ValueError) as error:
        raise Refused(f"{definition}: {error}") from None


def make_plan(
    new: Path,
    old: Path | None,
    site_file: Path,
    profile: str | None,
    over: float = 0.0,
    tell: Callable[[float], None] = lambda share: None,
) -> Plan:
    """Compare a file with the version that runs, also on the history of `over` seconds.

    Raises `Refused` and `ConnectorError`.
    """
    site = load_site(site_file)
    after = side(new, site, profile)
    before = side(old, site, profile) if old is not None else None
    unknown: list[str] = []
    standing: list[AlarmTransition] = []
    if before is not None:
        try:
            standing = _standing(after.flow.flow, site)
        except ConnectorError as error:
            unknown.append(f"which alarms stand: {error}")
    made = plan(before, after, standing)
    made.unknown = unknown
    _topics(after, site, made)
    _tables(new, after, site, made)
    if over > 0 and not made.is_none and after.flow.alarms:
        try:
            compared = compare(before, after, site, profile, over, tell)
            made.replayed = last_day(compared, site.zone)
        except NoHistory as error:
            unknown.append(f"which alarms history raises: {error}")
    return made


def _standing(flow: str, site: Site) -> list[AlarmTransition]:
    connection = site.connection("redpanda", TopicConnection)
    prefix = f"{flow}/"
    states = AlarmTopics(connection).states(lambda one: one.rule.startswith(prefix))
    return [one for one in states if one.isa not in ("A", "-")]


def _topics(new: Side, site: Site, made: Plan) -> None:
    """Which topics would be made, and which rights on the others are missing."""
    connection = site.connection("redpanda", TopicConnection)
    names = TopicNames.of_site(site)
    crossings = names.crossings(new.flow.flow)
    needs = _needed_topics(new, names)
    try:
        client = KafkaAdminClient(**connection.client_options(), bootstrap_timeout_ms=10_000)
        try:
            found = client.describe_topics(list(needs)) if needs else []
        finally:
            client.close()
    except (KafkaError, OSError) as error:
        made.unknown.append(f"which topics are there: {explain(error, connection)}")
        return
    for topic in found:
        name = topic["name"]
        if name == crossings and topic["error_code"]:
            continue  # one process needs none
        try:
            if topic["error_code"] == TopicAuthorizationFailedError.errno:
                raise no_right(connection, "DESCRIBE", name)
            if topic["error_code"]:
                made.topics.append(name)
                continue
            refuse_missing_right(connection, topic, needs[name])
            if name == crossings:
                made.apart += _apart(connection, name)
        except BrokerRefusal as error:
            made.rights.append(str(error))
        except Unreachable as error:
            made.unknown.append(f"which topics are keyed by subject: {error}")


def _apart(connection: TopicConnection, crossings: str) -> list[str]:
    """The topics in whose partitions processes found subjects of others; raises `Unreachable`."""
    rows = [msgspec.json.decode(one.value) for one in contents(connection, crossings) if one.value]
    return sorted({row["part"].rpartition("/")[0] for row in rows})


def _needed_topics(new: Side, names: TopicNames) -> dict[str, list[str]]:
    """The topics that a flow uses, with the rights that it needs on each."""
    needs: dict[str, list[str]] = {}

    def need(topic: str, *rights: str) -> None:
        needs.setdefault(topic, []).extend(rights)

    for name in new.compiled.outbox:
        need(names.outbox(new.flow.flow, name), "READ", "WRITE")
    for name, source in new.compiled.sources.items():
        if isinstance(source, Topic):
            for topic in source.topics():
                need(topic, "READ")
        else:
            need(names.of_source(new.flow.flow, name), "READ", "WRITE")
    for sink in new.compiled.sinks.values():
        if isinstance(sink.component, TopicSink):
            need(sink.component.name, "WRITE")
    if new.compiled.sharded:
        need(names.crossings(new.flow.flow), "READ", "WRITE")
    if new.flow.alarms:
        need(names.alarms, "WRITE")
        need(names.alarm_commands, "READ")
        need(names.alarm_replies, "WRITE")
    return needs


def _tables(path: Path, new: Side, site: Site, made: Plan) -> None:
    """Which tables would be made or altered, and which rights are missing for it."""
    try:
        for name, tables in declared_tables([(path, new.flow)], site).items():
            connection = site.connection(name, ClickHouseConnection)
            pending = []
            for line in bring_up_to_date(connection, tables, dry_run=True):
                if line.is_problem:
                    made.unknown.append(f"which tables are altered: {line.text}")
                elif "up to date" not in line.text:
                    pending.append(line.text.partition("\n")[0])
            made.tables += pending
            if missing := lacking_rights(connection, bool(pending)):
                made.rights.append(missing)
    except (TableError, ConnectorError) as error:
        made.unknown.append(f"which tables are altered: {error}")
