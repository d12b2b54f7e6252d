"""The option `--site` of commands that work on the site in the current folder."""

from pathlib import Path

import click

SITE = click.option(
    "--site",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("site.yaml"),
    show_default=True,
    help="Addresses and secrets.",
)
