"""`vigie run`: one flow as one process."""

import json
import logging
import sys
from pathlib import Path

import click

from connectors.base import ConnectorError, Refused, Stopped
from connectors.config.site import SiteError, load_site
from connectors.detector.model import ModelError
from connectors.kafka.topic_names import TopicNames
from connectors.runtime.private_files import NotPrivate
from flows.checks.context import Scope
from flows.dataflow.compiler import NotRunnable, compile_flow
from flows.drawing.diagram import as_json, draw
from flows.language.lock import born, lock_path, read_lock
from flows.loader import load
from flows.runtime.clickhouse_tables import check_tables
from flows.runtime.disk_space import room_for
from flows.runtime.native_stderr import NativeStderr
from flows.runtime.runner import Runner, RunOptions, handle_signals
from flows.runtime.shards import Share, StateError
from flows.runtime.status import StatusServer

EXIT_REFUSED = 1
EXIT_FAILED = 70  # EX_SOFTWARE: it ended although nobody asked
EXIT_NOT_DRAINED = 75  # EX_TEMPFAIL: stopped while a service was down; the next start does it again
REFUSALS = (NotRunnable, StateError, SiteError, NotPrivate, ModelError, Refused)


@click.command()
@click.argument("definition", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--site",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Addresses and secrets; default: site.yaml beside the definition.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Folder of the saved state.",
)
@click.option("--profile", help="Keep the sources and sinks of this profile.")
@click.option(
    "--process",
    "share",
    metavar="NUMBER/COUNT",
    default="1/1",
    help=(
        "Run this share of the topics' partitions, such as 1/2 and 2/2 for two processes of one"
        " flow."
    ),
)
@click.option(
    "--drop",
    multiple=True,
    metavar="ID",
    help="Start although the saved state of this step is lost by it.",
)
@click.option(
    "--status-port",
    type=click.IntRange(0, 65535),
    default=None,
    help="Serve /metrics, /health and /graph on this loopback port; 0 picks a free one.",
)
@click.option(
    "--log",
    "log_form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the log lines.",
)
def run(
    definition: Path, site: Path | None, data: Path, profile: str | None, share: str,
    drop: tuple[str, ...], status_port: int | None, log_form: str,
) -> None:  # fmt: skip
    """Run one flow until SIGTERM or Ctrl-C.

    It then makes durable what it read, saves its state, and exits with 0.

    Exit codes: 0 stopped as asked, 1 the definition or the saved state was refused, 70 it failed,
    75 stopped while a service it needs was down or its disk full (nothing is lost; the next start
    goes on).
    """
    native_stderr = click.get_current_context().with_resource(NativeStderr())
    _log_to_stderr(log_form)

    try:
        mine = Share.parse(share)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--process") from error
    document, flow = load(definition)
    for problem in document.problems:
        click.echo(problem, err=True)
    if flow is None:
        sys.exit(EXIT_REFUSED)
    tables = Scope(document, flow).tables
    try:
        place = load_site(site or definition.with_name("site.yaml"))
        names = born(flow, read_lock(lock_path(definition, flow)))
        compiled = compile_flow(flow, tables, place.zone, profile, names, page_url=place.api.url)
        check_tables(compiled.sinks, place)
        options = RunOptions(data, mine, drop, definition=definition.parent)
        runner = Runner(flow, compiled, place, tables, options)
        handle_signals(runner)
        status = (
            StatusServer(
                flow.flow,
                status_port,
                runner.metrics,
                runner.health,
                as_json(draw([(document, flow)], TopicNames.of_site(place))),
                runner.source_progress.figures,
                runner.outbox.figures,
                runner.recordings(),
            )
            if status_port is not None
            else None
        )
        if status:
            click.echo(
                f"status: http://127.0.0.1:{status.port}/health, /metrics and /graph", err=True
            )
        with room_for(data / "flows" / flow.flow, runner.health, runner.stopping):
            runner.run()
    except (NotRunnable, StateError, ConnectorError) as error:
        click.echo(f"{definition}: {error}", err=True)
        sys.exit(EXIT_REFUSED if isinstance(error, REFUSALS) else EXIT_FAILED)
    except Stopped as stopped:
        click.echo(
            f"{definition}: stopped before everything was written, the next start does it again:"
            f" {stopped}",
            err=True,
        )
        sys.exit(EXIT_NOT_DRAINED)
    except OSError as error:
        click.echo(f"{definition}: {error}", err=True)
        sys.exit(EXIT_REFUSED)
    except Exception:
        native_stderr.show()
        logging.getLogger("vigie").exception(
            "%s: ended by a fault; please report it with these lines", definition
        )
        sys.exit(EXIT_FAILED)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _log_to_stderr(form: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(
        _JsonLines()
        if form == "json"
        else logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for noisy in ("clickhouse_connect", "kafka", "paho", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
