"""Changing how long something is kept: what is written where, and what is then told to whom."""

import re
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from connectors.base import NoAnswer
from connectors.clickhouse.components import ClickHouse
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.config.edit import with_value
from connectors.config.site import Site
from connectors.config.suggestion import near
from connectors.kafka.admin import explain
from connectors.kafka.connection import TopicConnection
from connectors.kafka.topics.declared import DeclaredTopic
from connectors.kafka.topics.settings import apply, settings_of
from connectors.runtime.optional_packages import needing
from connectors.s3.connection import ObjectStoreConnection
from flows.admin.life_cycle import SINKS, LifeCycle, life_cycle
from flows.language.model import Flow
from flows.runtime.clickhouse_tables import bring_up_to_date, declared_tables
from operators.model.units import duration, duration_text

FOREVER = "forever"
DAY = 86_400.0
PLAIN = re.compile(r"[1-9]\d*[a-z]+")
"""A time that can stand in YAML as it was typed."""


class WrongChange(Exception):
    """What was asked cannot be done; the message says why, and the remedy."""


@dataclass(frozen=True)
class Edit:
    """A file and its new text; `words` say what changes."""

    path: Path
    text: str
    words: str

    def write(self) -> None:
        """Replace the file, or leave it as it is; its mode and owner stay."""
        part = self.path.with_name(f".{self.path.name}.part")
        shutil.copy2(self.path, part)
        part.write_text(self.text, encoding="utf-8")
        part.replace(self.path)


@dataclass(frozen=True)
class Change:
    """The edits, and what makes them so: given whether it only shows, (line, is refused) each."""

    edits: Sequence[Edit]
    apply: Callable[[bool], Iterator[tuple[str, bool]]]


def of_topic(site: Site, topic: str, keep: str, connection: str) -> Change:
    """Keep a topic's records for so long; raises `WrongChange`, `NoAnswer`, `SiteError`."""
    _seconds(keep)
    if "brokers" not in site.connections.get(connection, {}):
        names = [name for name, written in site.connections.items() if "brokers" in written]
        raise WrongChange(
            f"the site file has no broker under connections.{connection};"
            f" --connection says which: {', '.join(names) or 'there is none'}"
        )
    broker = site.connection(connection, TopicConnection)
    try:
        found = settings_of(broker, [topic])
        if topic not in found:
            raise WrongChange(f"the broker has no topic {topic!r}{_hint(topic, broker)}")
    except (KafkaError, OSError) as error:
        raise NoAnswer(explain(error, broker)) from error
    if "delete" not in found[topic].get("cleanup.policy", "delete"):
        raise WrongChange(
            f"the topic {topic} keeps the last record of each key, however old it is (compacted);"
            " no time is counted"
        )
    declared = broker.topics.get(topic, DeclaredTopic())
    wanted = declared.model_copy(update={"keep": FOREVER if keep == FOREVER else duration(keep)})
    only = broker.model_copy(update={"topics": {topic: wanted}})

    def made(dry_run: bool) -> Iterator[tuple[str, bool]]:
        try:
            for one, refusal in apply(only, dry_run):
                said = f"topic {one.topic}: {one.setting} {one.found} -> {one.wanted}"
                yield said if refusal is None else f"{said}: {refusal}", refusal is not None
        except (KafkaError, OSError) as error:
            raise NoAnswer(explain(error, broker)) from error

    path = ("connections", connection, "topics", topic, "keep")
    return Change([_edit(_file(site), path, keep)], made)


def of_table(
    site: Site,
    flows: Sequence[tuple[Path, Flow]],
    table: str,
    keep: str,
    connection: str | None = None,
) -> Change:
    """Keep a table's rows for so long, at all sinks that write it; raises `WrongChange`."""
    days = _whole_days(keep, "table")
    sinks = _sinks(
        flows,
        lambda one: (
            isinstance(one, ClickHouse)
            and one.table == table
            and connection in (None, one.connection)
        ),
    )
    if not sinks:
        tables = {
            sink.settings.table
            for _, flow in flows
            for sink in flow.sinks.values()
            if isinstance(sink.settings, ClickHouse)
        }
        raise _nobody_writes(f"the table {table!r}", table, tables)
    used = {one.settings.connection for one in sinks}
    declared = [
        (place, replace(one, keep_days=days))
        for place, tables_ in declared_tables(flows, site).items()
        for one in tables_
        if one.table == table and place in used
    ]

    def made(dry_run: bool) -> Iterator[tuple[str, bool]]:
        for name, one in declared:
            for line in bring_up_to_date(
                site.connection(name, ClickHouseConnection), [one], dry_run
            ):
                if line.is_problem or line.text.startswith(f"{table}:"):
                    yield line.text, line.is_problem

    return Change(_edits(sinks, keep), made)


