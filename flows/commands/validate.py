"""`vigie validate`: every problem of definitions and site files, without network and secrets."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from connectors.base import ConnectorError
from connectors.config.document import Document
from connectors.config.site import Site, build_site, check_connections, load_site
from flows.checks.connections import check_site, is_site
from flows.checks.context import Scope
from flows.language.catalogue import connection_models
from flows.language.lock import identities
from flows.language.model import Flow
from flows.loader import build
from operators.model.units import duration

EXIT_DOWN = 75


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option("-q", "--quiet", is_flag=True, help="Print problems only.")
@click.option(
    "--site",
    "live",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also look at this site's topics: was the input of every rule seen, are they as declared?",
)
@click.option(
    "--since", default="1d", show_default=True, metavar="SPAN", help="How far back to look there."
)
def validate(files: tuple[Path, ...], quiet: bool, live: Path | None, since: str) -> None:
    """Check definitions and site files: keys, types, units, names, placeholders, tests, lock.

    Prints every problem with its file, line and column, and touches nothing else. Exits with 1 if
    there is an error. With a site file among the files, the flows' connections must be in it. With
    `--site`, a rule for which nothing came to the live topics is a warning, and so is a topic that
    is not as the site file declares; a broker that does not answer is an exit with 75.
    """
    if live is not None and live not in files:
        files = (*files, live)
    documents = [Document.read(path) for path in files]
    subjects = [check(document) for document in documents]
    sites = [subject for subject in subjects if isinstance(subject, Site)]
    check_names(documents, subjects)
    for document, subject in zip(documents, subjects, strict=True):
        if isinstance(subject, Flow):
            for site in sites:
                check_site(document, subject, site)
    down = live is not None and not _look(documents, subjects, live, since)
    for document, subject in zip(documents, subjects, strict=True):
        if report := document.report():
            click.echo(report)
        if subject is not None and not document.errors and not quiet:
            click.echo(f"{document.path}: ok ({describe(subject)})")
    if any(document.errors for document in documents):
        sys.exit(1)
    sys.exit(EXIT_DOWN if down else 0)


def _look(
    documents: Sequence[Document], subjects: Sequence[Flow | Site | None], live: Path, since: str
) -> bool:
    """Warn of rules whose input never came; False if the site's topics cannot be read."""
    # the broker's client, and replays, need packages that validation does not
    from flows.admin.declared_topics import differing
    from flows.replay.seen import unseen

    try:
        back, now = duration(since), time.time()
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--since") from None
    if any(document.errors for document in documents):
        return True
    try:
        site = load_site(live)
        for document, flow in zip(documents, subjects, strict=True):
            if isinstance(flow, Flow):
                for one in unseen(flow, Scope(document, flow).tables, site, now - back, now):
                    document.say_at(one.path, one.message, one.hint, level="warning")
        place = next(document for document in documents if document.path == live)
        for path, difference in differing(site):
            remedy = "`vigie migrate` makes it so, or declare what it is"
            place.say_at(path, str(difference), remedy, level="warning")
    except ConnectorError as error:
        click.echo(f"{live}: the live topics were not looked at: {error}", err=True)
        return False
    return True


def check(document: Document) -> Flow | Site | None:
    """Check a document: as a site file if it has `site` or `connections` and no `flow`."""
    if not is_site(document):
        return build(document)
    site = build_site(document)
    if site is not None:
        check_connections(document, site, connection_models())
    return site


def check_names(documents: Sequence[Document], subjects: Sequence[Flow | Site | None]) -> None:
    """Note flows of one name: they would share saved state, topics and the identity of alarms."""
    first: dict[str, Document] = {}
    for document, subject in zip(documents, subjects, strict=True):
        if isinstance(subject, Flow):
            known = first.setdefault(subject.flow, document)
            if known is not document:
                message = f"the flow {subject.flow!r} is already in {known.path}"
                document.say_at(("flow",), message, "its alarms and saved state would be the same")


def describe(subject: Flow | Site) -> str:
    """What a valid file holds, in numbers."""
    if isinstance(subject, Site):
        return count(len(subject.connections), "connection")
    parts = [
        count(len(getattr(subject, f"{noun}s")), noun)
        for noun in ("source", "stream", "alarm", "sink", "test")
    ]
    return ", ".join([*parts, f"{len(identities(subject))} with state"])


def count(number: int, noun: str) -> str:
    """`1 source`, `2 sources`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
