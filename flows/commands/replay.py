"""`vigie replay`: which alarms a definition would have raised on history."""

import math
import os
import shutil
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click

from connectors.base import ConnectorError
from connectors.config.site import Site, load_site
from connectors.kafka.topic_names import TopicNames
from flows.checks.context import Scope
from flows.commands.progress import progress
from flows.dataflow.compiler import NotRunnable
from flows.language.lock import carried, lock_path, read_lock
from flows.language.profiles import for_profile, profiles
from flows.loader import load
from flows.replay.diff import difference
from flows.replay.git_revision import NoRevision, other_version
from flows.replay.lint import lint
from flows.replay.merge import HistoryDown
from flows.replay.pictures.cameras import with_looks
from flows.replay.pictures.stays import NEAR
from flows.replay.replay import Definition, Period, Replay
from flows.replay.report import Outcome, text
from flows.replay.report_json import as_json
from flows.replay.sources import InputError, Place, parse, resolve
from flows.replay.time_arguments import moment
from flows.replay.timeline_svg import picture
from operators.model.units import duration

EXIT_REFUSED = 1
EXIT_DIFFERENT = 3
EXIT_LINT = 4
EXIT_DOWN = 75
EXIT_INTERRUPTED = 130
FILES = ("file", "pictures")


@click.command()
@click.argument("definition", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--from",
    "start",
    metavar="TIME",
    help="Begin: 2026-11-01, 2026-11-01T08:30, -30d, today, yesterday.",
)
@click.option(
    "--to",
    "end",
    metavar="TIME",
    help="End, itself not included; default: now, or the end of the files.",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="NAME=WHERE",
    help=(
        "History of a source, or of a stream in place of its steps: clickhouse:TABLE, topic:TOPIC,"
        " FILE.jsonl or none; of a camera source a video, or a folder of CAMERA.mp4 or clips."
    ),
)
@click.option(
    "--against",
    metavar="OTHER",
    help="Show what changes: another file, or a git revision such as HEAD~1.",
)
@click.option(
    "--near",
    default="1min",
    show_default=True,
    metavar="SPAN",
    help="Alarms before and after that lie no further apart are one that moved.",
)
@click.option(
    "--warm-up",
    default="0s",
    show_default=True,
    metavar="SPAN",
    help="Play so much before --from, uncounted.",
)
@click.option(
    "--site",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Addresses and secrets, and the time zone.",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where what was found on pictures is kept; default: vigie/replay in your cache folder.",
)
@click.option("--profile", help="Keep the sources and sinks of this profile.")
@click.option(
    "-n",
    "most",
    type=click.IntRange(0),
    default=40,
    show_default=True,
    help="Alarms to list in each part.",
)
@click.option(
    "--svg",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="OUT.svg",
    help="Draw the timeline.",
)
@click.option(
    "--json", "form_json", is_flag=True, help="Print the outcome as JSON instead of text."
)
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(["difference", "lint"]),
    help=(
        "Exit with 3 if alarms differ from --against, with 4 if a figure exceeds its limit. May be"
        " given twice."
    ),
)
def replay(
    definition: Path, start: str | None, end: str | None, inputs: tuple[str, ...],
    against: str | None, near: str,
    warm_up: str, site: Path | None, profile: str | None, most: int, svg: Path | None,
    form_json: bool,
    fail_on: tuple[str, ...], cache: Path | None,
) -> None:  # fmt: skip
    """Play history through a definition: which alarms it would have raised, and for how long.

    The logic is that of the live flow, on a virtual clock. No sink is touched. What people did is
    not replayed: nothing is acknowledged or shelved, so an alarm counts as cleared when its
    condition is over. History comes from a source's own topic, or from where a sink keeps it;
    --input names another place. Of a camera source it may be recordings, whose pictures are looked
    at again. Rules that people write are taken as they are now.

    Exit codes: 0 done, 1 refused, 3 alarms differ, 4 lint, 75 a service does not answer, 130
    interrupted.
    """
    if "difference" in fail_on and against is None:
        raise click.UsageError("--fail-on difference needs --against")

    try:
        outcome = _outcome(
            definition,
            start,
            end,
            inputs,
            against,
            _span(near, "--near"),
            _span(warm_up, "--warm-up"),
            site,
            profile,
            cache or _cache(),
        )
        if svg is not None:
            _draw(outcome, svg)
    except HistoryDown as error:
        click.echo(f"{definition}: {error}", err=True)
        sys.exit(EXIT_DOWN)
    except InputError as error:
        _refuse(str(error))
    except (ConnectorError, NoRevision, NotRunnable) as error:
        _refuse(f"{definition}: {error}")
    except KeyboardInterrupt:
        click.echo("broken off; nothing was written", err=True)
        sys.exit(EXIT_INTERRUPTED)
    if form_json:
        click.echo(as_json(outcome))
    else:
        width = _width()
        for line in text(outcome, most, width):
            click.echo(line)
    if "difference" in fail_on and outcome.differs:
        sys.exit(EXIT_DIFFERENT)
    if "lint" in fail_on and any(not finding.note for finding in outcome.findings):
        sys.exit(EXIT_LINT)


