"""Dead letters that are sent again for one who asks the supervisor."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from connectors.base import ConnectorError
from connectors.config.site import Site, SiteError, load_site
from connectors.kafka.connection import TopicConnection
from connectors.kafka.dead_letters import DeadLetterTopics
from connectors.kafka.topics.contents import Unreachable
from connectors.runtime.supervisor import SendAgain, SentAgain
from flows.admin.dead_letter_replay import NotReplayable, Replay
from flows.checks.context import Scope
from flows.dataflow.compiler import CompiledSink, NotRunnable, compile_flow
from flows.language.model import Flow
from flows.loader import load

WAIT = 30.0
"""Seconds for which the broker or a sink may be silent."""


def flow_of(
    definition: Path, profile: str | None
) -> tuple[Flow, Callable[[Site], dict[str, CompiledSink]]]:
    """The flow of a definition, and what makes its sinks; raises `NotRunnable`."""
    document, flow = load(definition)
    if flow is None:
        raise NotRunnable(document.report())

    def sinks(place: Site) -> dict[str, CompiledSink]:
        return compile_flow(flow, Scope(document, flow).tables, place.zone, profile).sinks

    return flow, sinks


def send_again(wish: SendAgain, definition: Path, site: Path, profile: str | None) -> SentAgain:
    """Send them; it is the work of a process of its own."""
    wanted = set(wish.letters)
    answer = SentAgain()
    try:
        flow, sinks = flow_of(definition, profile)
        place = load_site(site)
        connection = place.connection("redpanda", TopicConnection)
        letters = DeadLetterTopics(connection)
        entries = letters.entries(flow.flow, lambda letter: (letter.id, letter.step) in wanted)
        sender = Replay(letters, connection, flow, place, lambda: sinks(place), WAIT)
        with closing(sender):
            for entry in entries:
                try:
                    sender.send(entry)
                    answer.sent += 1
                except NotReplayable as error:
                    answer.kept[entry.letter.id] = str(error)
    except (NotRunnable, SiteError, ConnectorError, Unreachable) as error:
        answer.refused = str(error)
    return answer
