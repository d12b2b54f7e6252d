"""`vigie schema`: the JSON Schema of definitions and site files, for editors."""

import json
from pathlib import Path

import click

from flows.language.json_schema import flow_schema, site_schema


@click.command()
@click.option("--site", is_flag=True, help="The schema of site files instead of definitions.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file."
)
def schema(site: bool, output: Path | None) -> None:
    """Print the JSON Schema, from the same models that `validate` uses.

    Editors with yaml-language-server complete and check definitions with it; put this line at the
    top of a file:

        # yaml-language-server: $schema=vigie.schema.json
    """
    text = json.dumps(site_schema() if site else flow_schema(), indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
