"""The settings of a source, as its running side takes them."""

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.mariadb.connection import Address
from connectors.mariadb.row_mapping import RowMapping


@dataclass(frozen=True)
class Settings:
    """The settings of one source; `tables` and `rows` name tables as its definition does."""

    address: Address
    ca: str | None
    server_id: int
    tables: tuple[str, ...]
    snapshot: bool
    rows: Mapping[str, RowMapping]

    def full_name(self, table: str) -> tuple[str, str]:
        """(schema, table) of a table as the definition writes it."""
        schema, _, name = table.rpartition(".")
        return schema or self.address.database, name

    def watched(self) -> frozenset[tuple[str, str]]:
        """(schema, table) of all tables."""
        return frozenset(self.full_name(table) for table in self.tables)
