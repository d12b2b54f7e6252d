"""The changes that bring a table up to date.

They are numbered migrations of its kind, its comment, and how long its rows are kept. Every
statement can be applied again without effect (`IF NOT EXISTS`, `OR REPLACE`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from clickhouse_connect.driver.binding import format_str

from connectors.clickhouse.columns import KINDS
from connectors.clickhouse.table import Declared, Found
from connectors.clickhouse.table_comment import TableComment

PARTITIONS = {"month": "toYYYYMM(time)", "day": "toYYYYMMDD(time)"}


@dataclass(frozen=True)
class Migration:
    """One numbered step of a kind of table: an SQL file of one statement.

    It holds `{table}`, `{partition}`, `{keep}`, `{zone}` and, where the table is made, `{comment}`.
    """

    number: int
    name: str
    sql: str


@dataclass(frozen=True)
class Change:
    """One thing to do: words for people, the statements, and the migration that they complete.

    `sets_keep`: it changes nothing but how long rows are kept.
    """

    words: str
    statements: tuple[str, ...]
    migration: Migration | None = None
    sets_keep: bool = False


@cache
def migrations(kind: str) -> tuple[Migration, ...]:
    """The migrations of a kind of table, in order; raises `KeyError` for a kind that is none."""
    KINDS[kind]
    folder = files("connectors.clickhouse").joinpath("migrations", kind)
    found = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )
    return tuple(
        Migration(
            int(file.name.partition("_")[0]),
            file.name.removesuffix(".sql"),
            file.read_text(encoding="utf-8"),
        )
        for file in found
    )


def changes_to(declared: Declared, kind: str, found: Found | None) -> Iterator[Change]:
    """The changes, in order, that make of the table found the one declared, of a kind."""
    table, done = declared.table, found.number if found else 0
    comment = found.comment if found else ""
    zone = declared.zone or (found and found.zone) or "UTC"
    missing = [migration for migration in migrations(kind) if migration.number > done]
    for migration in missing:
        being_made = (found is None or found.being_made) and migration is not missing[-1]
        comment = TableComment(kind, migration.number, being_made).within(comment)
        statement = _filled(migration, declared, comment, zone)
        in_statement = found is None and "{comment}" in migration.sql
        statements = (statement,) if in_statement else (statement, _set_comment(table, comment))
        yield Change(f"{table}: {migration.name}", statements, migration)
    if found is not None and not missing and TableComment.parse(comment) is None:
        comment = TableComment(kind, done).within(comment)
        words = f"{table}: says in its comment that it holds {kind}, version {done}"
        yield Change(words, (_set_comment(table, comment),))
    for migration in migrations(kind):
        told = found.zone if found is not None and migration not in missing else None
        if told not in (None, zone) and "{zone}" in migration.sql:
            words = f"{table}: figures have the days of {zone}, had those of {told}"
            yield Change(words, (_filled(migration, declared, comment, zone),))
    if found is not None and found.keep_days != declared.keep_days:
        change = f"MODIFY {_ttl(declared.keep_days)}" if declared.keep_days else "REMOVE TTL"
        words = f"{table}: keeps rows {span(declared.keep_days)}, was {span(found.keep_days)}"
        yield Change(words, (f"ALTER TABLE `{table}` {change}",), sets_keep=True)


def _set_comment(table: str, comment: str) -> str:
    return f"ALTER TABLE `{table}` MODIFY COMMENT {format_str(comment)}"


def _filled(migration: Migration, declared: Declared, comment: str, zone: str) -> str:
    values = {
        "table": declared.table,
        "partition": PARTITIONS[declared.partition],
        "keep": _ttl(declared.keep_days),
        "comment": format_str(comment),
        "zone": zone,
    }
    return re.sub(
        r"\{(table|partition|keep|comment|zone)\}", lambda match: values[match[1]], migration.sql
    ).strip()


def _ttl(keep_days: int | None) -> str:
    return f"TTL toDateTime(time) + toIntervalDay({keep_days})" if keep_days else ""


def span(keep_days: int | None) -> str:
    """How long rows are kept, in words."""
    return "for ever" if keep_days is None else f"{keep_days} day{'' if keep_days == 1 else 's'}"
