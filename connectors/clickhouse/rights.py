"""Which rights a user of ClickHouse lacks, as the server itself says (`CHECK GRANT`)."""

from collections.abc import Iterable

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

TO_WRITE = ("SELECT", "INSERT")
TO_MIGRATE = ("CREATE TABLE", "CREATE VIEW", "DROP VIEW", "ALTER TABLE")


def lacking(client: Client, rights: Iterable[str], where: str) -> list[str]:
    """The rights that the client's user lacks on `where`; none where the server cannot say."""
    try:
        return [right for right in rights if not _has(client, right, where)]
    except ClickHouseError:
        return []  # a server of before 24.10


def _has(client: Client, right: str, where: str) -> bool:
    return str(client.command(f"CHECK GRANT {right} ON {where}")).strip() != "0"
