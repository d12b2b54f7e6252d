"""`vigie up`: all flows of a folder and the api, under one supervisor."""

import sys
from pathlib import Path

import click

from connectors.base import ConnectorError
from flows.site.lines import Lines
from flows.site.log_form import Form
from flows.site.supervisor import AlreadyUp, Supervisor, UpOptions


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--site",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Addresses and secrets; default: site.yaml in the folder.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Folder of saved states, versions and accounts.",
)
@click.option("--profile", help="Keep the sources and sinks of this profile.")
@click.option(
    "--grace", type=click.FloatRange(0.1, 3600), default=10.0, show_default=True,
    help="Seconds that a flow has to end before it is killed; nothing is lost by that.",
)  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the api listens.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--no-api", is_flag=True, help="Run the flows only.")
@click.option("--no-watch", is_flag=True, help="Without the flow that watches the others.")
@click.option(
    "--log", "log_form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="Form of the log lines.",
)  # fmt: skip
def up(
    folder: Path, site: Path | None, data: Path, profile: str | None, grace: float, host: str,
    port: int, no_api: bool, no_watch: bool, log_form: Form,
) -> None:  # fmt: skip
    """Run every definition of a folder, and the api, until SIGTERM or Ctrl-C.

    A file that is added, changed or removed is noticed. It is checked, its tests run, and only then
    the new version takes over the state of the old one, which goes on if anything fails: `vigie
    status` says why. A process that ends is started again after 1, 2, 4 … 300 s.

    A flow `vigie` watches the others and raises alarms of the site itself; a definition of that
    name in the folder takes its place.
    """
    api = None if no_api else ("--host", host, "--port", str(port))
    folder = folder.resolve()
    place = (site or folder / "site.yaml").resolve()
    options = UpOptions(folder, place, data.resolve(), profile, grace, log_form, api, not no_watch)
    try:
        Supervisor(options, Lines(log_form)).run()
    except (AlreadyUp, ConnectorError, OSError) as error:
        click.echo(f"vigie up: {error}", err=True)
        sys.exit(1)
