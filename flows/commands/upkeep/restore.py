"""`vigie restore`: a site from one file, on any machine."""

import json
import sys
import tempfile
import time
from pathlib import Path

import click

from connectors.base import ConnectorError, NoAnswer
from connectors.config.site import load_site
from flows.backup import accounts, archive, positions, tables
from flows.runtime.shards import StateError

EXIT_REFUSED, EXIT_LOST, EXIT_DOWN = 1, 3, 75


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default=True,
    help="Folder of the site: definitions and site file are put there, where none are.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of saved states and accounts, which must be empty; default: data in that folder.",
)
@click.option(
    "--only-topics", is_flag=True,
    help="The files are restored; only write the tables in topics, and look at the positions.",
)  # fmt: skip
def restore(file: Path, folder: Path, data: Path | None, only_topics: bool) -> None:
    """Make a site of what `vigie backup` saved.

    Nothing that is there is overwritten: definitions and the site file stay as they are, tables in
    topics get only the rows that they lack, a PostgreSQL gets accounts only where it has no tables,
    and a data folder that is not empty is refused. Then it says what flows would have read on and
    is no longer in their topics.

    Exit codes: 0 all is there, 1 refused, 3 restored, and records are lost, 75 the files are
    restored, and the broker does not answer: set it right, and run again with --only-topics.
    """
    data = data or folder / "data"
    try:
        with tempfile.TemporaryDirectory() as name:
            unpacked = Path(name)
            contents = archive.unpack(file, unpacked)
            at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(contents.made))
            click.echo(f"{contents.site} as it was at {at}, saved by Vigie {contents.vigie}")
            if not only_topics:
                _put_files(unpacked, folder, data)
            saved = json.loads((unpacked / archive.TABLES).read_text(encoding="utf-8"))
            dump = unpacked / archive.ACCOUNTS
            users = dump.read_bytes() if dump.is_file() else None
    except (ConnectorError, OSError) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)
    try:
        site = load_site(folder / "site.yaml")
        if users is not None:
            done = "written" if accounts.put(site, users) else "are there, and stay as they are"
            click.echo(f"accounts in PostgreSQL: {done}")
        for table, (written, of) in tables.put(site, saved).items():
            if of:
                click.echo(f"{table}: {written} of {of} rows were missing, and are written")
        lost = list(positions.missing(site, data))
    except (ConnectorError, NoAnswer, StateError) as error:
        click.echo(
            f"the files are restored, the rest is not: {error}\nthen run it again with"
            " --only-topics",
            err=True,
        )
        sys.exit(EXIT_DOWN)
    for line in lost:
        click.echo(line, err=True)
    sys.exit(EXIT_LOST if lost else 0)


def _put_files(unpacked: Path, folder: Path, data: Path) -> None:
    archive.put_data(unpacked, data)
    click.echo(f"{data}: saved states and accounts")
    written, kept = archive.put_site(unpacked, folder)
    for name in written:
        click.echo(f"{folder / name}: written")
    for name in kept:
        click.echo(f"{folder / name}: is there, and stays as it is")
