"""`vigie graph`: a picture of flows and of the topics that join them."""

import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from connectors.config.document import Document
from connectors.config.site import SiteError, load_site
from connectors.kafka.components import Topic, TopicSink
from connectors.kafka.topic_names import TopicNames
from flows.checks.context import Scope
from flows.dataflow.compiler import NotRunnable, compile_flow, raw_name
from flows.drawing.diagram import draw, mermaid
from flows.drawing.svg import svg
from flows.language.model import Flow
from flows.loader import load
from flows.runtime.partitioning import cannot_be_shared


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
    which makes events of what changes something; all others carry events. A source that is `not
    keyed by Vigie` has a topic that none of these flows writes: unless its writer keys by subject,
    too, each process of the flow reads it whole (docs/operations.md, More than one process).
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
    columns, foreign = _marked_sources(flows, topics)
    picture = draw(flows, topics, columns, foreign)
    is_svg = form == "svg" or (form is None and output is not None and output.suffix == ".svg")
    text = svg(picture) if is_svg else mermaid(picture)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


def _marked_sources(
    flows: list[tuple[Document, Flow]], topics: TopicNames
) -> tuple[list[str], list[str]]:
    """The sources, as `FLOW/SOURCE`, that bring columns, and those that are not keyed by Vigie.

    The latter of flows that several processes may run. All profiles are active.
    """
    written = {
        sink.settings.name
        for _, flow in flows
        for sink in flow.sinks.values()
        if isinstance(sink.settings, TopicSink)
    }
    columns, foreign = list[str](), list[str]()
    for document, flow in flows:
        try:
            made = compile_flow(flow, Scope(document, flow).tables, ZoneInfo("UTC"))
        except NotRunnable:
            continue
        for name, source in flow.sources.items():
            if not isinstance(settings := source.settings, Topic):
                continue
            if made.plan.takes_columns(raw_name(flow, name)):
                columns.append(f"{flow.flow}/{name}")
            is_ours = all(
                topic in written or topic.startswith(topics.prefix) for topic in settings.topics()
            )
            if cannot_be_shared(made) is None and not is_ours and not settings.table:
                foreign.append(f"{flow.flow}/{name}")
    return columns, foreign