def _outcome(
    path: Path, start: str | None, end: str | None, inputs: tuple[str, ...], against: str | None,
    near: float,
    warm_up: float, site_file: Path | None, profile: str | None, cache: Path,
) -> Outcome:  # fmt: skip

    site = _site(path, site_file)
    given = dict(parse(one) for one in inputs)
    with ExitStack() as stack:
        definitions = [_definition(path, str(path), given, site, profile, path.parent, cache)]
        if against is not None:
            other, label = stack.enter_context(other_version(path, against))
            folder = other.parent if Path(against).is_file() else path.parent
            definitions.append(
                _definition(other, label, given, site, profile, folder, cache, definitions[0])
            )
        period = _period(definitions, start, end, warm_up, site)
        began = time.perf_counter()
        replayed = Replay(definitions, period, site, cache=cache)
        with progress("replay") as tell:
            replayed.play(tell)
        seconds = time.perf_counter() - began
    run, *others = replayed.runs
    episodes = run.episodes.all()
    figures = run.kpis.figures(replayed.start, replayed.end)
    findings = lint(episodes, figures, list(run.definition.flow.alarms))
    stays = run.stays.all()
    outcome = Outcome(replayed, run, episodes, figures, findings, site.zone, seconds, stays=stays)
    if not others:
        return outcome
    before = others[0]
    old, old_stays = before.episodes.all(), before.stays.all()
    tells = run.definition.inputs.telling or before.definition.inputs.telling
    return replace(
        outcome,
        before=before,
        before_episodes=old,
        before_figures=before.kpis.figures(replayed.start, replayed.end),
        difference=difference(old, episodes, near),
        before_stays=old_stays,
        stays_difference=difference(old_stays, stays, min(near, NEAR)) if tells else None,
    )


def _definition(
    path: Path,
    label: str,
    given: dict[str, Place],
    site: Site,
    profile: str | None,
    folder: Path,
    cache: Path,
    known: Definition | None = None,
) -> Definition:

    document, flow = load(path)
    for problem in document.sorted():
        click.echo(str(problem).replace(str(path), label), err=True)
    if flow is None:
        sys.exit(EXIT_REFUSED)
    if known is not None:  # what is new has no counterpart there
        ours = {*known.flow.sources, *known.flow.streams}
        given = {
            name: where
            for name, where in given.items()
            if name not in ours or name in {*flow.sources, *flow.streams}
        }
    lock = read_lock(lock_path(path, flow))
    names = dict(lock.born) if lock else {}
    born = {**names, **{now: names.get(old, old) for now, old in carried(flow).items()}}
    try:
        active = for_profile(flow, profile)
        if not active.sources:
            raise InputError(
                "no source is active; choose a profile: --profile"
                f" {' or '.join(sorted(profiles(flow)))}"
            )
        inputs = resolve(active, given, TopicNames.of_site(site))
        if not flow.alarms and not inputs.telling:
            raise InputError("no alarms are in it: there is nothing to replay")
    except InputError as error:
        raise InputError(f"{label}: {error}") from None
    tables = Scope(document, flow).tables
    inputs = with_looks(inputs, active, tables, given, site, folder, cache)
    return Definition(label, flow, tables, inputs, born, profile, site.place)


def _site(definition: Path, file: Path | None) -> Site:
    """The site; one without connections if there is no file beside the definition."""
    beside = definition.with_name("site.yaml")
    return load_site(file or (beside if beside.exists() else None))


def _period(
    definitions: list[Definition],
    start: str | None,
    end: str | None,
    warm_up: float,
    site: Site,
) -> Period:

    now = time.time()
    places = [
        place
        for one in definitions
        for place in (*one.inputs.sources.values(), *one.inputs.streams.values())
    ]
    files_only = bool(places) and all(place.kind in FILES for place in places)
    if start is None and not files_only:
        raise click.UsageError("say from when: --from 2026-11-01, or --from -7d")
    first = -math.inf if start is None else _moment(start, now, site, "--from")
    last = (math.inf if files_only else now) if end is None else _moment(end, now, site, "--to")
    if last > now and last < math.inf and not any(place.kind in FILES for place in places):
        last = now  # nothing can have come since, and silence that has not been must raise nothing
    if first >= last:
        raise click.UsageError(f"--from {start} is not before --to {end or 'now'}")
    return Period(first, last, warm_up)


def _moment(text: str, now: float, site: Site, option: str) -> float:

    try:
        return moment(text, now, site.zone)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def _span(text: str, option: str) -> float:

    try:
        return duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def _cache() -> Path:
    """Where programs keep what they can make again (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "vigie" / "replay"


def _draw(outcome: Outcome, svg: Path) -> None:

    replayed, before = outcome.replay, outcome.before
    title = f"{outcome.run.definition.label}" + (
        f", before: {before.definition.label}" if before else ""
    )
    drawn = picture(
        title, outcome.episodes, outcome.before_episodes if before else None,
        outcome.figures.floods,
        (replayed.start, replayed.end), outcome.zone,
    )  # fmt: skip
    try:
        svg.write_text(drawn, encoding="utf-8")
    except OSError as error:
        _refuse(f"{svg} cannot be written: {error.strerror}")


def _width() -> int:

    return shutil.get_terminal_size((100, 24)).columns


def _refuse(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(EXIT_REFUSED)
