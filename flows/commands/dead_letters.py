"""`vigie dead-letters`: what flows could not process, and sending it again."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from connectors.base import ConnectorError
from connectors.config.document import Document
from connectors.config.site import Site, SiteError, load_site
from connectors.kafka.connection import TopicConnection
from connectors.kafka.dead_letters import DeadLetterTopics, Entry
from connectors.kafka.topics.contents import Unreachable
from flows.admin.dead_letter_replay import NotReplayable, Replay, target_of
from flows.commands.dead_letter_text import details, plain, replay_state, summary, table
from flows.commands.progress import progress
from flows.dataflow.compiler import CompiledSink, NotRunnable
from flows.language.model import Flow
from flows.site.dead_letters import flow_of
from operators.events import DeadLetter
from operators.model.units import duration

EXIT_REFUSED = 1
EXIT_DOWN = 75


@click.group("dead-letters")
def dead_letters() -> None:
    """See what flows could not process, and send it through its flow again after a fix.

    FLOW is a definition or the name of a flow. A letter is named by its id, or by the beginning of
    its id if no other begins the same.

    Exit codes: 0 done, 1 something was refused or not found, 75 the broker or a sink does not
    answer.
    """


_site_option = click.option(
    "--site",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Addresses and secrets; default: site.yaml beside the definition, or here.",
)


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--since",
            help="Only those set aside since: 2h, 7d, or a date such as 2026-11-20T08:00.",
        ),
        click.option("--source", help="Only those of this source of the flow."),
        click.option("--reason", help="Only those with this reason, such as bad_json."),
    ):
        command = option(command)
    return command


@dead_letters.command("list")
@click.argument("flows", nargs=-1, metavar="[FLOW ...]")
@_site_option
@_filters
@click.option(
    "--open",
    "only_open",
    is_flag=True,
    help="Only those that were not replayed since they were refused.",
)
@click.option("--oldest", is_flag=True, help="Oldest first; otherwise the newest.")
@click.option(
    "-n", "count", type=click.IntRange(1), default=50, show_default=True, help="How many to show."
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object a line, all of them, with the payload in base64.",
)
def list_letters(
    flows: tuple[str, ...], site: Path | None, reason: str | None, source: str | None,
    since: str | None,
    only_open: bool, oldest: bool, count: int, as_json: bool,
) -> None:  # fmt: skip
    """List the dead letters of flows (of all flows without FLOW), and count them by reason."""
    earliest = _moment(since)
    with _dead_letters(site, flows[0] if flows else None) as (letters, _, _):
        names = [_flow_name(flow) for flow in flows] or letters.flows()
        entries = [
            entry
            for name in names
            for entry in letters.entries(name, _wanted(reason, source))
            if entry.set_aside >= earliest and (entry.is_open or not only_open)
        ]
    entries.sort(key=lambda entry: entry.set_aside, reverse=not oldest)
    if as_json:
        for entry in entries:
            click.echo(json.dumps(plain(entry), ensure_ascii=False))
        return
    if not entries:
        click.echo(f"no dead letters{' of ' + ', '.join(names) if names else ''}")
        return
    click.echo(table(entries[:count]))
    if len(entries) > count:
        click.echo(f"… and {len(entries) - count} more (-n {len(entries)} shows all)")
    click.echo(summary(entries))


@dead_letters.command("show")
@click.argument("flow")
@click.argument("id")
@_site_option
@click.option("--raw", is_flag=True, help="Write the bytes alone, as they are, to the output.")
def show(flow: str, id: str, site: Path | None, raw: bool) -> None:
    """Show a letter: its bytes, where they came from, who refused them, why and when.

    Bytes that are no text are shown in hexadecimal.
    """
    with _dead_letters(site, flow) as (letters, _, _):
        entries = _named(letters.entries(_flow_name(flow)), (id,))
    if raw:
        sys.stdout.buffer.write(entries[-1].letter.payload)
        return
    for entry in entries:
        click.echo(details(entry, letters.topic(entry.letter.flow)))


@dead_letters.command("replay")
@click.argument("definition", type=click.Path(dir_okay=False, path_type=Path), metavar="FLOW.yaml")
@click.argument("ids", nargs=-1, metavar="[ID ...]")
@_site_option
@_filters
@click.option(
    "--all", "everything", is_flag=True, help="All that were not replayed since they were refused."
)
@click.option(
    "--again",
    is_flag=True,
    help="Also those that were replayed already; sinks drop what they have by its id.",
)
@click.option(
    "--into", metavar="SOURCE", help="The source they came by, for letters that do not say it."
)
@click.option("--dry-run", is_flag=True, help="Say what would go where, and send nothing.")
@click.option("--profile", help="The profile under which the flow runs.")
@click.option(
    "--wait",
    type=click.FloatRange(1),
    default=30.0,
    show_default=True,
    help="Seconds to wait for a sink.",
)
def replay(
    definition: Path, ids: tuple[str, ...], site: Path | None, reason: str | None,
    source: str | None, since: str | None,
    everything: bool, again: bool, into: str | None, dry_run: bool, profile: str | None,
    wait: float,
) -> None:  # fmt: skip
    """Send letters through their flow again, oldest first, and mark them.

    What a source brought goes back into the topic the flow reads, under its old id; what a sink
    refused goes to that sink. The flow may be running or not; if not, it takes them at its next
    start. An event that arrives twice is dropped by its id. A letter that cannot be sent again
    stays, and the reason is printed.
    """
    if not (ids or everything or reason):
        raise click.UsageError("name letters by their ids, or say --all, or --reason REASON")

    earliest = _moment(since)
    flow, sinks = _flow(definition, site, profile)
    sent, kept = 0, 0

    def planned(letter: DeadLetter) -> str:
        return target_of(letter, flow, connection.topic_names, into).name

    with _dead_letters(site, str(definition)) as (letters, connection, place):
        entries = letters.entries(flow.flow, _wanted(reason, source))
        entries = [
            entry
            for entry in (_named(entries, ids) if ids else entries)
            if entry.set_aside >= earliest
        ]
        done = [] if again else [entry for entry in entries if not entry.is_open]
        for entry in done if ids else ():
            click.echo(f"{entry.letter.id}: {replay_state(entry)}; --again sends it once more")
        sender = Replay(letters, connection, flow, place, sinks, wait)
        wanted = [entry for entry in entries if entry not in done]
        with closing(sender), progress("replay") as tell:
            for number, entry in enumerate(wanted):
                tell.of(number, len(wanted))
                try:
                    name = planned(entry.letter) if dry_run else sender.send(entry, into)
                    sent += 1
                    tell.echo(f"{entry.letter.id} -> {name}")
                except NotReplayable as error:
                    kept += 1
                    tell.echo(f"{entry.letter.id}: not sent: {error}", err=True)
    click.echo(
        f"{sent} {'would be sent' if dry_run else 'sent'}, {kept} not sent, {len(done)} replayed"
        " before"
    )
    if kept:
        sys.exit(EXIT_REFUSED)


def _flow(
    definition: Path, site: Path | None, profile: str | None
) -> tuple[Flow, Callable[[], dict[str, CompiledSink]]]:
    """The flow of a definition, and a function that makes its sinks."""
    try:
        flow, sinks_at = flow_of(definition, profile)
    except NotRunnable as error:
        _end(str(error))

    def sinks() -> dict[str, CompiledSink]:
        try:
            return sinks_at(load_site(site or definition.with_name("site.yaml")))
        except NotRunnable as error:
            _end(f"{definition}: {error}")

    return flow, sinks


@contextmanager
def _dead_letters(
    site: Path | None, flow: str | None
) -> Iterator[tuple[DeadLetterTopics, TopicConnection, Site]]:
    """The dead letters of a site; ends the program if there is no site file or no broker."""
    beside = Path(flow).parent if flow and _is_file(flow) else Path()
    try:
        place = load_site(site or beside / "site.yaml")
        connection = place.connection("redpanda", TopicConnection)
        yield DeadLetterTopics(connection), connection, place
    except Unreachable as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_DOWN)
    except (SiteError, ConnectorError) as error:
        _end(str(error))


def _end(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(EXIT_REFUSED)


def _is_file(flow: str) -> bool:
    return flow.endswith((".yaml", ".yml"))


def _flow_name(flow: str) -> str:
    """The name of a flow, given as such or by its definition, which may have errors elsewhere."""
    if not _is_file(flow):
        return flow
    root = Document.read(Path(flow)).root
    name = root.get("flow") if root is not None else None
    if name is None or not isinstance(name.value, str):
        _end(f"{flow}: there is no definition with a 'flow' that has a name")
    return name.value


def _wanted(reason: str | None, source: str | None) -> Callable[[DeadLetter], bool]:
    def wanted(letter: DeadLetter) -> bool:
        return (reason is None or letter.reason == reason) and source in (
            None,
            letter.source,
            letter.step,
        )

    return wanted


def _moment(since: str | None) -> float:
    """Epoch seconds of `--since`."""
    if since is None:
        return 0.0
    try:
        return datetime.now(UTC).timestamp() - duration(since)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise click.BadParameter(
            f"{since!r} is neither a time such as 2h nor a date such as 2026-11-20",
            param_hint="--since",
        ) from None
    return (moment if moment.tzinfo else moment.astimezone()).timestamp()


def _named(entries: list[Entry], ids: tuple[str, ...]) -> list[Entry]:
    """The letters with these ids, or whose id begins so; ends the program if there is none."""
    found: list[Entry] = []
    for id in ids:
        exact = [entry for entry in entries if entry.letter.id == id]
        begun = exact or [entry for entry in entries if entry.letter.id.startswith(id)]
        if not begun:
            _end(
                f"there is no dead letter {id!r} (of {len(entries)}); `vigie dead-letters list`"
                " shows them"
            )
        if not exact and len({entry.letter.id for entry in begun}) > 1:
            _end(f"{len(begun)} dead letters begin with {id!r}; write more of the id")
        found += begun
    return found
