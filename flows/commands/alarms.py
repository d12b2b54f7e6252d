"""`vigie alarms`: what an operator at a desk does with alarms, without the page."""

import getpass
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from connectors.base import ConnectorError
from connectors.config.site import SiteError, load_site
from connectors.config.suggestion import near
from connectors.kafka.connection import TopicConnection
from flows.admin.alarm_client import AlarmTopics
from flows.commands.site_option import SITE
from operators.alarms.command_handler import COMMAND, REJECTED
from operators.events import Occurrence
from operators.model import two_state

EXIT_REFUSED = 1
EXIT_NO_ANSWER = 75  # EX_TEMPFAIL: the flow may carry it out later
URGENCY = (
    "unacked",
    "acked",
    "returned",
    "out_of_service",
    "shelved",
    "suppressed",
    "disabled",
    "normal",
)
FLAGS = {"unacked": "red", "acked": "yellow", "returned": "cyan"}

_flow = click.option("--flow", metavar="NAME", help="Only alarms of this flow.")
_its_flow = click.option(
    "--flow", metavar="NAME", help="The flow of the alarm; needed where several have one like it."
)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group()
def alarms() -> None:
    """See alarms and act on them: acknowledge, shelve, suppress, take out of service, comment.

    A command waits for the flow's answer. Exit codes: 0 carried out, 1 refused, 75 no answer in
    time.
    """


@alarms.command("list")
@SITE
@_flow
@_json
@click.option("--all", "everything", is_flag=True, help="Also alarms in state normal.")
@click.argument("alarm", required=False)
@click.argument("subject", required=False)
def list_alarms(
    site: Path,
    flow: str | None,
    as_json: bool,
    everything: bool,
    alarm: str | None,
    subject: str | None,
) -> None:
    """Show the state of each alarm, the most urgent first."""
    with _reaching():
        states = _topics(site).states(_chosen(flow, alarm, subject))
    shown = [state for state in states if everything or state.state != "normal"]
    shown.sort(key=lambda e: (URGENCY.index(e.state), -RANK.index(e.priority), e.time))
    for event in shown:
        click.echo(msgspec.json.encode(event).decode() if as_json else _line(event, event.state))
    if not as_json:
        quiet = len(states) - len(shown)
        click.echo(f"{len(shown)} alarms" + (f", {quiet} normal" if quiet else ""), err=True)


@alarms.command()
@SITE
@_flow
@_json
@click.option(
    "--last", type=click.IntRange(1), default=50, show_default=True, help="So many of the newest."
)
@click.argument("alarm", required=False)
@click.argument("subject", required=False)
def history(
    site: Path, flow: str | None, as_json: bool, last: int, alarm: str | None, subject: str | None
) -> None:
    """Show what happened to alarms, the newest last."""
    with _reaching():
        events = sorted(
            _topics(site).transitions(_chosen(flow, alarm, subject)), key=lambda e: e.recorded
        )
    for event in events[-last:]:
        click.echo(msgspec.json.encode(event).decode() if as_json else _line(event, event.change))


