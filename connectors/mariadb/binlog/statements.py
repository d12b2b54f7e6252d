"""Statements in the log: savepoints, changes without rows, and changes of tables."""

import re
import unicodedata

_CHANGES = re.compile(
    r"\s*(?:/\*.*?\*/\s*)*(insert|update|delete|replace|load\s+data|truncate)\b",
    re.IGNORECASE | re.DOTALL,
)
_SAVEPOINT = re.compile(r"(SAVEPOINT|ROLLBACK TO) `(.*)`", re.DOTALL)


def savepoint_of(text: str) -> tuple[bool, str] | None:
    """(whether it is gone back to, name) of a statement about a savepoint.

    Names are the same whatever their case and accents, as they are for the server.
    """
    found = _SAVEPOINT.fullmatch(text)
    if found is None:
        return None
    letters = unicodedata.normalize("NFKD", found[2].replace("``", "`").casefold())
    name = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return found[1] != "SAVEPOINT", name


def change_of(text: str) -> str | None:
    """What a statement does to rows that are not in the log, as one word; None: nothing."""
    found = _CHANGES.match(text)
    return found[1].split()[0].lower() if found else None


def names(text: str, schema: str, tables: frozenset[tuple[str, str]]) -> list[tuple[str, str]]:
    """The tables that a statement speaks of; `schema` is its default database."""
    return [
        (database, table)
        for database, table in sorted(tables)
        if re.search(rf"\b{re.escape(table)}\b", text) and (database == schema or database in text)
    ]
