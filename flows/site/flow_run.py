"""One flow in this process, from its file to its exit status."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from connectors.base import ConnectorError, Refused, Stopped
from connectors.config.document import Document
from connectors.config.site import Site, SiteError, load_site
from connectors.detector.model import ModelError
from connectors.kafka.connection import TopicConnection
from connectors.kafka.topic_names import TopicNames
from connectors.runtime.private_files import NotPrivate
from connectors.runtime.process_memory import share_arenas
from flows.checks.context import Scope
from flows.dataflow.compiler import NotRunnable, compile_flow
from flows.drawing.diagram import as_json, draw
from flows.language.lock import born, lock_path, read_lock
from flows.language.model import Flow
from flows.loader import load
from flows.runtime.clickhouse_tables import check_tables
from flows.runtime.disk_space import room_for
from flows.runtime.native_stderr import NativeStderr
from flows.runtime.outputs import written_topics
from flows.runtime.runner import Runner, RunOptions
from flows.runtime.shards import WHOLE, Share, StateError
from flows.runtime.status import StatusServer
from flows.site.announcer import Announcer
from flows.site.log_form import Form, log_to_stderr
from flows.site.recovery.ownership import folder_of, owned, take_turns
from flows.site.recovery.turns import Turn
from flows.site.signals import handle_signals
from flows.site.version import SHORT, content

END_PATIENCE = 60.0
"""Seconds for the sinks to get what a flow that ends has for them."""
EXIT_REFUSED = 1
EXIT_FAILED = 70  # EX_SOFTWARE: it ended although nobody asked
EXIT_NOT_DRAINED = 75  # EX_TEMPFAIL: stopped while a service was down; the next start does it again
REFUSALS = (NotRunnable, StateError, SiteError, NotPrivate, ModelError, Refused)

Tell = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class FlowRun:
    """What is run, and how.

    `share` None is a fair part of what runs the flow at the time. `folder` is where the
    definition's own models are, if not beside it. `status_port` 0 is any free one, None none at
    all. `version` is its name; that of its bytes if it has none. One that `ends` does not run: its
    alarms end for good.
    """

    definition: Path
    site: Path
    data: Path
    profile: str | None = None
    share: Share | None = WHOLE
    drop: tuple[str, ...] = ()
    status_port: int | None = None
    log_form: Form = "text"
    folder: Path | None = None
    version: str = ""
    ends: bool = False


def run_flow(asked: FlowRun, tell: Tell = lambda news: None) -> int:
    """Run a flow until SIGTERM or SIGINT; the exit status.

    `tell` gets `{"port": …}`, `{"running": …}`: false while it waits for another share, and
    `{"standby": …}`: who runs it.
    """
    share_arenas()
    definition = asked.definition
    with NativeStderr() as native_stderr:
        log_to_stderr(asked.log_form)
        try:
            return _run(asked, tell)
        except (NotRunnable, StateError, ConnectorError) as error:
            click.echo(f"{definition}: {error}", err=True)
            return EXIT_REFUSED if isinstance(error, REFUSALS) else EXIT_FAILED
        except Stopped as stopped:
            click.echo(
                f"{definition}: stopped before everything was written, the next start does it"
                f" again: {stopped}",
                err=True,
            )
            return EXIT_NOT_DRAINED
        except OSError as error:
            click.echo(f"{definition}: {error}", err=True)
            return EXIT_REFUSED
        except Exception:
            native_stderr.show()
            logging.getLogger("vigie").exception(
                "%s: ended by a fault; please report it with these lines", definition
            )
            return EXIT_FAILED


def _run(asked: FlowRun, tell: Tell) -> int:
    definition = asked.definition
    document, flow = load(definition)
    for problem in document.problems:
        click.echo(problem, err=True)
    if flow is None:
        return EXIT_REFUSED
    tables = Scope(document, flow).tables
    place = load_site(asked.site)
    names = born(flow, read_lock(lock_path(definition, flow)))
    folder = asked.folder or definition.parent
    version = content(definition)[:SHORT]
    is_shared = asked.share is None or (
        place.recovery.shared and asked.share == WHOLE and not asked.ends
    )
    asked = replace(
        asked, version=asked.version or version, share=None if is_shared else asked.share
    )

    def take(turn: Turn) -> None:
        compiled = compile_flow(
            flow, tables, place.zone, asked.profile, names,
            page_url=place.api.url, location=place.place,
        )  # fmt: skip
        check_tables(compiled.sinks, place)
        turn.data = folder_of(place, turn.data, turn.share)
        turn.stands_by = lambda owner: tell({"standby": owner})
        options = RunOptions(
            turn.data, turn.share, is_shared, asked.drop,
            definition=folder, version=version, ends=asked.ends,
        )  # fmt: skip
        with owned(place, flow.flow, turn) as recovery:
            if recovery is not None:
                topics = written_topics(compiled, TopicNames.of_site(place))
                fence = recovery.fence(topics)
                options = replace(options, may_write=recovery.check, fence=fence)
            runner = Runner(flow, compiled, place, tables, options)
            runner.on_shards = turn.can_be
            with recovery.copied(runner.metrics) if recovery else nullcontext():
                former = recovery.former if recovery else []
                if asked.ends:
                    _end(asked, place, runner, tell)
                else:
                    _run_here(asked, turn, document, flow, place, runner, former, tell)

    if asked.share is None:
        take_turns(place, flow.flow, asked.data, take, handle_signals)
    else:
        take(Turn(asked.share, asked.data))
    return 0


def _end(asked: FlowRun, place: Site, runner: Runner, tell: Tell) -> None:
    """End a flow for good, and tell the site."""
    handle_signals(runner.stop)
    broker = place.connection("redpanda", TopicConnection)
    runner.on_ended = Announcer(runner, broker, asked.version, None, asked.data).removed
    tell({"left": runner.end(END_PATIENCE)})


def _run_here(
    asked: FlowRun, turn: Turn, document: Document, flow: Flow, place: Site, runner: Runner,
    former: Iterable[Share], tell: Tell,
) -> None:  # fmt: skip
    """Run what this process may run, and tell of it and of the shares that it supersedes."""
    if asked.share is not None:
        handle_signals(turn.end)
    turn.runs(runner.stop)
    with _status(asked, document, flow, place, runner) as port:
        if port is not None:
            tell({"port": port})
        runner.metrics.began(asked.version, time.time())
        announcer = Announcer(
            runner,
            place.connection("redpanda", TopicConnection),
            asked.version,
            port,
            turn.data,
            [share.name for share in former],
        )

        def running() -> None:
            announcer.runs()
            tell({"running": True})

        runner.on_running, runner.on_end = running, announcer.end
        announcer.start()
        with room_for(turn.data / "flows" / flow.flow, runner.health, runner.stopping):
            runner.run()
    tell({"port": None, "running": False})


@contextmanager
def _status(
    asked: FlowRun, document: Document, flow: Flow, place: Site, runner: Runner
) -> Iterator[int | None]:
    """Answer at the status port meanwhile, if there is to be one."""
    if asked.status_port is None:
        yield None
        return
    status = StatusServer(
        flow.flow,
        asked.status_port,
        runner.metrics,
        runner.health,
        as_json(draw([(document, flow)], TopicNames.of_site(place))),
        runner.source_progress.figures,
        runner.outbox.figures,
        runner.recordings(),
    )
    try:
        yield status.port
    finally:
        status.close()
