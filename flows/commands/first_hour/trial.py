"""`vigie try`: what a definition would do, on the live sources, without doing it."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from connectors.base import ConnectorError
from connectors.config.site import load_site
from flows.checks.context import Scope
from flows.commands.progress import progress
from flows.dataflow.compiler import NotRunnable, compile_flow
from flows.loader import load
from flows.setup.trial import Tally, Trial, as_text, brief
from operators.events import AlarmTransition
from operators.model.units import duration

EXIT_REFUSED, EXIT_NOT_HEARD = 1, 75
MOST = 160
NOTHING = "nothing came"


@click.command("try")
@click.argument("definition", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--site",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Addresses and secrets; default: site.yaml beside the definition.",
)
@click.option("--profile", help="Keep the sources and sinks of this profile.")
@click.option("--for", "span", default="1min", show_default=True, help="How long to listen.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def try_flow(
    definition: Path, site: Path | None, profile: str | None, span: str, as_json: bool
) -> None:
    """Run a definition against the live sources for a minute, and write nothing anywhere.

    Shows what each source brought, each stream made of it, each alarm judged and did, and each sink
    would have written. The flow itself may run meanwhile, and loses nothing by it. Ctrl-C shows
    what there is so far. State begins empty: windows and delays longer than the trial do not end.

    Exit codes: 0 all sources were heard, 1 the definition was refused, 75 a source was not heard.
    """
    try:
        seconds = duration(span)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--for") from None
    document, flow = load(definition)
    for problem in document.problems:
        click.echo(problem, err=True)
    if flow is None:
        sys.exit(EXIT_REFUSED)
    tables = Scope(document, flow).tables
    try:
        place = load_site(site or definition.with_name("site.yaml"))
        compiled = compile_flow(flow, tables, place.zone, profile, page_url=place.api.url)
    except (ConnectorError, NotRunnable) as error:
        click.echo(f"{definition}: {error}", err=True)
        sys.exit(EXIT_REFUSED)

    with tempfile.TemporaryDirectory() as folder, progress("trying") as so_far:

        def tell(change: AlarmTransition) -> None:
            if not as_json:
                at = time.strftime("%H:%M:%S", time.localtime(change.time))
                so_far.echo(f"{at} alarm {change.alarm} {change.change}: {_what(change)}")

        trial = Trial(flow, compiled, place, tables, Path(folder), tell)
        trial.run(seconds, so_far)
    if as_json:
        click.echo(json.dumps(_plain(trial), ensure_ascii=False))
    else:
        for line in _text(trial):
            click.echo(line[:MOST])
    for name, why in trial.troubles.items():
        click.echo(f"{name} was not heard: {why}", err=True)
    sys.exit(EXIT_NOT_HEARD if trial.troubles else 0)


def _what(change: AlarmTransition) -> str:
    value = "" if change.value is None else f" at {as_text(change.value)} {change.unit or ''}"
    return f"{change.subject}{value}".rstrip()


def _text(trial: Trial) -> Iterator[str]:
    yield from _table("source", trial.sources)
    yield from _table("stream", trial.streams)
    for name, tally in trial.alarms.items():
        changes = ", ".join(f"{count} {word}" for word, count in trial.changes[name].items())
        judged = f"judged {_count(tally)}" if tally.events else NOTHING
        yield f"alarm   {name}: {judged}" + (f"; {changes}" if changes else "; quiet")
    for name, sink in trial.sinks.items():
        where = f"{sink.kind} {sink.target}".rstrip()
        yield f"sink    {name} ({where}): would write {sink.events}"
        if sink.shown:
            yield f"        such as: {sink.shown}"
    for (step, reason), (count, detail) in trial.dead.items():
        yield f"dead    {step}: {count} {reason}, such as {detail}"


def _table(noun: str, tallies: dict[str, Tally]) -> Iterator[str]:
    for name, tally in tallies.items():
        last = ""
        if tally.last is not None:
            last = f", last: {brief(tally.last)}"
        yield f"{noun:<7} {name}: {_count(tally) if tally.events else NOTHING}{last}"


def _count(tally: Tally) -> str:
    events, subjects = tally.events, len(tally.subjects)
    return (
        f"{events} event{'' if events == 1 else 's'}"
        f" of {subjects} subject{'' if subjects == 1 else 's'}"
    )


def _plain(trial: Trial) -> dict[str, Any]:
    def tallies(some: dict[str, Tally]) -> dict[str, Any]:
        return {
            name: {"events": tally.events, "subjects": sorted(tally.subjects)}
            for name, tally in some.items()
        }

    return {
        "sources": tallies(trial.sources),
        "streams": tallies(trial.streams),
        "alarms": {
            name: {"judged": tally.events, "changes": dict(trial.changes[name])}
            for name, tally in trial.alarms.items()
        },
        "sinks": {
            name: {
                "kind": sink.kind,
                "target": sink.target,
                "events": sink.events,
                "example": sink.shown,
            }
            for name, sink in trial.sinks.items()
        },
        "dead_letters": [
            {"step": step, "reason": reason, "count": count, "detail": detail}
            for (step, reason), (count, detail) in trial.dead.items()
        ],
        "not_heard": trial.troubles,
    }
