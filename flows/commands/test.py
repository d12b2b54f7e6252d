"""`vigie test`: the tests of definitions, on a virtual clock."""

import json
import sys
import time
from pathlib import Path

import click

from connectors.config.document import Document
from connectors.config.site import Site, load_site, read_site
from connectors.config.suggestion import near
from flows.checks.connections import is_site
from flows.checks.context import Scope
from flows.language.field_values import Tables
from flows.language.model import Flow
from flows.loader import build, load
from flows.testing.junit import junit
from flows.testing.report import as_json, report
from flows.testing.runner import Outcome, run_test

Results = list[tuple[Document, str, list[Outcome]]]
_SIGNS = {"passed": ("ok", "green"), "failed": ("FAILED", "red"), "skipped": ("not run", "yellow")}


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option("-k", "word", metavar="WORD", help="Only tests whose name holds this word or text.")
@click.option("-v", "--verbose", is_flag=True, help="Name every test, not only those that fail.")
@click.option(
    "--junit",
    "junit_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="OUT.xml",
    help="Write the results as JUnit XML, for CI.",
)
@click.option(
    "--json", "form_json", is_flag=True, help="Print the results as JSON instead of text."
)
@click.option(
    "--site",
    type=click.Path(dir_okay=False, path_type=Path),
    help=(
        "Site file whose time zone hours and dates are in; default: site.yaml beside the"
        " definition, else UTC."
    ),
)
def test(
    files: tuple[Path, ...],
    word: str | None,
    verbose: bool,
    junit_file: Path | None,
    form_json: bool,
    site: Path | None,
) -> None:
    """Run the tests of definitions: the live logic on a virtual clock, with nothing outside.

    A test that fails is shown with the line of its expectation, what came instead, and what
    happened until then. Exits with 1 if a test fails or a definition has an error.
    """
    began = time.time()
    results: Results = []
    flows: list[Flow] = []
    documents = [Document.read(path) for path in files]
    sites = [document.path for document in documents if is_site(document)]
    definitions = [document for document in documents if not is_site(document)]
    for document in definitions:
        flow = build(document)
        if document.problems:
            click.echo(document.report(), err=True)
        if flow is not None:
            flows.append(flow)
            place = _site(document.path, site or next(iter(sites), None))
            results.append((document, flow.flow, _run(document, flow, place, word)))
    outcomes = [outcome for _, _, some in results for outcome in some]
    if form_json:
        click.echo(
            json.dumps(
                [one for document, _, some in results for one in as_json(document, some)], indent=2
            )
        )
    else:
        for (document, _, some), flow in zip(results, flows, strict=True):
            _print(document, flow, some, verbose, whole=word is None)
        if len(definitions) > 1:
            click.echo(_summary(outcomes))
    if junit_file is not None:
        junit_file.write_bytes(junit(results, began))
    if word is not None and flows and not outcomes:
        names = [one.test for flow in flows for one in flow.tests]
        words = sorted({part for name in names for part in name.split()})
        click.echo(
            f"error: no test has {word!r} in its name;"
            f" {near(word, words) or f'there are {len(names)}'}",
            err=True,
        )
        sys.exit(1)
    failed = len(flows) < len(definitions) or any(
        outcome.status == "failed" for outcome in outcomes
    )
    sys.exit(1 if failed else 0)


def _site(path: Path, site: Path | None) -> Site:
    """The site file; one without connections, in UTC, where there is none beside the definition."""
    file = site or path.with_name("site.yaml")
    if site is None and not file.exists():
        return load_site(None)
    document, read = read_site(file)
    if read is None:
        click.echo(document.report(), err=True)
        sys.exit(1)
    return read


def _run(document: Document, flow: Flow, site: Site, word: str | None) -> list[Outcome]:
    tables = Scope(document, flow).tables
    wanted = [
        n for n, one in enumerate(flow.tests) if word is None or word.lower() in one.test.lower()
    ]
    files = {file for index in wanted for file in flow.tests[index].definitions()}
    others = {file: _other(document.path.parent / file) for file in sorted(files)}
    return [run_test(flow, tables, site.zone, index, others, site.place) for index in wanted]


def _other(path: Path) -> tuple[Flow, Tables]:
    """Another definition, under which a test goes on, and its tables."""
    document, flow = load(path)
    if flow is None:
        click.echo(document.report(), err=True)
        sys.exit(1)
    return flow, Scope(document, flow).tables


def _print(
    document: Document, flow: Flow, outcomes: list[Outcome], verbose: bool, whole: bool
) -> None:
    for outcome in outcomes:
        if outcome.status == "failed":
            click.echo(report(document, outcome) + "\n")
        elif verbose or outcome.status == "skipped":
            sign, colour = _SIGNS[outcome.status]
            line = document.place((*outcome.path, "test")).line + 1
            why = f": {outcome.reason}" if outcome.reason else ""
            click.echo(
                f"{click.style(sign, fg=colour)} {document.path}:{line}: {outcome.test}{why}"
            )
    if not flow.tests:
        click.echo(f"{document.path}: no tests; write some under  tests:")
        return
    click.echo(f"{document.path}: {_summary(outcomes)}")
    raised = {name for outcome in outcomes for name in outcome.raised}
    silent = [name for name in flow.alarms if name not in raised]
    if whole and silent and not any(outcome.status != "passed" for outcome in outcomes):
        noun = "alarm" if len(silent) == 1 else "alarms"
        click.echo(f"{document.path}: no test raises the {noun} {', '.join(silent)}")


def _summary(outcomes: list[Outcome]) -> str:
    parts = []
    for status, noun in (("failed", "failed"), ("passed", "passed"), ("skipped", "not run")):
        number = sum(outcome.status == status for outcome in outcomes)
        if number or (status == "passed" and not outcomes):
            parts.append(click.style(f"{number} {noun}", fg=_SIGNS[status][1]))
    return ", ".join(parts) + f" in {sum(outcome.seconds for outcome in outcomes):.2f} s"
