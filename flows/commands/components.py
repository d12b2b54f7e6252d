"""`vigie list` and `vigie docs`: what there is, from the classes themselves."""

import sys

import click

from connectors.config.suggestion import near
from flows.language.component_docs import component_list, component_page, matching, reference
from flows.language.dialect_docs import dialect_page
from flows.loader import load
from operators.decoding.catalogue import NAMES


@click.command("list")
def list_components() -> None:
    """List every source, step, alarm and sink with its summary, one a line."""
    click.echo(component_list())


@click.command()
@click.argument("component", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown"]),
    default="markdown",
    show_default=True,
    help="Form of the text.",
)
def docs(component: str | None, form: str) -> None:
    """Print the documentation of one component or of all: settings, units, defaults, examples.

    A name that is a source and a sink, such as topic, prints both. The name of a dialect of
    `decode`, such as zigbee2mqtt, prints the metrics that it makes, with their units and words; a
    definition's file those of its own dialects.
    """
    if component is None:
        click.echo(reference(), nl=False)
        return
    if component.endswith((".yaml", ".yml")):
        _own_dialects(component)
        return
    found = matching(component)
    if component in NAMES:
        click.echo(dialect_page(component), nl=False)
    elif not found:
        names = sorted({name for _, name, _ in matching(None)} | set(NAMES))
        hint = near(component, names) or f"known: {', '.join(names)}"
        click.echo(f"error: no component {component!r}; {hint}", err=True)
        sys.exit(1)
    click.echo("\n".join(component_page(*entry) for entry in found), nl=False)


def _own_dialects(file: str) -> None:
    document, flow = load(file)
    if flow is None:
        click.echo("\n".join(str(problem) for problem in document.problems), err=True)
        sys.exit(1)
    pages = [dialect_page(name, own.dialect()) for name, own in flow.dialects.items()]
    click.echo("\n".join(pages) or f"{file} has no dialects of its own")
