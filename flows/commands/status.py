"""`vigie status`: what runs under `vigie up`, and what does not and why."""

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import msgspec

from connectors.runtime.supervisor import Ask, NoSupervisor, ask
from flows.admin.health_client import troubles
from flows.site.site_status import SiteStatus, UnitStatus
from operators.model.units import in_seconds

EXIT_NOT_WELL, EXIT_NOBODY = 1, 3
PATIENCE = 10.0


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Folder that `vigie up` was given.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(data: Path, as_json: bool) -> None:
    """Show what runs: each flow, its version, since when, what it waits for and what is wrong.

    Exit codes: 0 all is well, 1 something is not, 3 no `vigie up` answers.
    """
    try:
        answer = ask(data / "up", Ask(), PATIENCE)
    except NoSupervisor as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_NOBODY)
    site = msgspec.json.decode(answer, type=SiteStatus)
    units = [*site.flows, *([site.api] if site.api else [])]
    unwell = {
        one.name: lines
        for one in units
        if one.state == "running" and one.address and (lines := troubles(one.address))
    }
    click.echo(answer.decode().rstrip() if as_json else "\n".join(_lines(site, unwell)))
    is_well = not (site.files or unwell) and all(one.is_well for one in units)
    sys.exit(0 if is_well else EXIT_NOT_WELL)


def _lines(site: SiteStatus, unwell: Mapping[str, list[str]]) -> Iterator[str]:
    units = [*site.flows, *([site.api] if site.api else [])]
    width = max((len(one.name) for one in units), default=0)
    for one in units:
        ago = in_seconds(max(0.0, round(time.time() - one.since)))
        where = " ".join(filter(None, (one.version, one.file, one.address)))
        yield f"{one.name:<{width}}  {one.state:<8}  for {ago:<8}  {where}".rstrip()
        if one.state == "removed":
            yield "    its file is gone; its state and its alarms stay for when it comes back;"
            yield f"    vigie remove {one.name} ends them, and it, for good"
        if one.owner:
            yield f"    stands by: {one.owner}"
        yield from (f"    {line}" for line in unwell.get(one.name, ()))
        yield from _trouble(one)
    for file, problem in site.files.items():
        yield f"{file}: runs nothing"
        yield from (f"    {line}" for line in problem.splitlines())
    for file in site.checking:
        yield f"{file}: being checked"
    if not units and not site.files and not site.checking:
        yield f"nothing runs: there is no definition in {site.folder}"


def _trouble(one: UnitStatus) -> Iterator[str]:
    if one.error:
        yield "    what was saved last does not run:"
        yield from (f"      {line}" for line in one.error.splitlines())
    if one.down and one.down != one.error:
        yield from (f"    {line}" for line in one.down.splitlines())
    if one.next_start is not None:
        wait = max(0, round(one.next_start - time.time()))
        yield f"    started again in {wait} s, after {one.restarts} ends"
