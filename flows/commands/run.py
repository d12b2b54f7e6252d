"""`vigie run`: one flow as one process."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from flows.runtime.shards import Share
from flows.site.flow_run import FlowRun, run_flow
from flows.site.log_form import Form

AUTO = "auto"


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
    metavar="NUMBER/COUNT|auto",
    default=None,
    help=(
        "Run this share of the topics' partitions, such as 1/2 and 2/2 for two processes of one"
        " flow; with auto the one that is fair among all processes that run it so."
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
    definition: Path, site: Path | None, data: Path, profile: str | None, share: str | None,
    drop: tuple[str, ...], status_port: int | None, log_form: Form,
) -> None:  # fmt: skip
    """Run one flow until SIGTERM or Ctrl-C.

    It then makes durable what it read, saves its state, and exits with 0.

    Exit codes: 0 stopped as asked, 1 the definition or the saved state was refused, 70 it failed,
    75 stopped while a service it needs was down or its disk full (nothing is lost; the next start
    goes on).
    """
    try:
        mine = None if share == AUTO else Share.parse(share or "1/1")
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--process") from error
    place = site or definition.with_name("site.yaml")
    sys.exit(
        run_flow(
            FlowRun(definition, place, data, profile, mine, drop, status_port, log_form),
            _show_address,
        )
    )


def _show_address(news: Mapping[str, Any]) -> None:
    if port := news.get("port"):
        click.echo(f"status: http://127.0.0.1:{port}/health, /metrics and /graph", err=True)
