"""Being one of several that run a flow: saying so, hearing the others, and which part to have."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec
from kafka import KafkaConsumer
from kafka.errors import KafkaError

from connectors.base import ConnectorError, Health
from connectors.kafka.admin import explain
from connectors.kafka.connection import TopicConnection
from connectors.kafka.leases.entries import Entries, Silence
from connectors.kafka.leases.roll import Part, Present, Roll
from connectors.runtime.backoff import Backoff

HEALTH = "members"
SAID = 10
"""How often a member speaks in the time after which it counts as gone."""
SETTLES = 5
"""Part of that time for which a change must last before anything moves."""


class Members:
    """One member of a flow, whose `name` no other has. `decided` is told of each part to have."""

    def __init__(
        self,
        connection: TopicConnection,
        flow: str,
        name: str,
        lasts: float,
        health: Health,
        decided: Callable[[Part, int], None],
    ) -> None:
        self._connection, self._lasts, self._health = connection, lasts, health
        self._entries = Entries(connection)
        self.silence = Silence()
        self._roll = Roll(Present(flow, name), lasts, lasts / SETTLES)
        self._decided = decided
        self._last: Part | None = None
        self._changed, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="members", daemon=True)

    @contextmanager
    def present(self) -> Iterator[None]:
        """Be one of the members meanwhile."""
        self._thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._changed.set()
            self._thread.join(self._lasts)

    def holds(self, part: Part | None) -> None:
        """Tell the others which part this one has the lease of."""
        self._roll.mine = msgspec.structs.replace(self._roll.mine, holds=part)
        self._changed.set()

    def knows(self, most: int) -> None:
        """Tell the others into how many parts the flow can be cut."""
        self._roll.mine = msgspec.structs.replace(self._roll.mine, most=most)
        self._changed.set()

    def _run(self) -> None:
        backoff = Backoff(0.5, 10.0)
        while not self._ended.is_set():
            try:
                self._follow(backoff)
            except (ConnectorError, KafkaError, OSError) as error:
                words = explain(error, self._connection) if isinstance(error, KafkaError) else error
                self._health.degraded(HEALTH, f"those who run the flow cannot be heard: {words}")
                self._ended.wait(backoff.pause())

    def _follow(self, backoff: Backoff) -> None:
        self._entries.make()
        with self._entries.reading(is_from_now=True) as consumer, self._entries.writing() as client:
            self._roll.begin(time.monotonic())
            self.silence.begin(time.monotonic())
            while not self._ended.is_set():
                self._changed.clear()
                mine = self._roll.mine
                self._entries.say(client, mine.key, msgspec.json.encode(mine), self._lasts)
                self._take(consumer)
                self._health.up(HEALTH)
                backoff.reset()
                self._judge()
                self._changed.wait(self._lasts / SAID)
            self._entries.say(client, self._roll.mine.key, None, self._lasts)

    def _judge(self) -> None:
        now = time.monotonic()
        part = self._roll.decide(now)
        if part is not None and part != self._last:
            self._last = part
            self._decided(part, len(self._roll.members(now)))

    def _take(self, consumer: KafkaConsumer) -> None:
        mine, began = self._roll.mine, time.monotonic()

        def take(key: str, value: bytes | None, now: float) -> None:
            self.silence.take(key, now)
            if value is None:
                self._roll.leave(key)
                return
            with suppress(msgspec.MsgspecError):  # of another release, or of a lease
                said = msgspec.json.decode(value, type=Present)
                if said.of == mine.of and said.member != mine.member:
                    self._roll.take(said, now)

        self._entries.take(consumer, take)
        self.silence.listened(began)
