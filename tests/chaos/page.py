"""docs/delivery.md: the guarantees from the connectors' own documentation, and the tables of the
last runs.
"""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path

from flows.language.catalogue import SINKS, SOURCES
from operators.component import Component
from tests.chaos.sinks.table import Sufferance
from tests.chaos.sinks.table import table as sinks_table
from tests.chaos.street.table import Passes
from tests.chaos.street.table import table as passes_table
from tests.chaos.table import Row, table

PAGE = Path("docs/delivery.md")
COMMAND = "python -m tests.chaos --docs"
DELIVERY = re.compile(r"^Delivery: (.*?)(?=^[A-Z][a-z ]*:|\n\n|\Z)", re.MULTILINE | re.DOTALL)


def write(rows: list[Row], sinks: list[Sufferance], passes: Passes, path: Path = PAGE) -> None:
    """Put all between their marks; raises `ValueError` if the page lacks them."""
    text = path.read_text(encoding="utf-8")
    text = _between(
        text, f"<!-- guarantees: {COMMAND} -->", "<!-- end of the guarantees -->", guarantees()
    )
    text = _between(
        text, f"<!-- chaos table: {COMMAND} -->", "<!-- end of the chaos table -->", _measured(rows)
    )
    text = _between(
        text,
        f"<!-- sinks table: {COMMAND} -->",
        "<!-- end of the sinks table -->",
        f"Measured on {sinks[0].date}, {sinks[0].machine}.\n\n{sinks_table(sinks)}",
    )
    text = _between(
        text,
        f"<!-- cameras table: {COMMAND} -->",
        "<!-- end of the cameras table -->",
        f"Measured on {passes.date}, {passes.machine}: {passes.cameras} cameras for"
        f" {passes.seconds:g} s.\n\n{passes_table(passes)}",
    )
    path.write_text(text, encoding="utf-8")


def guarantees() -> str:
    """A line for each source and sink that runs, from its `Delivery:`."""
    return "\n".join([*_lines("source", SOURCES), *_lines("sink", SINKS)])


def _lines(kind: str, components: Mapping[str, type[Component]]) -> list[str]:
    lines = []
    for name, component in components.items():
        found = DELIVERY.search(inspect.getdoc(component) or "")
        if found:
            lines.append(f"- {kind} `{name}`: {' '.join(found[1].split())}")
    return lines


def _measured(rows: list[Row]) -> str:
    faults: dict[str, list[str]] = {}
    for row in rows:
        faults.setdefault(row.faults, []).append(row.source)
    done = [f"- {', '.join(dict.fromkeys(sources))}: {words}." for words, sources in faults.items()]
    lines = [
        f"Measured on {rows[0].date}, {rows[0].machine}.",
        "",
        table(rows),
        "",
        "What was done to the flow of each source:",
    ]
    return "\n".join([*lines, "", *done])


def _between(text: str, begin: str, end: str, new: str) -> str:
    before, mark, rest = text.partition(begin)
    _, other, after = rest.partition(end)
    if not mark or not other:
        raise ValueError(
            f"expected the lines {begin!r} and {end!r} in the page, to write between them"
        )
    return f"{before}{begin}\n{new}\n{end}{after}"
