"""Statements in the log: savepoints, changes without rows, and changes of tables."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

_CHANGES = re.compile(
    r"\s*(insert|update|delete|replace|load\s+(?:data|xml)|truncate)\b", re.IGNORECASE
)
_QUOTED = r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`]|``)*`"
_COMMENTS = re.compile(
    rf"(?P<kept>{_QUOTED})|/\*M?!\d*(?P<run>.*?)\*/|/\*.*?\*/|--(?:[^\S\n].*?)?(?:\n|$)|#.*?(?:\n|$)",
    re.DOTALL,
)
_NAME = r"(?:`(?:[^`]|``)+`|\"(?:[^\"]|\"\")+\"|[^\s`\".,;()]+)"
_TABLE = rf"{_NAME}(?:\s*\.\s*{_NAME})?"
_SETTING = re.compile(r"\s*SET\s+STATEMENT\s.*?\sFOR\s+", re.IGNORECASE | re.DOTALL)
Name = tuple[str, str]
"""(schema, table)."""
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


def bare(text: str) -> str:
    """A statement without comments, those that the server runs in the open."""
    text = _COMMENTS.sub(lambda found: found["kept"] or f" {found['run'] or ''} ", text)
    return _SETTING.sub("", text, count=1) if _SETTING.match(text) else text


def _names(text: str, schema: str, tables: frozenset[Name]) -> list[Name]:
    """The tables that a statement speaks of; `schema` is its default database."""
    return [
        (database, table)
        for database, table in sorted(tables)
        if _speaks_of(text, schema, database, table)
    ]


def _speaks_of(text: str, schema: str, database: str, table: str) -> bool:
    found = re.findall(rf"(?:({_NAME})\s*\.\s*)?[`\"]?(?<![\w$]){re.escape(table)}(?![\w$])", text)
    return any((_plain(of) if of else schema) == database for of in found)


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


_KINDS = re.compile(
    rf"\s*(?:(?P<alter>ALTER\s+(?:(?:ONLINE|IGNORE)\s+)*TABLE)\s+(?:IF\s+EXISTS\s+)?(?P<altered>{_TABLE})"
    rf"|(?P<replace>CREATE\s+OR\s+REPLACE\s+TABLE)\s+(?P<replaced>{_TABLE})"
    rf"|CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<created>{_TABLE})"
    r"|(?P<drop>DROP\s+TABLES?|RENAME\s+TABLES?)\s+(?P<dropped>.*)"
    rf"|DROP\s+(?:DATABASE|SCHEMA)\s+(?:IF\s+EXISTS\s+)?(?P<database>{_NAME}))",
    re.IGNORECASE | re.DOTALL,
)
_SELECT = re.compile(r"\bSELECT\b", re.IGNORECASE)
_RENAME = re.compile(r"\bRENAME\b(?!\s+(?:COLUMN|INDEX|KEY)\b)", re.IGNORECASE)
_KEYS = r"\s+(?:INDEX|KEY|UNIQUE|FULLTEXT|SPATIAL|CONSTRAINT|FOREIGN|PARTITION|CHECK)\b"
_COLUMNS = re.compile(
    rf"\b(?:ADD(?!{_KEYS})|DROP(?!{_KEYS})|MODIFY|CHANGE|CONVERT|RENAME)\b", re.IGNORECASE
)


_ROWS = re.compile(
    r"\b(?:TRUNCATE|DROP|EXCHANGE|CONVERT)\s+PARTITION\b|\b(?:DISCARD|IMPORT)\s+(?:PARTITION\b.*)?"
    rf"TABLESPACE\b|\bCONVERT\s+TABLE\s+{_TABLE}\s+TO\s+PARTITION\b",
    re.IGNORECASE | re.DOTALL,
)
_OTHERS = re.compile(rf"\b(?:WITH|CONVERT)\s+TABLE\s+({_TABLE})", re.IGNORECASE)
_TO = re.compile(rf"\bTO\s+({_TABLE})|\bRENAME\s+(?:AS\s+)?({_TABLE})", re.IGNORECASE)


def table_changes(
    schema: str, text: str, tables: frozenset[Name]
) -> list[tuple[Name, TableChange]]:
    """Those of `tables` whose columns a statement may have changed.

    `schema` is its default database.
    """
    text = bare(text).strip()
    found = _KINDS.match(text)
    if found is None:
        return []
    if found["database"]:
        return [(name, TableChange(text, True)) for name in _of(found["database"], tables)]
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


LOST = {
    "truncated": (
        "was emptied by {}: the log does not name the rows that are gone, so no deletes are seen;"
        " where they matter, use DELETE"
    ),
    "dropped": (
        "was dropped, renamed or made anew by {}: the log does not name the rows that it had, so no"
        " deletes are seen; where they matter, DELETE them first"
    ),
    "replaced": (
        "is another table since {}: the log names neither the rows that are gone nor those that"
        " came, so none of them are seen. To read the table anew, discard the flow's saved position"
    ),
    "exchanged": (
        "lost or got rows by {}: the log does not name them, so they are not seen. To read the"
        " table anew, discard the flow's saved position"
    ),
    "statement": (
        "was changed by {}, which was logged as a statement, without its rows, and is not seen; the"
        " program that wrote it has to use binlog_format=ROW (SET GLOBAL binlog_format=ROW, then"
        " reconnect it)"
    ),
}
"""What is said of a table whose rows were changed by a statement that names none."""


def lost_changes(schema: str, text: str, tables: frozenset[Name]) -> list[tuple[Name, str]]:
    """Those of `tables` whose rows a statement changed that names no rows, and a word for how.

    `schema` is its default database.
    """
    text = bare(text).strip()
    if found := _CHANGES.match(text):
        how = "truncated" if found[1].lower() == "truncate" else "statement"
        return [(name, how) for name in _names(text, schema, tables)]
    found = _KINDS.match(text)
    if found is None:
        return []
    lost: dict[Name, str] = {}
    if found["database"]:
        lost = dict.fromkeys(_of(found["database"], tables), "dropped")
    elif found["alter"] and _ROWS.search(text, found.end()):
        targets = [found["altered"], *_OTHERS.findall(text, found.end())]
        lost = {_full(target, schema): "exchanged" for target in targets}
    elif found["alter"] and _RENAME.search(text, found.end()):
        lost = _renamed(schema, text[found.end() :]) | {_full(found["altered"], schema): "dropped"}
    elif found["drop"]:
        lost = {_full(name, schema): "dropped" for name in re.findall(_TABLE, found["dropped"])}
        if found["drop"].upper().startswith("RENAME"):
            lost |= _renamed(schema, found["dropped"])
    elif _SELECT.search(re.sub(_QUOTED, "", text), found.end()):
        lost = {_full(found["replaced"] or found["created"], schema): "statement"}
    elif found["replace"]:
        lost = {_full(found["replaced"], schema): "dropped"}
    return [(name, lost[name]) for name in sorted(tables) if name in lost]


def _renamed(schema: str, text: str) -> dict[Name, str]:
    return {_full(to or name, schema): "replaced" for to, name in _TO.findall(text)}


def _of(database: str, tables: frozenset[Name]) -> list[Name]:
    return [name for name in sorted(tables) if name[0] == _plain(database)]


def _full(target: str, schema: str) -> tuple[str, str]:
    parts = [_plain(part) for part in re.findall(_NAME, target)]
    return (parts[0], parts[1]) if len(parts) > 1 else (schema, parts[0])


def _plain(name: str) -> str:
    quote = name[0]
    return name[1:-1].replace(quote * 2, quote) if quote in '`"' else name
