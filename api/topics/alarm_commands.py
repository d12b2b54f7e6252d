"""Commands to alarms (acknowledge, shelve, …): written to their topic, answered by flows."""

import asyncio
import time
import uuid
from collections.abc import Iterable
from typing import Any

from api.topics.writer import TopicWriter
from connectors.kafka.topic_names import TopicNames
from operators.alarms.command_handler import COMMAND
from operators.events import Event, Occurrence, encode_lines

WAIT = 10.0
QUIET_AFTER = 0.5
"""Once one alarm has answered a command to several, so many seconds without another answer end
the waiting.
"""


class AlarmCommands:
    """Ask flows to act on alarms, and give each answer to the caller. Lives in the event loop."""

    def __init__(self, writer: TopicWriter, names: TopicNames) -> None:
        self._writer = writer
        self._commands = names.alarm_commands
        self._replies = names.alarm_replies
        self._asked: dict[str, asyncio.Queue[Occurrence]] = {}

    async def ask(
        self,
        subject: str,
        data: dict[str, Any],
        wait: float = WAIT,
        id: str = "",
        several: bool = False,
    ) -> list[Occurrence]:
        """Send a command; returns its answers, one per alarm. Raises `BrokerDown`.

        One to a subject has one answer, unless `several` are expected.

        Answers are occurrences of type `alarm_accepted` or `alarm_rejected`. `data` holds `do`,
        `flow`, `alarm` or `rule`, `user`, and what the command needs
        (`operators.alarms.command_handler.COMMAND`). An empty `subject` means all that accept it.
        The list is empty if no flow answered within `wait` seconds: it may still carry the command
        out later.
        """
        command = Occurrence(
            id=id or uuid.uuid4().hex, time=time.time(), subject=subject, type=COMMAND, data=data
        )
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        answers: list[Occurrence] = []
        queue = self._asked[command.id] = asyncio.Queue()
        try:
            await self._writer.ensure(self._replies)
            await self._writer.deliver(self._commands, subject, encode_lines([command]), wait)
            while (left := until - loop.time()) > 0:
                try:
                    answers.append(await asyncio.wait_for(queue.get(), left))
                except TimeoutError:
                    break
                until = loop.time() + (QUIET_AFTER if several or not subject else 0.0)
            return answers
        finally:
            self._asked.pop(command.id, None)

    def answered(self, events: Iterable[Event]) -> None:
        """Take the events of the topic of answers."""
        for event in events:
            queue = (
                self._asked.get(str(event.data.get("command")))
                if isinstance(event, Occurrence)
                else None
            )
            if queue is not None:
                assert isinstance(event, Occurrence)
                queue.put_nowait(event)
