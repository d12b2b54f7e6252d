"""`vigie backup`: a site in one file."""

import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from connectors.base import ConnectorError, NoAnswer
from connectors.config.site import load_site
from flows.backup import accounts, archive, tables
from flows.commands.progress import progress

EXIT_REFUSED, EXIT_DOWN = 1, 75


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--site",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("site.yaml"),
    show_default=True,
    help="Addresses and secrets; the definitions beside it are saved, too.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Folder of saved states and accounts.",
)
def backup(file: Path, site: Path, data: Path) -> None:
    """Save a site into one file, while it runs: `vigie restore` makes it on another machine.

    It holds the accounts, pages and rules, the versions of flows, their saved states with the
    positions that belong to them, the definitions, and the site file with variables in the place of
    secrets. Accounts in PostgreSQL are saved by its own pg_dump. It does not hold what is in
    topics, tables of ClickHouse, and object stores. Keep it as safe as the site itself: the
    accounts' password hashes are in it (mode 0600).

    Exits with 1 if something cannot be saved, 75 if the broker does not answer; no file is written
    then.
    """
    try:
        place = load_site(site)
        with progress("backup") as tell:
            contents = archive.write(
                file, data, site,
                lambda: accounts.dump(place), lambda: tables.read(place), vigie_version(), tell,
            )  # fmt: skip
    except NoAnswer as error:
        click.echo(f"nothing was saved: {error}", err=True)
        sys.exit(EXIT_DOWN)
    except (ConnectorError, OSError) as error:
        click.echo(f"nothing was saved: {error}", err=True)
        sys.exit(EXIT_REFUSED)
    if archive.ACCOUNTS not in contents.files and not (data / "api").is_dir():
        click.echo(f"no accounts are in {data}/api: the api did not run here yet", err=True)
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(contents.made))
    click.echo(
        f"wrote {file}: {contents.site} at {at}, {len(contents.files)} files,"
        f" {file.stat().st_size / 1e6:.1f} MB"
    )


def vigie_version() -> str:
    """The version of this program."""
    try:
        return version("vigie")
    except PackageNotFoundError:
        return "unknown"
