"""`vigie test-send`: one marked message through a sink for people."""

import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import click

from connectors.base import ConnectorContext, ConnectorError, Health, Stopped
from connectors.config.site import SiteError, load_site
from flows.dataflow.compiler import NotRunnable, compile_flow
from flows.language.model import Flow, inputs
from flows.loader import load
from operators.events import AlarmTransition, DeadLetter, Event, Occurrence
from operators.model.changes import alarm_link

EXIT_REFUSED = 1
EXIT_DOWN = 75


@click.command("test-send")
@click.argument("definition", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("sink")
@click.option(
    "--site",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Addresses and secrets; default: site.yaml beside the definition.",
)
@click.option(
    "--timeout", type=click.FloatRange(1, 600), default=30, show_default=True, help="Seconds."
)
def test_send(definition: Path, sink: str, site: Path | None, timeout: float) -> None:
    """Send one message, marked as a test, through a sink for people, as the flow would.

    It needs neither the flow nor Redpanda, and changes nothing: the flow may run meanwhile.

    Exit codes: 0 the far end took it, 1 it refused it or the sink is none for people, 75 it did not
    take it in time.
    """
    document, flow = load(definition)
    for problem in document.problems if flow is None else ():
        click.echo(problem, err=True)
    if flow is None:
        sys.exit(EXIT_REFUSED)
    letters: list[DeadLetter] = []
    health, stopping = Health(), threading.Event()
    giving_up = threading.Timer(timeout, stopping.set)
    giving_up.daemon = True
    try:
        place = load_site(site or definition.with_name("site.yaml"))
        chosen = compile_flow(flow, {}, place.zone).sinks.get(sink)
        settings: Any = chosen.component if chosen else None
        if chosen is None or not settings.tells_people:
            _refuse(flow, sink)
            return
        context = ConnectorContext(
            flow=flow.flow,
            name=sink,
            connection=place.connection(settings.connection, settings.CONNECTION),
            stopping=stopping,
            health=health,
            dead_letter=letters.append,
            share="test",
            timezone=place.zone,
            shape=chosen.shape,
        )
        writer = settings.open(context)
        giving_up.start()
        try:
            writer.write([message(flow, sink, time.time(), place.api.url or "")])
            writer.flush()
        finally:
            writer.close()
    except Stopped as stopped:
        click.echo(f"not sent within {timeout:g} s: {stopped}", err=True)
        sys.exit(EXIT_DOWN)
    except (SiteError, NotRunnable, ConnectorError) as error:
        click.echo(f"{definition}: {error}", err=True)
        sys.exit(EXIT_REFUSED)
    finally:
        giving_up.cancel()
    if letters:
        click.echo(f"refused: {letters[0].detail}", err=True)
        sys.exit(EXIT_REFUSED)
    click.echo(f"sent a test message through {sink!r}")


def _refuse(flow: Flow, name: str) -> None:
    people = [one for one, sink in flow.sinks.items() if sink.settings.tells_people]
    what = "is not for people" if name in flow.sinks else "is not in this flow"
    known = f"its sinks for people: {', '.join(people)}" if people else "it has no sink for people"
    click.echo(f"the sink {name!r} {what}; {known}", err=True)
    sys.exit(EXIT_REFUSED)


def message(flow: Flow, sink: str, now: float, page_url: str) -> Event:
    """A message of the kind that the sink is given: a notification, or the start of an alarm."""
    id, said = f"test-send/{uuid.uuid4().hex}", f"TEST of {sink!r} of flow {flow.flow!r}"
    todo = "Nothing: this is a test."
    if any(_notifies(flow, name) for name in inputs(flow.sinks[sink].from_)):
        one = {
            "alarm": "test", "subject": "test", "priority": "low", "change": "raised",
            "since": now, "value": None, "unit": None, "message": said,
        }  # fmt: skip
        data = {
            "what": "test", "raised": [one], "over": [], "count": 1, "priority": "low",
            "text": f"{said}\n{todo}",
        }  # fmt: skip
        return Occurrence(id=id, time=now, subject="test", type="notification", data=data)
    return AlarmTransition(
        id=id, time=now, recorded=now, rule=f"{flow.flow}/test", alarm="test", subject="test",
        occ=1, seq=1, event="activated", change="raised", state="unacked", isa="B",
        flags=["active", "unacked"], severity="info", priority="low", reason="test",
        annunciate=True, annunciation="start", message=said, response=todo, since=now,
        link=alarm_link(page_url, f"{flow.flow}/test", "test"),
    )  # fmt: skip


def _notifies(flow: Flow, name: str) -> bool:
    stream = flow.streams.get(name)
    return stream is not None and any(step.kind == "notify" for step in stream.steps)
