"""Dead letters that are sent again for one who asks the supervisor, in a process of its own."""

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

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
from flows.site.children import Children
from flows.site.process import Process, Tell

WAIT = 30.0
"""Seconds for which the broker or a sink may be silent."""
Answer = Callable[[SentAgain], None]


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


class DeadLetters:
    """The requests that are being carried out, each by a child."""

    def __init__(self, children: Children, site: Path, profile: str | None) -> None:
        self._children, self._site, self._profile = children, site, profile
        self._running: list[tuple[Process, Answer, list[SentAgain]]] = []

    @property
    def is_busy(self) -> bool:
        """Whether letters are being sent."""
        return bool(self._running)

    def begin(self, wish: SendAgain, definition: Path, answer: Answer) -> None:
        """Send them; the answer comes when each is sent, or it is known why not."""
        told: list[SentAgain] = []
        site, profile = self._site, self._profile

        def work(tell: Tell) -> int:
            tell(msgspec.to_builtins(_send(wish, definition, site, profile)))
            return 0

        def take(news: Mapping[str, Any]) -> None:
            told.append(msgspec.convert(news, SentAgain))

        process = self._children.start(wish.flow, work, take)
        self._running.append((process, answer, told))

    def ended(self, process: Process) -> bool:
        """Take the end of a process, if it is ours."""
        for one in self._running:
            if one[0] is process:
                self._running.remove(one)
                _, answer, told = one
                ended = SentAgain(refused=f"it ended: {' '.join(process.last)}")
                answer(told[0] if told else ended)
                return True
        return False


def _send(wish: SendAgain, definition: Path, site: Path, profile: str | None) -> SentAgain:
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
