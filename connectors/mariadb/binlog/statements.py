"""Statements in the log: savepoints, changes without rows, and changes of tables."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

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


@dataclass(frozen=True)
class TableChange:
    """A statement that may have changed the columns of a table.

    `whole` puts another table in its place; `new` makes one where there was none.
    """

    text: str
    whole: bool
    new: bool = False

    def concerns(self, words: Iterable[str]) -> bool:
        """Whether it may have changed what is told by one of these words, all of it if none."""
        words = tuple(words)
        return not self.new and (
            self.whole
            or not words
            or any(re.search(rf"\b{re.escape(w)}\b", self.text, re.IGNORECASE) for w in words)
        )


_NAME = r"(?:`(?:[^`]|``)+`|[^\s`.,;()]+)"
_TABLE = rf"{_NAME}(?:\s*\.\s*{_NAME})?"
_COMMENTS = re.compile(r"\s*(?:/\*(?!!).*?\*/|--\s.*?(?:\n|$)|#.*?(?:\n|$))\s*", re.DOTALL)
_KINDS = re.compile(
    rf"(?P<alter>ALTER\s+(?:(?:ONLINE|IGNORE)\s+)*TABLE)\s+(?:IF\s+EXISTS\s+)?(?P<altered>{_TABLE})"
    rf"|(?P<replace>CREATE\s+OR\s+REPLACE\s+TABLE)\s+(?P<replaced>{_TABLE})"
    rf"|CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<created>{_TABLE})"
    r"|(?P<drop>DROP\s+TABLES?|RENAME\s+TABLES?)\s+(?P<dropped>.*)"
    rf"|DROP\s+(?:DATABASE|SCHEMA)\s+(?:IF\s+EXISTS\s+)?(?P<database>{_NAME})",
    re.IGNORECASE | re.DOTALL,
)
_KEYS = r"\s+(?:INDEX|KEY|UNIQUE|FULLTEXT|SPATIAL|CONSTRAINT|FOREIGN|PARTITION|CHECK)\b"
_COLUMNS = re.compile(
    rf"\b(?:ADD(?!{_KEYS})|DROP(?!{_KEYS})|MODIFY|CHANGE|CONVERT|RENAME)\b", re.IGNORECASE
)


def table_changes(
    schema: str, text: str, tables: frozenset[tuple[str, str]]
) -> list[tuple[tuple[str, str], TableChange]]:
    """Those of `tables` whose columns a statement may have changed.

    `schema` is its default database.
    """
    while comment := _COMMENTS.match(text):
        if not comment.end():
            break
        text = text[comment.end() :]
    found = _KINDS.match(text)
    if found is None:
        named = names(text, schema, tables) if text.startswith("/*!") else []
        return [(name, TableChange(text, True)) for name in named]
    if found["database"]:
        gone = _plain(found["database"])
        return [(name, TableChange(text, True)) for name in sorted(tables) if name[0] == gone]
    if found["alter"]:
        if not _COLUMNS.search(text, found.end()):
            return []
        targets, whole = [found["altered"]], re.search(r"\bRENAME\b", text, re.IGNORECASE)
        if whole:
            targets += re.findall(_TABLE, text[found.end() :])
    elif found["drop"]:
        targets, whole = re.findall(_TABLE, found["dropped"]), found
    else:
        targets, whole = [found["replaced"] or found["created"]], found
    change = TableChange(text, bool(whole), new=bool(found["created"]))
    wanted = {_full(target, schema) for target in targets}
    return [(name, change) for name in sorted(tables) if name in wanted]


def _full(target: str, schema: str) -> tuple[str, str]:
    parts = [_plain(part) for part in re.findall(_NAME, target)]
    return (parts[0], parts[1]) if len(parts) > 1 else (schema, parts[0])


def _plain(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name
