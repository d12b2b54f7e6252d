"""Whether a table can be written: what a database has against what a definition names.

What is wrong is a `ConnectorError` that names the table and the remedy.
"""

from connectors.base import ConnectorError
from connectors.clickhouse.changes import PARTITIONS, migrations, span
from connectors.clickhouse.columns import KINDS
from connectors.clickhouse.table import Declared, Found


class TableChecks:
    """Checks of the tables of a database; `remedy` is the command that brings one up to date."""

    def __init__(self, database: str, remedy: str) -> None:
        self._database = database
        self._remedy = remedy

    def check_version(self, declared: Declared, found: Found) -> None:
        """Check that the table is of the version that this program writes."""
        self.check_kind(declared, found)
        kind = found.kind or declared.kind
        if kind is None:
            raise ConnectorError(
                f"{self._name(declared.table)} was not made by Vigie; name another table, or say"
                f" what it holds (kind: readings, alarms or events) and run `{self._remedy}`"
            )
        newest = migrations(kind)[-1].number
        if found.number < newest and not found.being_made:
            raise ConnectorError(
                f"{self._name(declared.table)} has schema version {found.number}, this Vigie writes"
                f" version {newest}: run `{self._remedy}`"
            )
        self.check_columns(declared.table, kind, found)

    def check_kind(self, declared: Declared, found: Found) -> None:
        """Check that the table holds the kind declared, in a version that this program knows."""
        name = self._name(declared.table)
        if found.kind and found.kind not in KINDS:
            raise ConnectorError(
                f"{name} holds {found.kind}, which a newer Vigie brought; update this program"
            )
        if found.kind and declared.kind and found.kind != declared.kind:
            raise ConnectorError(
                f"{name} holds {found.kind}, and this sink writes {declared.kind}: name another"
                " table"
            )
        if found.kind and found.number > (newest := migrations(found.kind)[-1].number):
            raise ConnectorError(
                f"{name} has schema version {found.number}, made by a newer Vigie; this one knows"
                f" version {newest}: update this program"
            )
        if "ReplacingMergeTree" not in found.engine:
            raise ConnectorError(
                f"{name} is a {found.engine}; expected a ReplacingMergeTree, which drops what is"
                " written twice: name another table"
            )

    def check_columns(self, table: str, kind: str, found: Found) -> None:
        """Check that the table has the columns of its kind."""
        wrong = [
            f"{column.name} {column.type}"
            + (f" (it is {found.columns[column.name]})" if column.name in found.columns else "")
            for column in KINDS[kind].columns
            if found.columns.get(column.name) != column.type
        ]
        if wrong:
            raise ConnectorError(
                f"{self._name(table)} is no table of {kind}: it lacks {', '.join(wrong)}; name"
                " another table"
            )

    def _name(self, table: str) -> str:
        return f"the table {table!r} of the database {self._database!r}"

    def differences(self, declared: Declared, found: Found) -> list[str]:
        """Differences that do not keep rows from being written, in words."""
        notes = []
        if found.keep_days != declared.keep_days:
            notes.append(
                f"{self._name(declared.table)} keeps rows {span(found.keep_days)}, the definition"
                f" says {span(declared.keep_days)}: `{self._remedy}` changes it"
            )
        if found.partition != PARTITIONS[declared.partition]:
            notes.append(
                f"{self._name(declared.table)} is partitioned by {found.partition}, the definition"
                f" says {declared.partition}; that cannot be changed, only copied into a new table"
            )
        return notes
