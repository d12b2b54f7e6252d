"""`vigie graph`: a picture of flows and of the topics that join them."""

import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from connectors.config.document import Document
from connectors.config.site import SiteError, load_site
from connectors.kafka.topic_names import TopicNames
from flows.checks.context import Scope
from flows.dataflow.compiler import NotRunnable, compile_flow, raw_name
from flows.drawing.diagram import draw, mermaid
from flows.drawing.svg import svg
from flows.language.model import Flow
from flows.loader import load


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["mermaid", "svg"]),
    help="Default: by the name of the output file.",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file."
)
@click.option(
    "--site",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Names the topics of the site; default: site.yaml beside the first file, if there is one.",
)
def graph(
    files: tuple[Path, ...], form: str | None, output: Path | None, site: Path | None
) -> None:
    """Draw sources, streams with their steps, alarms, sinks, and the topics between flows.

    Mermaid text, or an SVG picture. Definitions with errors are not drawn: the errors are printed,
    and it exits with 1. The topics that Vigie makes for itself are drawn under the prefix of the
    site file. An arrow with `columns` carries readings as columns, up to the first step behind it,
    which makes events of what changes something; all others carry events.
    """
    loaded = [load(path) for path in files]
    for document, _ in loaded:
        if document.errors:
            click.echo(document.report(), err=True)
    flows = [(document, flow) for document, flow in loaded if flow is not None]
    if len(flows) < len(files):
        sys.exit(1)
    names = [flow.flow for _, flow in flows]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        click.echo(f"error: two files hold the flow {twice[0]!r}", err=True)
        sys.exit(1)
    beside = files[0].with_name("site.yaml")
    try:
        topics = TopicNames.of_site(load_site(site or (beside if beside.exists() else None)))
    except SiteError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    columns = [f"{flow.flow}/{name}" for loaded in flows for flow, name in _column_sources(*loaded)]
    picture = draw(flows, topics, columns)
    is_svg = form == "svg" or (form is None and output is not None and output.suffix == ".svg")
    text = svg(picture) if is_svg else mermaid(picture)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


def _column_sources(document: Document, flow: Flow) -> list[tuple[Flow, str]]:
    """The sources that bring columns where all profiles are active."""
    try:
        plan = compile_flow(flow, Scope(document, flow).tables, ZoneInfo("UTC")).plan
    except NotRunnable:
        return []
    topics = [name for name, source in flow.sources.items() if source.kind == "topic"]
    return [(flow, name) for name in topics if plan.takes_columns(raw_name(flow, name))]