_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""What could steer a terminal; subjects and comments come from outside."""
RANK = ("low", "medium", "high", "critical")


def _line(event: Any, word: str) -> str:
    when = datetime.fromtimestamp(event.time).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    text = event.message or _said(event)
    by = f"  ({event.user}{': ' + event.comment if event.comment else ''})" if event.user else ""
    styled = click.style(f"{word:<15}", fg=FLAGS.get(word))
    flow = event.rule.partition("/")[0]
    said = f"{event.priority:<8} {flow}/{event.alarm} {event.subject}: {text}{by}"
    return f"{when}  {styled} {_UNPRINTABLE.sub(' ', said)}"


def _said(event: Any) -> str:
    value = _shown(event)
    condition = event.labels.get("condition", "")
    if "no_data" in event.flags:
        word = "silent" if condition == "silent" else "no data"
        return f"{word}, last {value}" if value else word
    if event.event == "returned" or not condition:
        return f"at {value}" if value else ""
    if condition == "is":
        return f"is {value}"
    limit = "" if event.limit is None else f" {event.limit:g}"
    return f"{condition}{limit}{' at ' + value if value else ''}"


def _shown(event: Any) -> str:
    """The value of an event as people read it: a two-state word, or the number with its unit."""
    value = event.value
    if value is None:
        return ""
    word = two_state.word(event.metric, value) if isinstance(value, (int, float)) else None
    number = f"{value:.12g}" if isinstance(value, float) else str(value)
    return word or (f"{number} {event.unit}" if event.unit else number)


# ---------------------------------------------------------------------------
# commands
def _command(
    name: str, do: str, help: str, reason: bool = False, *more: Any
) -> Callable[..., None]:
    """A subcommand that sends `do` for one alarm, or for all subjects of it that accept it."""

    def send(site: Path, flow: str | None, alarm: str, subject: str | None, **given: Any) -> None:
        wait, user = given.pop("wait"), given.pop("user") or getpass.getuser()
        topics = _topics(site)
        flow = flow or _flow_of(topics, alarm, subject)
        data = {"do": do, "flow": flow, "alarm": alarm, "user": user}
        data |= {key: value for key, value in given.items() if value not in (None, False)}
        _send(topics, data, subject or "", wait)

    function: Any = send
    for option in (
        click.option(
            "--wait",
            type=click.FloatRange(0),
            default=10.0,
            show_default=True,
            help="Seconds for an answer.",
        ),
        click.option("--user", metavar="NAME", help="Who asks; default: the user of this shell."),
        click.option(
            "--reason", "comment", required=reason, metavar="TEXT", help="Why, for the history."
        ),
        *more,
        click.argument("subject", required=False),
        click.argument("alarm"),
        _its_flow,
        SITE,
    ):
        function = option(function)
    return alarms.command(name, help=help)(function)


def _flow_of(topics: Any, alarm: str | None, subject: str | None) -> str:
    """The one flow whose alarm is meant; ends the program where that is not told by its name."""
    with _reaching():
        known = {
            event.rule.partition("/")[0] for event in topics.states(_chosen(None, alarm, subject))
        }
    if len(known) == 1:
        return str(known.pop())
    meant = " of ".join(repr(one) for one in (alarm, subject) if one)
    found = f"the flows {', '.join(sorted(known))} have" if known else "no flow ever told"
    click.echo(f"{found} an alarm {meant}; name its flow with --flow", err=True)
    sys.exit(EXIT_REFUSED)


def _send(topics: Any, data: dict[str, Any], subject: str, wait: float) -> None:

    command = Occurrence(
        id=uuid.uuid4().hex, time=time.time(), subject=subject, type=COMMAND, data=data
    )
    with _reaching():
        answers = topics.ask(command, wait)
        meant = None if answers else _meant(topics, data)
    for answer in answers:
        said = (
            f"refused: {answer.data['error']}"
            if answer.type == REJECTED
            else f"now {answer.data['state']}"
        )
        click.echo(f"{data['flow']}/{answer.data['alarm'] or '*'} {answer.subject}: {said}")
    if not answers:
        click.echo(
            f"no answer within {wait:g} s; is the flow {data['flow']!r} running"
            + (f", and has it an alarm {data['alarm']!r}? " if "alarm" in data else "? ")
            + (
                f"({meant})"
                if meant
                else (
                    "If the flow is only slow or stopped, or waits for a service that is down (its"
                    " /health says so), it will still carry the command out."
                )
            ),
            err=True,
        )
        sys.exit(EXIT_NO_ANSWER)
    if all(answer.type == REJECTED for answer in answers):
        sys.exit(EXIT_REFUSED)


def _meant(topics: Any, data: dict[str, Any]) -> str | None:
    """A hint at the nearest name of a flow or alarm, if the written one never said anything."""
    flow, alarm = data["flow"], data.get("alarm")
    known = {
        (event.rule.partition("/")[0], event.alarm) for event in topics.states(lambda event: True)
    }
    if flow not in {one for one, _ in known}:
        return near(flow, {one for one, _ in known})
    if alarm is None or (flow, alarm) in known:
        return None
    return near(alarm, {its for one, its in known if one == flow})


_occurrence = click.option(
    "--occurrence", type=int, help="Only if this is still the occurrence that was seen."
)
_for = click.option("--for", "duration", metavar="SPAN", help="How long, such as 30m or 2h.")
_once = click.option(
    "--once", "oneshot", is_flag=True, help="Until it next returns, instead of a span."
)

_command("ack", "ack", "Acknowledge an alarm.", False, _occurrence)
_command("unack", "unack", "Take an acknowledgement back.")
_command("shelve", "shelve", "Take an alarm from the list for a while.", False, _for, _once)
_command("unshelve", "unshelve", "End shelving.")
_command("suppress", "suppress", "Hide an alarm until it is shown again by unsuppress.")
_command("unsuppress", "unsuppress", "Show a suppressed alarm again.")
_command(
    "out-of-service",
    "out_of_service",
    "Take an alarm out of service, such as for maintenance.",
    True,
)
_command("in-service", "in_service", "Put an alarm back into service.")
_command("reset", "reset", "Reset a latched alarm that is over.")
_command("clear", "clear", "End an alarm by hand, where no sensor can tell.", True)
_command("comment", "comment", "Leave a note in the alarm's history.", True)


@alarms.command()
@SITE
@_its_flow
@click.option("--alarm", metavar="NAME", help="Only this alarm of the subject.")
@click.option("--reason", "comment", required=True, metavar="TEXT", help="Why, for the history.")
@click.option("--user", metavar="NAME", help="Who asks; default: the user of this shell.")
@click.option(
    "--wait", type=click.FloatRange(0), default=10.0, show_default=True, help="Seconds for answers."
)
@click.argument("subject")
def retire(
    site: Path, flow: str | None, alarm: str | None, comment: str, user: str | None, wait: float,
    subject: str,
) -> None:  # fmt: skip
    """Take a subject out for good: all its alarms of a flow end, until it speaks again."""
    topics = _topics(site)
    flow = flow or _flow_of(topics, alarm, subject)
    data = {"do": "retire", "flow": flow, "user": user or getpass.getuser(), "comment": comment}
    _send(topics, data | ({"alarm": alarm} if alarm else {}), subject, wait)


@contextmanager
def _reaching() -> Iterator[None]:
    """End the program with one line if no broker answers."""
    try:
        yield
    except ConnectorError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_NO_ANSWER)


def _topics(site: Path) -> Any:

    try:
        return AlarmTopics(load_site(site).connection("redpanda", TopicConnection))
    except SiteError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)


def _chosen(flow: str | None, alarm: str | None, subject: str | None) -> Callable[[Any], bool]:
    def chosen(event: Any) -> bool:
        return (
            (flow is None or event.rule.partition("/")[0] == flow)
            and (alarm is None or event.alarm == alarm)
            and (subject is None or event.subject == subject)
        )

    return chosen