def of_bucket(
    site: Site,
    flows: Sequence[tuple[Path, Flow]],
    bucket: str,
    keep: str,
    connection: str | None = None,
) -> Change:
    """Keep objects for so long, at all sinks that write to a bucket; raises `WrongChange`."""
    days = _whole_days(keep, "bucket", ", and the rule vigie-FLOW-SINK out of the bucket")
    sinks = _sinks(
        flows,
        lambda one: (
            isinstance(one, SINKS) and one.bucket == bucket and connection in (None, one.connection)
        ),
    )
    if not sinks:
        buckets = {
            sink.settings.bucket
            for _, flow in flows
            for sink in flow.sinks.values()
            if isinstance(sink.settings, SINKS)
        }
        raise _nobody_writes(f"to the bucket {bucket!r}", bucket, buckets)
    rules: list[tuple[str, LifeCycle]] = []
    for file, flow, name, settings in sinks:
        rule = life_cycle(settings, flow, name)
        if not rule.prefix:
            raise WrongChange(
                f"sinks.{name} of {file} has no key that begins with a fixed text of its own:"
                " the rule would delete objects of others; write one, such as archive/"
            )
        rules.append((settings.connection, rule._replace(days=days)))

    def made(dry_run: bool) -> Iterator[tuple[str, bool]]:
        with needing("retention", "objects", "minio"):
            from flows.admin.bucket_retention import expire
        for name, rule in rules:
            if not dry_run:
                expire(site.connection(name, ObjectStoreConnection), name, rule)
            what = f"bucket {rule.bucket}/{rule.prefix}"
            yield f"{what}: objects are deleted after {rule.days} days", False

    return Change(_edits(sinks, keep), made)


def of_evidence(site: Site, keep: str) -> Change:
    """Keep pictures and videos for so long; who sweeps them reads it with the next start."""
    if _seconds(keep) is None:
        raise WrongChange(
            "evidence is kept for ever without 'keep': take it out of 'evidence' of the site file"
        )
    said = "flows delete what is older once they are started anew, or: vigie evidence sweep"
    return Change(
        [_edit(_file(site), ("evidence", "keep"), keep)], lambda dry_run: iter([(said, False)])
    )


class _Written(NamedTuple):
    """A sink that writes what is to be kept otherwise."""

    file: Path
    flow: str
    name: str
    settings: Any


def _sinks(
    flows: Sequence[tuple[Path, Flow]], is_meant: Callable[[object], bool]
) -> list[_Written]:
    return [
        _Written(file, flow.flow, name, sink.settings)
        for file, flow in flows
        for name, sink in flow.sinks.items()
        if is_meant(sink.settings)
    ]


def _edits(sinks: Sequence[_Written], keep: str) -> list[Edit]:
    """One edit of each file, for all of its sinks."""
    edits: dict[Path, Edit] = {}
    for file, _, name, settings in sinks:
        before = edits.get(file)
        path = ("sinks", name, settings.NAME, "keep")
        edit = _edit(file, path, keep, before.text if before else None, settings.SHORT)
        edits[file] = replace(edit, words=f"{before.words}; {edit.words}") if before else edit
    return list(edits.values())


def _nobody_writes(what: str, name: str, written: Collection[str]) -> WrongChange:
    hint = near(name, written) or f"they write {', '.join(sorted(written)) or 'none'}"
    return WrongChange(
        f"no sink of the definitions given writes {what} ({hint}); name the definitions that do"
    )


def _whole_days(keep: str, what: str, more: str = "") -> int:
    """The days of a text such as `30d`; `more` is what else to do for ever."""
    seconds = _seconds(keep)
    if seconds is None:
        raise WrongChange(
            f"a {what} keeps what it holds for ever whose sinks have no 'keep': take it out of the"
            f" definition{more or ', then vigie migrate'}"
        )
    if seconds < DAY or seconds % DAY:
        raise WrongChange(f"expected whole days for a {what}, such as 30d, got {keep}")
    return int(seconds / DAY)


def _seconds(keep: str) -> float | None:
    """The time of a text such as `30d`; None for ever. Raises `WrongChange`."""
    if keep == FOREVER:
        return None
    try:
        seconds = duration(keep)
    except ValueError as error:
        raise WrongChange(f"{error}; or {FOREVER}") from None
    if seconds <= 0:
        raise WrongChange(f"expected a time above 0, got {keep}: everything would be deleted")
    return seconds


def _edit(
    file: Path, path: tuple[str, ...], keep: str, text: str | None = None, short: str | None = None
) -> Edit:
    before = file.read_text(encoding="utf-8") if text is None else text
    seconds = _seconds(keep)
    is_plain = seconds is None or PLAIN.fullmatch(keep)
    value = keep if is_plain else duration_text(seconds or 0)
    after = with_value(before, path, value, short, len(path) - 1 if short else 0)
    return Edit(file, after, f"{'.'.join(path)}: {value}")


def _file(site: Site) -> Path:
    assert site.document is not None
    return site.document.path


def _hint(topic: str, broker: TopicConnection) -> str:
    admin = KafkaAdminClient(**broker.client_options(), bootstrap_timeout_ms=5_000)
    try:
        hint = near(topic, admin.list_topics())
    finally:
        admin.close()
    return f"; {hint}" if hint else "; vigie retention lists those there are"
