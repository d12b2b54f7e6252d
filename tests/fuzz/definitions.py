"""Definitions and site files of any bytes: problems at their places, or a flow that compiles and
makes a graph.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.config.document import Document
from flows.checks.context import Scope
from flows.commands.validate import check
from flows.dataflow.compiler import NotRunnable, compile_flow
from flows.dataflow.graph import Graph
from flows.language.catalogue import kinds
from flows.language.model import Flow
from tests.fuzz.mutate import lines_mutator
from tests.fuzz.target import Target

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "flows" / "definitions"
BAD = ROOT / "tests" / "data" / "bad"
EXAMPLE = (
    "vigie: 1\nflow: example\nsources:\n  given:\n    topic: given\nstreams:\n  made:\n    from:"
    " given\n    steps:\n"
)
MOST_BYTES = 6000


@cache
def _folder() -> Path:
    """A folder with the files that definitions refer to, removed when the process ends."""
    place = tempfile.TemporaryDirectory(prefix="vigie-fuzz-")
    _folders.append(place)
    for file in (*SHIPPED.iterdir(), *BAD.iterdir()):
        if file.is_file() and file.suffix != ".txt":
            shutil.copy(file, place.name)
    return Path(place.name)


_folders: list[tempfile.TemporaryDirectory[str]] = []


def read(data: bytes) -> None:
    """Read, check and compile; a flow without errors must make a graph."""
    path = _folder() / "fuzz.yaml"
    path.write_bytes(data)
    document = Document.read(path)
    subject = check(document)
    report = document.report()
    assert not isinstance(subject, Flow) or not document.errors, report
    assert subject is not None or document.errors
    assert bool(report) == bool(document.problems)
    for problem in document.problems:
        assert problem.message, report
        assert problem.place.line <= len(problem.place.file.lines), report
    if isinstance(subject, Flow):
        try:
            compiled = compile_flow(subject, Scope(document, subject).tables, ZoneInfo("UTC"))
        except NotRunnable:
            return
        Graph(compiled.plan)


def _seeds() -> Iterator[bytes]:
    for file in sorted((*SHIPPED.glob("*.yaml"), *BAD.glob("*.yaml"))):
        text = file.read_bytes()
        if len(text) < MOST_BYTES:
            yield text
        yield text.partition(b"\ntests:")[0] + b"\n"
    for section, _, kind in kinds():
        for example in kind.EXAMPLES:
            yield _example(section, example)


def _example(section: str, example: str) -> bytes:
    lines = example.rstrip("\n").split("\n")
    if section == "alarm":
        body = (
            EXAMPLE.partition("streams:")[0]
            + "alarms:\n  hot:\n"
            + "".join(f"    {line}\n" for line in lines)
        )
    elif section == "source":
        body = "vigie: 1\nflow: example\nsources:\n  given:\n" + "".join(
            f"    {line}\n" for line in lines
        )
    elif section == "sink":
        head = EXAMPLE.partition("streams:")[0] + "sinks:\n  out:\n    from: given\n"
        body = head + "".join(f"    {line}\n" for line in lines)
    else:
        body = EXAMPLE + "".join(
            f"      {'- ' if at == 0 else '  '}{line}\n" for at, line in enumerate(lines)
        )
    return body.encode()


def _lines_and_words() -> tuple[list[bytes], list[bytes]]:
    lines: set[bytes] = set()
    words = {
        b"1",
        b"-1",
        b"1e400",
        b"30s",
        b"1ms",
        b"[]",
        b"{}",
        b"''",
        b'"{x}"',
        b"on",
        b"~",
        b"*",
        b"2026-01-01",
        b"9 kW",
    }
    for seed in _seeds():
        lines |= {line for line in seed.split(b"\n") if line.strip() and len(line) < 120}
        words |= set(re.findall(rb"[a-z_][a-z_0-9]{2,24}", seed))
    return sorted(lines), sorted(words)


TARGETS = [
    Target("definitions", read, _seeds, lines_mutator(*_lines_and_words()), longest=8192, most=80)
]
