"""Results of tests for people: what failed where, the difference, and what led to it."""

from collections.abc import Iterator, Sequence

import click

from connectors.config.document import Document
from connectors.config.nodes import Place, Problem
from flows.testing.expectations import span
from flows.testing.runner import Entry, Failure, Outcome

LINES = 16


def report(document: Document, outcome: Outcome) -> str:
    """A failed test in full."""
    place = document.place((*outcome.path, "test"))
    head = click.style("FAILED", fg="red", bold=True)
    lines = [f"{head} {document.path}:{place.line + 1}: {click.style(outcome.test, bold=True)}"]
    for failure in outcome.failures:
        lines += ["", *_failure(document, failure)]
    last = outcome.failures[-1]
    lines += ["", f"  what happened until {span(last.at)}:", *_timeline(outcome.timeline)]
    return "\n".join(lines)


def headline(document: Document, failure: Failure) -> str:
    """One line: the place, what was expected and what came."""
    place = place_of(document, failure)
    where = f"{document.path}:{place.line + 1}:{place.column + 1}"
    return f"{where}: at {span(failure.at)}: {failure.what}: {failure.message}"


def place_of(document: Document, failure: Failure) -> Place:
    """Where the expectation stands: its value, or its name where the value is a map or a list."""
    node = document.node(failure.path)
    return document.place(
        failure.path, key=node is not None and (node.entries is not None or node.items is not None)
    )


def _failure(document: Document, failure: Failure) -> Iterator[str]:
    yield f"  {headline(document, failure)}"
    for line in str(Problem(place_of(document, failure), "")).split("\n")[1:]:
        yield "  " + line
    if failure.nearest is not None:
        yield f"    nearest: {failure.nearest}"
    for difference in failure.differences:
        name = ".".join(str(part) for part in difference.path if not isinstance(part, int))
        yield click.style(
            f"    - {name}: {difference.wanted}" if name else f"    - {difference.wanted}",
            fg="green",
        )
        yield click.style(
            f"    + {name}: {difference.came}" if name else f"    + {difference.came}", fg="red"
        )


def _timeline(timeline: Sequence[Entry]) -> list[str]:
    """The last lines of what happened; an event that passes several names unchanged is one line."""
    merged: list[tuple[float, list[str], str]] = []
    for entry in timeline:
        what = str(entry.output)
        known = next(
            (one for one in reversed(merged[-8:]) if one[0] == entry.at and one[2] == what), None
        )
        if known is not None:
            if known[1][-1] != entry.name:
                known[1].append(entry.name)
        else:
            merged.append((entry.at, [entry.name], what))
    if not merged:
        return ["    nothing"]
    left = [f"    ... {len(merged) - LINES} lines before"] if len(merged) > LINES else []
    rows = [(span(at), " > ".join(names), what) for at, names, what in merged[-LINES:]]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    return left + [
        f"    {at:>{first}}  {names:<{min(second, 44)}}  {what}" for at, names, what in rows
    ]


def as_json(document: Document, outcomes: Sequence[Outcome]) -> list[dict[str, object]]:
    """Each test as a map for programs."""
    return [
        {
            "file": str(document.path),
            "line": document.place((*outcome.path, "test")).line + 1,
            "test": outcome.test,
            "status": outcome.status,
            "seconds": round(outcome.seconds, 6),
            **({"reason": outcome.reason} if outcome.reason else {}),
            **(
                {"failures": [_failure_json(document, one) for one in outcome.failures]}
                if outcome.failures
                else {}
            ),
            "raised": sorted(outcome.raised),
        }
        for outcome in outcomes
    ]


def _failure_json(document: Document, failure: Failure) -> dict[str, object]:
    place = place_of(document, failure)
    return {
        "line": place.line + 1,
        "column": place.column + 1,
        "at": span(failure.at),
        "what": failure.what,
        "message": failure.message,
        "nearest": None if failure.nearest is None else str(failure.nearest),
        "differences": [
            {"field": ".".join(map(str, one.path)), "wanted": one.wanted, "came": one.came}
            for one in failure.differences
        ],
    }
