"""`vigie plan`, `deploy`, `rollback`, `remove`, `diff` and `versions`: changes of what runs."""

import difflib
import getpass
import sys
import time
from pathlib import Path
from typing import NoReturn, TypeVar

import click
import msgspec

from connectors.base import ConnectorError
from connectors.runtime.supervisor import (
    LONG,
    Ask,
    Became,
    Deploy,
    NoSupervisor,
    Remove,
    Removed,
    ask,
)
from flows.commands.progress import progress
from flows.loader import load
from flows.site.books import Books, Entry
from flows.site.network.remote import TOKEN, NotReached, bring, fetch
from flows.site.plans.plan_text import text
from flows.site.plans.planning import Refused, make_plan
from flows.site.site_status import SiteStatus
from flows.site.version import Unusable, Version, files_in, named_files
from operators.model.units import duration

EXIT_ERROR, EXIT_DIFFERENT, EXIT_NOBODY, EXIT_NOT_DRAINED = 1, 2, 3, 75
SHORT = 10.0
T = TypeVar("T")

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Folder that `vigie up` was given.",
)


@click.command()
@click.argument("definition", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
@click.option(
    "--site",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Addresses and secrets; default: those of the `vigie up` that runs, or beside it.",
)
@click.option("--profile", help="Keep the sources and sinks of this profile.")
@click.option(
    "--over",
    default="1d",
    show_default=True,
    metavar="SPAN",
    help="Replay so much history under both versions; 0s: none.",
)
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compare with this file instead of the version that runs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan(
    definition: Path, data: Path, site: Path | None, profile: str | None, over: str,
    against: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Show what a definition would change: alarms, state, topics and tables. Changes nothing.

    For each alarm that stands now it says what would happen to it; and which alarms of the last day
    it would have raised or not, where history is there.

    Exit codes: 0 no differences, 1 an error, 2 differences.
    """
    place = site or _site_that_runs(data) or definition.with_name("site.yaml")
    try:
        seconds = duration(over)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--over") from None
    old = against or _running(definition, data)
    try:
        with progress("replay") as tell:
            found = make_plan(definition, old, place, profile, seconds, tell)
    except (Refused, ConnectorError) as error:
        _fail(str(error))
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        click.echo("\n".join(text(found)))
    sys.exit(0 if found.is_none else EXIT_DIFFERENT)


@click.command()
@click.argument("definition", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
@click.option(
    "--expect", metavar="VERSION", help="Only if this version runs; `none` if no such flow does."
)
@click.option("--drop", multiple=True, metavar="ID", help="Lose the saved state of this step.")
@click.option("--who", help="Who deploys, for the history; default: the user of the system.")
@click.option(
    "--to", "url", metavar="URL", help=f"To the site of this api, as the admin of ${TOKEN}."
)
def deploy(
    definition: Path,
    data: Path,
    expect: str | None,
    drop: tuple[str, ...],
    who: str | None,
    url: str | None,
) -> None:
    """Have `vigie up` run a definition, and write it into its folder once it runs.

    It is checked and its tests run; then it takes over the state of the version before. Returns
    once it runs, or the version before is back.

    Exit codes: 0 it runs, 1 it does not, 3 no `vigie up` answers.
    """
    document, flow = load(definition)
    if flow is None:
        _fail(document.report())
    try:
        others = {name: path.read_text("utf-8") for name, path in named_files(definition).items()}
    except (Unusable, OSError, UnicodeDecodeError) as error:
        _fail(str(error))
    main = definition.read_text("utf-8")
    expected = "" if expect == "none" else expect
    wish = Deploy(
        flow=flow.flow,
        text=main,
        files=others,
        expected=expected,
        drop=list(drop),
        who=who or _me(),
    )
    if url is None:
        _bring(wish, data)
        return
    try:
        if expect is None:
            wish.expected = fetch(url, flow.flow).version
        _tell(wish, bring(url, wish))
    except NotReached as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_NOBODY)


@click.command()
@click.argument("flow")
@click.argument("version", required=False)
@data_option
@click.option("--who", help="Who rolls back, for the history.")
@click.option("--drop", multiple=True, metavar="ID", help="Lose the saved state of this step.")
def rollback(
    flow: str, version: str | None, data: Path, who: str | None, drop: tuple[str, ...]
) -> None:
    """Run an earlier version of a flow again; without VERSION the one before the present one.

    Exit codes are those of `vigie deploy`.
    """
    books = Books(data)
    running = books.running(flow)
    entry = _entry(books, flow, version, running)
    files = {
        name: held.decode() for name, held in files_in(books.folder(flow, entry.version)).items()
    }
    main = files.pop(entry.file)
    wish = Deploy(
        flow=flow,
        text=main,
        files=files,
        expected=running.hash if running else None,
        drop=list(drop),
        who=who or _me(),
        how="rolled back",
    )
    _bring(wish, data)


@click.command()
@click.argument("flow")
@data_option
@click.option("--who", help="Who removes it, for the log.")
def remove(flow: str, data: Path, who: str | None) -> None:
    """End a flow for good: it stops, its alarms end, and its file is removed.

    Whoever was told of an alarm is told that it is over. Its versions are kept, and so is what it
    wrote and how far it read. It also ends a flow whose file is gone already.

    Exit codes: 0 it is gone, 1 it cannot be, 3 no `vigie up` answers, 75 its alarms have ended, but
    a sink has not got all of that; run it again once its service is up.
    """
    removed = _answer(Remove(flow, who or _me()), data, Removed)
    if removed.refused is not None:
        _fail(removed.refused)
    for sink, records in removed.left.items():
        click.echo(f"{flow}: {sink} has yet to get what is in {records:g} records", err=True)
    if removed.left:
        sys.exit(EXIT_NOT_DRAINED)
    click.echo(f"{flow}: gone for good")


@click.command()
@click.argument("flow")
@data_option
def versions(flow: str, data: Path) -> None:
    """List the versions of a flow: when each came to run, who brought it, and how."""
    books = Books(data)
    history = books.history(flow)
    if not history:
        _fail(_no_flow(flow, data))
    running = books.running(flow)
    for number, entry in enumerate(history):
        is_last = number == len(history) - 1
        mark = "*" if running and is_last and running.hash == entry.version else " "
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.when))
        click.echo(f"{mark} {entry.version}  {when}  {entry.how}  {entry.who}".rstrip())


@click.command()
@click.argument("flow")
@click.argument("old", required=False)
@click.argument("new", required=False)
@data_option
def diff(flow: str, old: str | None, new: str | None, data: Path) -> None:
    """Show the difference of two versions of a flow; by default of the last two.

    Exit codes: 0 no differences, 1 an error, 2 differences.
    """
    books = Books(data)
    running = books.running(flow)
    before = _entry(books, flow, old, running).version
    after = _entry(books, flow, new, running).version if new else running.hash if running else None
    if after is None:
        _fail(_no_flow(flow, data))
    one, other = (files_in(books.folder(flow, version)) for version in (before, after))
    lines = [
        line
        for name in sorted({*one, *other})
        for line in difflib.unified_diff(
            one.get(name, b"").decode("utf-8", "replace").splitlines(),
            other.get(name, b"").decode("utf-8", "replace").splitlines(),
            f"{name} {before}",
            f"{name} {after}",
            lineterm="",
        )
    ]
    for line in lines:
        click.echo(line)
    sys.exit(EXIT_DIFFERENT if lines else 0)


def _site_that_runs(data: Path) -> Path | None:
    try:
        return Path(msgspec.json.decode(ask(data / "up", Ask(), SHORT), type=SiteStatus).site)
    except NoSupervisor:
        return None


def _running(definition: Path, data: Path) -> Path | None:
    _, flow = load(definition)
    running = Books(data).running(flow.flow) if flow is not None else None
    return running.definition if running is not None else None


def _entry(books: Books, flow: str, version: str | None, running: Version | None) -> Entry:
    """The entry of a version that is named, or of the one before the present one."""
    history = [entry for entry in books.history(flow) if books.folder(flow, entry.version).is_dir()]
    if not history:
        _fail(f"no version of a flow {flow!r} is kept; `vigie up` keeps those that ran")
    if version is None:
        found = [entry for entry in history if running is None or entry.version != running.hash]
    else:
        found = [entry for entry in history if entry.version.startswith(version)]
    if not found:
        known = ", ".join(dict.fromkeys(entry.version for entry in history))
        _fail(f"no {f'version {version}' if version else 'earlier version'} of {flow}: {known}")
    return found[-1]


def _bring(wish: Deploy, data: Path) -> None:
    _tell(wish, _answer(wish, data, Became))


def _answer(wish: Deploy | Remove, data: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(ask(data / "up", wish, LONG), type=kind)
    except NoSupervisor as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_NOBODY)


def _tell(wish: Deploy, answer: Became) -> None:
    if answer.refused is None:
        click.echo(f"{wish.flow}: version {answer.version} runs")
        return
    click.echo(answer.refused, err=True)
    goes_on = f"version {answer.version} runs" if answer.version else "nothing was changed"
    click.echo(f"{wish.flow}: not deployed; {goes_on}", err=True)
    sys.exit(EXIT_ERROR)


def _no_flow(flow: str, data: Path) -> str:
    return f"no flow {flow!r} ran under `vigie up --data {data}`"


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(EXIT_ERROR)
