"""`vigie doctor`: does everything that the site file names answer, and as it should?"""

import json
import platform
import sys
import time
import zipfile
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import click

from connectors.config.redaction import hidden
from connectors.config.site import SiteError, load_site
from connectors.runtime.finding import Finding
from flows.commands.progress import progress
from flows.language.model import Flow
from flows.loader import load
from flows.setup.checkup import checkup

EXIT_FAULT = 1
SIGNS = {"ok": "ok     ", "warning": "warning", "fault": "FAULT  "}


@click.command()
@click.argument("site", type=click.Path(dir_okay=False, path_type=Path), default=Path("site.yaml"))
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Folder of the saved state.",
)
@click.option(
    "--bundle",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write a ZIP file for whoever helps: this report, versions, the site file without"
    " secrets.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def doctor(site: Path, data: Path, bundle: Path | None, as_json: bool) -> None:
    """Connect to everything in the site file, and look at this machine.

    Versions, rights, clocks, topics' settings, disk, open files, time zone data: each line says
    what came, and where it is not as it should be, what was expected and what helps. The
    definitions beside the site file say what is used of it. Changes nothing. Exits with 1 if
    something is at fault.
    """
    try:
        place = load_site(site)
    except SiteError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAULT)
    found: list[tuple[str, Finding]] = []
    total = len(place.connections) + 1
    with progress("looking") as tell:
        for where, finding in checkup(place, _flows(site), data):
            found.append((where, finding))
            tell.echo(_json(where, finding) if as_json else "\n".join(_text(where, finding)))
            tell(len({name for name, _ in found}) / total)
    if bundle is not None:
        _write(bundle, site, found)
        click.echo(f"wrote {bundle}", err=True)
    if any(finding.state == "fault" for _, finding in found):
        sys.exit(EXIT_FAULT)


def _flows(site: Path) -> list[Flow]:
    paths = sorted(path for path in site.parent.glob("*.yaml") if path != site)
    return [flow for path in paths if (flow := load(path)[1]) is not None]


def _text(where: str, finding: Finding) -> Iterator[str]:
    yield f"{SIGNS[finding.state]} {where}: {finding.what}: {finding.came}"
    if finding.state != "ok" and finding.expected:
        yield f"          expected: {finding.expected}"
    if finding.state != "ok" and finding.remedy:
        yield f"          remedy: {finding.remedy}"


def _json(where: str, finding: Finding) -> str:
    return json.dumps({"where": where, **finding._asdict()}, ensure_ascii=False)


def _write(bundle: Path, site: Path, found: list[tuple[str, Finding]]) -> None:
    """The report, versions and the site file; what is a secret there stands as `***`."""
    document = load_site(site).document
    assert document is not None
    clear = dict.fromkeys(document.text.secrets, "***")
    report = "\n".join(line for one in found for line in _text(*one))
    versions = sorted(f"{one.metadata['Name']}=={one.version}" for one in distributions())
    machine = [platform.platform(), f"Python {sys.version}", time.strftime("%Y-%m-%dT%H:%M:%S%z")]
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("report.txt", hidden(report, clear) + "\n")
        file.writestr("machine.txt", "\n".join([*machine, "", *versions]) + "\n")
        file.writestr("site.yaml", hidden(site.read_text(encoding="utf-8"), clear))
